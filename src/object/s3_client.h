// Signed requests of one bucket, and what S3's error answers mean. Callable from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "net/http_client.h"
#include "net/sigv4.h"
#include "object/s3_store.h"

namespace lakehouse::object {

using S3Query = std::vector<std::pair<std::string, std::string>>;

struct S3Call {
  std::string method = "GET";
  std::string key;  // of the bucket, prefix and all; empty: the bucket itself
  S3Query query;
  net::Headers headers;
  ByteSource* body = nullptr;
  uint64_t body_bytes = 0;
};

class S3Client {
 public:
  S3Client(S3StoreOptions options, net::HttpClient& client, net::AwsCredentialChain& credentials, const Clock& clock);

  // The response of a status below 300, or an Error: kNotFound (member "code" is S3's own word), kPreconditionFailed,
  // kForbidden, kUnavailable to try again, …
  Result<std::unique_ptr<net::HttpResponse>> Send(const RequestContext& context, const S3Call& call);
  // The same with an answer that fits in memory.
  Result<std::string> SendForText(const RequestContext& context, const S3Call& call);

  const S3StoreOptions& options() const { return options_; }
  // The server's clock as its last answer told it.
  WallTime ServerNow() const;

 private:
  net::HttpRequest Sign(const S3Call& call, const net::AwsCredentials& credentials) const;
  Error ToError(int status, std::string_view body, const S3Call& call) const;
  void NoteServerTime(const net::Headers& headers);

  const S3StoreOptions options_;
  net::HttpClient& client_;
  net::AwsCredentialChain& credentials_;
  const Clock& clock_;
  std::string scheme_and_host_, host_, base_path_;
  std::atomic<int64_t> server_ahead_us_{0};
};

}  // namespace lakehouse::object
