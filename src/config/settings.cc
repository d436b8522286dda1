#include "config/settings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "config/load_internal.h"
#include "config/machine_internal.h"

extern char** environ;

namespace lakehouse::config {

namespace {

constexpr size_t kMaxFileBytes = 1 << 20;
constexpr char kDefaultPath[] = "lakehouse.toml";

// nullopt when there is no such file.
Result<std::optional<ConfigText>> ReadConfig(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid() && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!file.valid()) return Fail(ErrnoError(errno, fmt::format("cannot read {}", path.string())));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return Fail(ErrnoError(errno, fmt::format("cannot read {}", path.string())));
  if (!S_ISREG(status.st_mode)) return Fail(ErrorKind::kInvalid, "{} is no file", path.string());
  if (status.st_size > static_cast<off_t>(kMaxFileBytes)) {
    return Fail(ErrorKind::kInvalid, "{} is larger than 1 MiB: that is no configuration", path.string());
  }
  ConfigText config{path.string(), std::string(static_cast<size_t>(status.st_size), '\0')};
  LH_TRY(ReadFullyAt(file.get(), config.text.data(), config.text.size(), 0));
  return config;
}

}  // namespace

Environment ProcessEnvironment() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return Environment(
      [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      },
      std::move(names));
}

Environment EnvironmentOf(std::map<std::string, std::string, std::less<>> variables) {
  std::vector<std::string> names;
  names.reserve(variables.size());
  for (const auto& [name, value] : variables) names.push_back(name);
  return Environment(
      [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
      },
      std::move(names));
}

Result<LoadedSettings> Load(const std::optional<std::filesystem::path>& path, const Environment& environment,
                            const std::vector<Override>& overrides) {
  LH_ASSIGN(const auto file, ReadConfig(path.value_or(kDefaultPath)));
  LH_ASSIGN(auto loaded, LoadFrom(file, environment, overrides, ThisMachine()));
  if (path && !file) {
    loaded.warnings.insert(
        loaded.warnings.begin(),
        fmt::format("configuration file {} does not exist; using the defaults and the environment instead",
                    path->string()));
  }
  return loaded;
}

}  // namespace lakehouse::config
