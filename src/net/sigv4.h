// AWS Signature Version 4 over the headers of one request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/http_client.h"

namespace lakehouse::net {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
  WallTime expires_at = WallTime::max();
};

struct SigningScope {
  std::string region;
  std::string service;
};

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// What is signed of a request: encoded path, decoded query parameters, and the headers that go out, Host among them.
struct SignedParts {
  std::string method;
  std::string path;  // percent-encoded, begins with a slash
  std::vector<std::pair<std::string, std::string>> query;
  Headers headers;
};

// Adds x-amz-date, x-amz-content-sha256, x-amz-security-token and Authorization to the headers.
void SignRequest(SignedParts& parts, std::string_view payload_sha256, const AwsCredentials& credentials,
                 const SigningScope& scope, WallTime now);
// The parameters as a query string, encoded and sorted as the signature wants them.
std::string CanonicalQuery(std::vector<std::pair<std::string, std::string>> query);

}  // namespace lakehouse::net
