// One call of another role over HTTP: URL, token, JSON, problem+json back to an Error. Callable from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_client.h"

namespace lakehouse::service {

// Where another role is and how we show that we are one. Copies freely. REQUIRES: the client outlives this.
class RemoteRole {
 public:
  // `base_url` without a trailing slash, e.g. http://127.0.0.1:3212; `name` stands in messages ("catalogd").
  RemoteRole(net::HttpClient& client, std::string name, std::string base_url, std::string role_token);

  struct Answer {
    int status = 0;
    std::string body;
  };
  // The answer of a call whose body fits in memory. A status of 400 or more is an Error; one that cannot be reached is
  // kUnavailable naming the role. `path` begins with a slash and is encoded.
  Result<Answer> Call(const RequestContext& context, std::string_view method, std::string_view path,
                      std::string_view body = {}, std::string_view content_type = "application/json") const;
  // A GET whose body is read from the response as it comes; errors as Call.
  Result<std::unique_ptr<net::HttpResponse>> Open(const RequestContext& context, std::string_view path,
                                                  std::string_view accept) const;
  // A POST of JSON whose answer is read as it comes; errors as Call.
  Result<std::unique_ptr<net::HttpResponse>> Post(const RequestContext& context, std::string_view path,
                                                  std::string_view accept, std::string_view body) const;
  // Any request, with the role's address and our token put to it; errors as Call.
  Result<std::unique_ptr<net::HttpResponse>> Send(const RequestContext& context, net::HttpRequest request,
                                                  std::string_view path) const;
  // The role answers its GET /ready with 200.
  Status Ready(const RequestContext& context) const;

  const std::string& name() const { return name_; }
  const std::string& base_url() const { return base_url_; }
  const std::string& role_token() const { return role_token_; }

 private:
  net::HttpClient* client_;
  std::string name_, base_url_, role_token_;
};

}  // namespace lakehouse::service
