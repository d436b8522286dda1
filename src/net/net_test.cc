// Request signatures against AWS's published examples, percent-encoding, and the retry policy.
#include <gtest/gtest.h>

#include <string>

#include "net/retry.h"
#include "net/sigv4.h"

namespace lakehouse::net {
namespace {

constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// What stands behind "Signature=" once the parts are signed as in
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
std::string SignatureOf(SignedParts parts) {
  AwsCredentials credentials;
  credentials.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  credentials.secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  SignRequest(parts, kEmptySha256, credentials, {"us-east-1", "s3"}, WallTime(std::chrono::seconds(1369353600)));
  for (const auto& [name, value] : parts.headers) {
    const size_t at = value.find("Signature=");
    if (at != std::string::npos) return value.substr(at + 10);
  }
  return "no signature";
}

TEST(SigV4Test, SignsAnObjectReadAsAwsDoes) {
  const SignedParts parts{"GET", "/test.txt", {}, {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}}};
  EXPECT_EQ(SignatureOf(parts), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4Test, SignsAQueryAsAwsDoes) {
  const SignedParts parts{
      "GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {{"Host", "examplebucket.s3.amazonaws.com"}}};
  EXPECT_EQ(SignatureOf(parts), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(PercentTest, EncodesAndComesBack) {
  EXPECT_EQ(PercentEncode("a b/%~", true), "a%20b/%25~");
  EXPECT_EQ(PercentEncode("a/b", false), "a%2Fb");
  EXPECT_EQ(PercentDecode("a%20b%2fc").value(), "a b/c");
  for (const std::string_view broken : {"%", "%2", "%zz"}) EXPECT_FALSE(PercentDecode(broken)) << broken;
}

TEST(RetryTest, TriesAgainOnlyWhatMayMend) {
  const RetryPolicy policy{3, std::chrono::milliseconds(1), std::chrono::milliseconds(1)};
  int calls = 0;
  const auto failing = [&](ErrorKind kind) {
    calls = 0;
    return WithRetries(RequestContext{}, policy, [&]() -> Status {
      ++calls;
      return Fail(kind, "no");
    });
  };
  EXPECT_FALSE(failing(ErrorKind::kUnavailable));
  EXPECT_EQ(calls, 3);
  EXPECT_FALSE(failing(ErrorKind::kNotFound));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace lakehouse::net
