// HTTP/1.1 server: connections, framing, deadlines, routing. What the routes do stands in *_routes.cc.
//
// Threads: an I/O pool (epoll) accepts, parses headers and holds idle connections. A request whose headers are complete
// is handed with its socket to a handler thread, which reads the body and writes the answer by itself, blocking under
// deadlines (that is the backpressure), then gives the socket back. Routes marked kInline run on the I/O pool: they
// must not block and take no body.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "auth/access.h"
#include "auth/audit.h"
#include "base/log.h"
#include "base/request_context.h"
#include "base/result.h"
#include "base/stream.h"
#include "http/framing.h"
#include "http/route_doc.h"
#include "net/tls_files.h"
#include "observe/metrics.h"

namespace lakehouse::http {

// One request. Lives as long as its handler runs.
class Request {
 public:
  virtual ~Request() = default;
  virtual std::string_view method() const = 0;
  virtual std::string_view target() const = 0;  // as sent: path and query, still encoded
  virtual std::string_view path() const = 0;    // still encoded, without the query
  // First value, compared without case; nullptr when absent.
  virtual const std::string* header(std::string_view name) const = 0;
  virtual const Headers& headers() const = 0;
  // Captures of the route's pattern, percent-decoded once.
  virtual const std::string& capture(std::string_view name) const = 0;
  // Decoded query parameter; nullptr when absent. A parameter given twice has been refused before the handler ran.
  virtual const std::string* query(std::string_view name) const = 0;
  // kInvalid naming the first query parameter that is not in `known`.
  virtual Status OnlyQuery(std::initializer_list<std::string_view> known) const = 0;
  virtual std::optional<uint64_t> content_length() const = 0;  // nullopt: chunked, or no body
  virtual bool has_body() const = 0;
  // Who calls; the scope of the route has been checked already.
  virtual const auth::Principal& caller() const;
  // The client speaks TLS with us.
  virtual bool is_tls() const { return false; }
  // The client's IP address, as text; empty where there is no socket.
  virtual std::string client_address() const { return {}; }
  // The body, de-chunked. The first Read sends 100 Continue where the client waits for it.
  virtual ByteSource& body() = 0;
};

// The answer. Start, then Write until done, then Finish; or Send for a whole small body. Nothing is on the wire before
// Start, and up to 16 KiB after it are held until there are more, Flush or Finish: a small answer is one system call,
// and one whose length was not known gets a Content-Length. Answers to HEAD take the same calls and send no body.
class Response : public ByteSink {
 public:
  // Adds a header; before Start only.
  virtual void SetHeader(std::string_view name, std::string_view value) = 0;
  // `length` absent: chunked, and only a Finish ends it well; what is dropped before breaks the connection.
  virtual Status Start(int status, std::optional<uint64_t> length) = 0;
  Status Write(std::string_view bytes) override = 0;
  // Copies `source` to its end; uses sendfile where it can.
  virtual Status WriteFrom(ByteSource& source) = 0;
  virtual Status Finish() = 0;
  // Sends what is held, for streams whose reader waits for every piece.
  virtual Status Flush() = 0;
  virtual bool started() const = 0;
  Status Send(int status, std::string_view content_type, std::string_view body);
  Status SendJson(int status, std::string_view json) { return Send(status, "application/json", json); }
};

// An error becomes problem+json as long as nothing is on the wire; after that, a broken connection.
using Handler = std::function<Status(const RequestContext&, Request&, Response&)>;

enum class Dispatch { kHandlerThread, kInline };

// A route that nobody needs a key for.
inline constexpr std::nullopt_t kOpen = std::nullopt;

// Patterns: literal segments, {name} for one segment, {name...} for the rest of the path with its slashes.
struct Route {
  std::string method;  // GET routes answer HEAD as well unless a HEAD route exists
  std::string pattern;
  Handler handler;
  std::string summary;  // one line, for openapi.json and the docs
  // From the end of the headers until the answer starts. What is written then is bounded by body_timeout alone.
  std::chrono::milliseconds deadline{60000};
  Dispatch dispatch = Dispatch::kHandlerThread;
  RouteDoc doc{};
  // What a caller's key must allow; a route that says nothing is for administrators.
  std::optional<auth::Scope> scope = auth::Scope::kAdmin;
};

// The one table of what a process serves. 404, 405 with Allow, and HEAD come from it.
class Router {
 public:
  // REQUIRES: no other route has this method and pattern.
  void Add(Route route);
  // Every route of `other` again below `prefix` ("/v1").
  void Mount(std::string_view prefix, const Router& other);
  // Every request below `prefix`, whatever its method, goes to `handler` with capture "rest" (the proxy).
  void AddPrefix(std::string prefix, Route route);
  struct Match {
    const Route* route = nullptr;
    std::map<std::string, std::string, std::less<>> captures;
    bool is_prefix = false;  // of AddPrefix: the query is the handler's business, undecoded and unchecked
  };
  // kNotFound; kMethodNotAllowed with member "allow"; kInvalid for a path that does not decode.
  Result<Match> Find(std::string_view method, std::string_view encoded_path) const;
  const std::vector<Route>& routes() const { return routes_; }
  // Those of AddPrefix too. The references stay as long as the table does not change or move.
  void ForEachRoute(const std::function<void(const Route&)>& visit) const {
    for (const Route& route : routes_) visit(route);
    for (const Route& route : prefixes_) visit(route);
  }

 private:
  std::vector<Route> routes_;
  std::vector<Route> prefixes_;
};

struct ServerOptions {
  std::string bind = "127.0.0.1:0";
  std::string service = "gateway";  // name in logs, metrics and /health
  unsigned io_threads = 2;
  unsigned max_handlers = 512;       // requests in flight; past that 503 with Retry-After
  unsigned max_connections = 10000;  // past that a new one takes the place of one that is idle, or is refused
  size_t max_header_bytes = 64 << 10;
  std::chrono::milliseconds header_timeout{10000};  // from the first byte of a request to the end of its headers
  std::chrono::milliseconds idle_timeout{75000};    // between requests
  std::chrono::milliseconds body_timeout{30000};  // without a byte of the body, or with less than 16 KiB of the answer
  // Host names that are ours besides loopback names and the bound address; others are 403, as is a foreign Origin.
  std::vector<std::string> hosts{};
  // Who may call, and what is written down about it. nullptr: everyone may do everything, and nothing is.
  const auth::Access* access = nullptr;
  const auth::Audit* audit = nullptr;
  // What is shown to clients that must speak TLS; nullptr: no TLS.
  std::shared_ptr<net::TlsFiles> tls{};
  // What other roles show in X-Lakehouse-Role-Token; a request that has it is internal. Empty: none is.
  std::string role_token{};
  bool strip_role_token = false;  // at the edge: clients are never internal
};

class Server {
 public:
  // Binds and listens; kInvalid with one clear line ("port 3110 is in use") when it cannot. Serves nothing before
  // Start.
  static Result<std::unique_ptr<Server>> Bind(ServerOptions options, const Logger& log, observe::Metrics& metrics);
  virtual ~Server() = default;
  virtual std::string address() const = 0;  // host:port, with the port that was picked
  virtual void Start(Router router) = 0;
  // Stops accepting, lets requests in flight finish until the deadline, then breaks them off. Blocks.
  virtual void Stop(Deadline drain) = 0;
};

}  // namespace lakehouse::http
