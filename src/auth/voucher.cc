#include "auth/voucher.h"

#include <charconv>

#include "base/hash.h"

namespace lakehouse::auth {

namespace {

using std::chrono::seconds;

// Also what the clocks of two machines may differ by.
constexpr seconds kGoodFor{300};

int64_t SecondsOf(WallTime time) { return std::chrono::floor<seconds>(time.time_since_epoch()).count(); }

std::string_view TakeField(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

std::optional<std::string> FromHex(std::string_view hex) {
  std::string text;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    if (error != std::errc() || end != hex.data() + i + 2) return std::nullopt;
    text.push_back(static_cast<char>(byte));
  }
  return text;
}

bool SameText(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

// A key of its own: what is signed here can never be taken for another use of the token.
Voucher::Voucher(const std::string& role_token, const Clock& clock)
    : key_(role_token.empty() ? "" : ToHex(HmacSha256(role_token, "lakehouse caller voucher"))), clock_(clock) {}

std::string Voucher::Sign(std::string_view claim) const { return ToHex(HmacSha256(key_, claim)); }

std::string Voucher::For(const Principal& caller) const {
  const std::string name = ToHex(reinterpret_cast<const uint8_t*>(caller.name.data()), caller.name.size());
  const std::string claim =
      fmt::format("1 {} {} {} {}", SecondsOf(clock_.Now()), ScopeName(caller.scope), caller.key_id, name);
  return claim + " " + Sign(claim);
}

std::optional<Principal> Voucher::Read(std::string_view text) const {
  const size_t last = text.rfind(' ');
  if (key_.empty() || last == std::string_view::npos) return std::nullopt;
  const std::string_view claim = text.substr(0, last);
  if (!SameText(Sign(claim), text.substr(last + 1))) return std::nullopt;
  std::string_view rest = claim;
  if (TakeField(rest) != "1") return std::nullopt;
  const std::string_view time = TakeField(rest);
  int64_t at = 0;
  if (std::from_chars(time.data(), time.data() + time.size(), at).ec != std::errc()) return std::nullopt;
  const int64_t age = SecondsOf(clock_.Now()) - at;
  if (age > kGoodFor.count() || age < -kGoodFor.count()) return std::nullopt;
  const auto scope = ParseScope(TakeField(rest));
  Principal caller;
  caller.key_id = TakeField(rest);
  auto name = FromHex(TakeField(rest));
  if (!scope || !name || caller.key_id.empty()) return std::nullopt;
  caller.scope = *scope;
  caller.name = std::move(*name);
  return caller;
}

}  // namespace lakehouse::auth
