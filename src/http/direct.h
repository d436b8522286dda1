// A request that no socket brings: this process hands it to a route itself, as an embedded lake does. Who may ask has
// been settled by whoever calls; the caller is anonymous.
#pragma once

#include <string>
#include <string_view>

#include "http/server.h"

namespace lakehouse::http {

struct DirectRequest {
  std::string method = "GET", path;  // without a query
  Headers headers{};
  std::string body{};
};

// The answer as it comes, on the thread that called.
class DirectAnswer {
 public:
  virtual ~DirectAnswer() = default;
  // REQUIRES: called once, before the first Take.
  virtual void Begin(int status, const Headers& headers) = 0;
  virtual Status Take(std::string_view bytes) = 0;
};

// Returns once the route has. An Error is what a client would have got as problem+json, or a broken connection when the
// answer had begun. Callable from any thread.
Status Serve(const Router& router, const RequestContext& context, const DirectRequest& request, DirectAnswer& answer);

}  // namespace lakehouse::http
