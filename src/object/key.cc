#include "object/key.h"

#include "base/utf8.h"

namespace lakehouse::object {
namespace {

constexpr std::string_view kReserved[] = {"catalog/", "datasets/", "vectors/"};

// A component that is `.` or `..`, plain or with its dots percent-encoded.
bool IsDots(std::string_view component) {
  std::string_view rest = component;
  size_t dots = 0;
  while (!rest.empty()) {
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
    } else if (rest.starts_with("%2e") || rest.starts_with("%2E")) {
      rest.remove_prefix(3);
    } else {
      return false;
    }
    ++dots;
  }
  return dots == 1 || dots == 2;
}

Status CheckComponents(std::string_view key) {
  while (true) {
    const size_t slash = key.find('/');
    const std::string_view component = key.substr(0, slash);
    if (component.empty())
      return Fail(ErrorKind::kInvalid, "a key must have no empty component: no leading, trailing or doubled /");
    if (IsDots(component))
      return Fail(ErrorKind::kInvalid, "a key must have no . or .. component, also not percent-encoded");
    if (slash == std::string_view::npos) return {};
    key.remove_prefix(slash + 1);
  }
}

}  // namespace

Status CheckKey(std::string_view key) {
  if (key.empty()) return Fail(ErrorKind::kInvalid, "a key must not be empty");
  if (key.size() > kMaxKeyBytes) {
    return Fail(ErrorKind::kInvalid, "a key must be at most {} bytes long; this one is {}", kMaxKeyBytes, key.size());
  }
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
      return Fail(ErrorKind::kInvalid, "a key must hold no control byte (NUL, CR, LF, TAB or another)");
  }
  if (const auto offset = FindInvalidUtf8(key)) {
    return Fail(ErrorKind::kInvalid, "a key must be valid UTF-8; the byte at offset {} is not", *offset);
  }
  if (key.front() == '/') return Fail(ErrorKind::kInvalid, "a key must not begin with /");
  return CheckComponents(key);
}

bool IsPrivateKey(std::string_view key) { return key.starts_with(kPrivateKeyPrefix); }

bool IsReservedKey(std::string_view key) {
  for (const std::string_view prefix : kReserved) {
    if (key.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace lakehouse::object
