#include "auth/key.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/file.h"

namespace lakehouse::auth {

namespace {

constexpr std::string_view kStart = "lh_";
constexpr size_t kIdDigits = 12;
constexpr size_t kSecretDigits = 64;
constexpr size_t kSaltBytes = 16;

bool IsHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool IsKeyId(std::string_view text) { return text.size() == kIdDigits && IsHex(text); }

std::optional<KeyText> ParseKey(std::string_view text) {
  if (text.size() != kStart.size() + kIdDigits + 1 + kSecretDigits || !text.starts_with(kStart)) return std::nullopt;
  const std::string_view id = text.substr(kStart.size(), kIdDigits);
  const std::string_view secret = text.substr(kStart.size() + kIdDigits + 1);
  if (!IsHex(id) || !IsHex(secret) || text[kStart.size() + kIdDigits] != '_') return std::nullopt;
  return KeyText{id, secret};
}

Result<NewKey> MakeKey() {
  std::array<uint8_t, kIdDigits / 2 + kSecretDigits / 2 + kSaltBytes> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return Fail(ErrnoError(errno, "no random bytes from the operating system"));
  }
  const std::string digits = ToHex(random);
  NewKey key;
  key.known.id = digits.substr(0, kIdDigits);
  const std::string secret = digits.substr(kIdDigits, kSecretDigits);
  key.known.salt = digits.substr(kIdDigits + kSecretDigits);
  key.known.hash = HashSecret(key.known.salt, secret);
  key.text = fmt::format("{}{}_{}", kStart, key.known.id, secret);
  return key;
}

}  // namespace lakehouse::auth
