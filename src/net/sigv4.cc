#include "net/sigv4.h"

#include <algorithm>
#include <ctime>

#include "base/ascii.h"
#include "base/hash.h"

namespace lakehouse::net {
namespace {

std::string_view TrimmedValue(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string AmzDate(WallTime now) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  struct tm utc = {};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

std::string AsText(const Sha256Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

}  // namespace

std::string CanonicalQuery(std::vector<std::pair<std::string, std::string>> query) {
  for (auto& [name, value] : query) {
    name = PercentEncode(name, false);
    value = PercentEncode(value, false);
  }
  std::ranges::sort(query);
  std::string text;
  for (const auto& [name, value] : query) text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
  return text;
}

void SignRequest(SignedParts& parts, std::string_view payload_sha256, const AwsCredentials& credentials,
                 const SigningScope& scope, WallTime now) {
  const std::string date = AmzDate(now);
  const std::string day = date.substr(0, 8);
  parts.headers.emplace_back("x-amz-date", date);
  parts.headers.emplace_back("x-amz-content-sha256", payload_sha256);
  if (!credentials.session_token.empty()) parts.headers.emplace_back("x-amz-security-token", credentials.session_token);

  std::vector<std::pair<std::string, std::string>> sorted;
  for (const auto& [name, value] : parts.headers) sorted.emplace_back(AsciiLower(name), TrimmedValue(value));
  std::ranges::sort(sorted);
  std::string canonical_headers, signed_headers;
  for (const auto& [name, value] : sorted) {
    canonical_headers += fmt::format("{}:{}\n", name, value);
    signed_headers += fmt::format("{}{}", signed_headers.empty() ? "" : ";", name);
  }
  const std::string request =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", parts.method, parts.path, CanonicalQuery(parts.query), canonical_headers,
                  signed_headers, payload_sha256);
  const std::string credential_scope = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string to_sign =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, credential_scope, ToHex(Sha256Of(request)));
  std::string key = "AWS4" + credentials.secret_access_key;
  for (const std::string& step : {day, scope.region, scope.service, std::string("aws4_request")})
    key = AsText(HmacSha256(key, step));
  parts.headers.emplace_back(
      "Authorization",
      fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", credentials.access_key_id,
                  credential_scope, signed_headers, ToHex(HmacSha256(key, to_sign))));
}

}  // namespace lakehouse::net
