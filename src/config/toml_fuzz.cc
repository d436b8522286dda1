// Any bytes as lakehouse.toml: settings or a clear error, never a crash, and an error names the file.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/load_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lakehouse::config;
  const ConfigText file{"fuzz.toml", std::string(reinterpret_cast<const char*>(data), size)};
  const Machine machine{uint64_t{8} << 30, 4, [](const std::filesystem::path&) { return uint64_t{100} << 30; }};
  const auto loaded = LoadFrom(file, EnvironmentOf({}), {}, machine);
  if (!loaded && (loaded.error().kind != lakehouse::ErrorKind::kInvalid ||
                  loaded.error().detail.find("fuzz.toml:") == std::string::npos)) {
    std::abort();
  }
  return 0;
}
