// MCP over HTTP: POST, GET and DELETE /mcp. https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
// Thread-safe. REQUIRES: what is handed in outlives this; this outlives the server that serves the routes.
#pragma once

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "http/server.h"
#include "mcp/change_watch.h"
#include "mcp/methods.h"
#include "mcp/post_channel.h"
#include "mcp/session.h"

namespace lakehouse::mcp {

class HttpTransport {
 public:
  static constexpr size_t kMaxMessageBytes = 16 << 20;
  static constexpr size_t kMaxBatch = 50;
  // Event streams that may be open at once: each holds one of the server's threads.
  static constexpr int kMaxStreams = 128;

  HttpTransport(const Services& services, const Options& options, const Clock& clock, const Logger& log,
                observe::Metrics& metrics);
  ~HttpTransport();

  void AddRoutes(http::Router& router);
  // Ends all streams and sessions, so that a server that stops need not wait for them.
  void Stop();

 private:
  Status Post(const RequestContext& context, http::Request& request, http::Response& response);
  Status Get(const RequestContext& context, http::Request& request, http::Response& response);
  Status Delete(http::Request& request, http::Response& response);

  Status PostBatch(const RequestContext& context, http::Request& request, http::Response& response,
                   const std::vector<boost::json::value>& messages);
  Status PostMessage(const RequestContext& context, http::Request& request, http::Response& response,
                     const Message& message);
  Status Open(http::Request& request, http::Response& response, const Message& message);
  Status PostStateless(const RequestContext& context, http::Request& request, http::Response& response,
                       const Message& message);
  Status Listen(const RequestContext& context, http::Response& response, const Message& message);
  void Take(Session& session, const Message& notification);
  Rpc<boost::json::object> Run(const RequestContext& context, Call& call, const Message& message,
                               const PostChannel* channel);
  Status Follow(const RequestContext& context, http::Response& response, EventStream& stream, uint64_t& after,
                bool with_ids);

  const Methods methods_;
  Sessions sessions_;
  ChangeWatch changes_;
  std::atomic<int> streams_{0};
};

}  // namespace lakehouse::mcp
