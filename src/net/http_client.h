// HTTP out of this process: one pool of kept-alive connections on libcurl, deadlines on every wait, bodies streamed
// both ways. Blocking; callable from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/request_context.h"
#include "base/result.h"
#include "base/stream.h"

namespace lakehouse::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// First value of a header, compared without case; nullptr when absent.
const std::string* FindHeader(const Headers& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Headers headers;
  ByteSource* body = nullptr;          // REQUIRES: outlives the response's headers
  std::optional<uint64_t> body_bytes;  // absent with a body: chunked
};

// Headers have arrived; the body is read from here. Read to its end and the connection goes back to the pool; dropped
// earlier, the connection is closed. A body that ends early is an error of Read (kUpstream), never a short success.
class HttpResponse : public ByteSource {
 public:
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
};

struct HttpClientOptions {
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds idle_timeout{60000};  // no byte either way for this long
  size_t max_idle_connections = 64;
  std::string user_agent = "lakehouse";
  std::string ca_file{};  // PEM file of the authorities that https servers are believed by; empty: the system's
};

class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is a success here. kUnavailable: no connection was made (nothing was sent); kAmbiguous: it broke after
  // something was sent; kDeadline, kCancelled from the context. Follows no redirects. Sends the context's request id
  // and traceparent.
  Result<std::unique_ptr<HttpResponse>> Send(const RequestContext& context, const HttpRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// `text` percent-encoded; slashes kept when asked for.
std::string PercentEncode(std::string_view text, bool keep_slash);
// kInvalid for a broken escape.
Result<std::string> PercentDecode(std::string_view text);

}  // namespace lakehouse::net
