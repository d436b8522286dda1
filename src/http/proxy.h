// The gateway's way to a role in another process: a Handler that passes requests on, streaming both ways.
//
// Connections to the upstream are kept and used again. Headers that concern one connection only are dropped on both
// sides; a client's role token never gets through, and the gateway adds none: clients are never internal. An upstream
// that breaks in the middle of its answer breaks the client's connection; before that it is a problem: 503 when it was
// not reached, 502 when it broke or talked nonsense, 504 past the deadline. A client that goes away ends the request.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "auth/voucher.h"
#include "base/result.h"
#include "http/server.h"

namespace lakehouse::http {

struct UpstreamUrl {
  bool tls = false;
  std::string host;  // without brackets
  uint16_t port = 0;
  std::string authority;  // for the Host header
  std::string path;       // without a slash at its end; what comes in front of every request's own path
};

// Checks an http(s) URL of the settings; kInvalid naming `field`: "[gateway] storaged_url: no scheme in
// '127.0.0.1:3211'".
Result<UpstreamUrl> ParseUpstreamUrl(std::string_view field, std::string_view url);

struct ProxyOptions {
  std::string strip_prefix = "/v1";  // off the request's path before the upstream's own path goes in front
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds idle_timeout{60000};  // without a byte from the upstream once its answer has begun
  size_t max_idle_connections = 128;
  // PEM file of authorities that an https upstream's certificate may come from, besides the system's.
  std::string ca_file{};
  // Vouches to the role for a caller whose key was checked here; nullptr: what the client showed goes on instead.
  std::shared_ptr<const auth::Voucher> voucher{};
};

// For Router::AddPrefix. Callable from any thread; what it holds lives as long as its copies.
Handler MakeProxy(UpstreamUrl upstream, ProxyOptions options = {});

}  // namespace lakehouse::http
