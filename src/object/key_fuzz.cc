// Key rules: what passes keeps every rule of docs/contract.md, checked here in another way; and what passes becomes a
// path that stays below the root, fits a file system, and that no other key becomes.
#include <cstdint>
#include <cstdlib>

#include "base/utf8.h"
#include "net/http_client.h"
#include "object/key.h"
#include "object/local_path.h"

namespace lakehouse::object {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

bool KeepsTheRules(std::string_view key) {
  if (key.empty() || key.size() > 1024 || FindInvalidUtf8(key)) return false;
  size_t start = 0;
  while (true) {
    const size_t end = std::min(key.find('/', start), key.size());
    const std::string component(key.substr(start, end - start));
    // Decoding a stray '%' fails, and leaves nothing that could be dots.
    const auto decoded = net::PercentDecode(component);
    for (const std::string& form : {component, decoded.value_or(component)}) {
      if (form.empty() || form == "." || form == "..") return false;
    }
    for (const char c : component) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
    }
    if (end == key.size()) return true;
    start = end + 1;
  }
}

// The key that a path stands for.
std::string KeyOfPath(std::string_view path) {
  std::string key;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    Check(!name.empty() && name.size() <= 255 && name != "." && name != "..");
    const bool piece = name.ends_with(kPieceFolder);
    if (piece) name.remove_suffix(kPieceFolder.size());
    key += UnescapeName(name);
    if (!piece && !path.empty()) key += '/';
  }
  return key;
}

}  // namespace
}  // namespace lakehouse::object

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lakehouse::object;  // NOLINT(google-build-using-namespace)
  const std::string_view key(reinterpret_cast<const char*>(data), size);
  const auto checked = CheckKey(key);
  Check(checked.has_value() == KeepsTheRules(key));
  if (!checked) {
    Check(checked.error().kind == lakehouse::ErrorKind::kInvalid && !checked.error().detail.empty());
    return 0;
  }
  const std::string path = PathOfKey(key);
  Check(!path.starts_with('/') && !path.starts_with(std::string(kPrivateFolder) + "/") && path != kPrivateFolder);
  Check(KeyOfPath(path) == key);
  return 0;
}
