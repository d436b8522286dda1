// The answer to one POST: a JSON document, or an event stream as soon as there is something to say before the answer.
// Used by the thread that serves the request.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "http/server.h"
#include "mcp/call.h"
#include "mcp/event_stream.h"

namespace lakehouse::mcp {

class PostChannel final : public Channel {
 public:
  // `session` nullptr: stateless, nothing can be resumed. `may_stream`: the client takes event streams.
  PostChannel(http::Response& response, std::shared_ptr<Session> session, Revision revision, bool may_stream)
      : response_(response), session_(std::move(session)), revision_(revision), may_stream_(may_stream) {}

  void Notify(std::string_view method, boost::json::object params) override;
  Result<boost::json::object> Ask(const RequestContext& context, std::string_view method,
                                  boost::json::object params) override;
  void Detach() override;
  // Ends the exchange with the answer, by the way that is open.
  Status Answer(int status, const std::string& message);
  // Whether a client that is gone can come back for the answer. Callable from any thread.
  bool is_resumable() const { return is_resumable_.load(std::memory_order_relaxed); }

 private:
  void Open();
  void Emit(const std::string& message);
  void Write(std::string_view text);

  http::Response& response_;
  const std::shared_ptr<Session> session_;
  const Revision revision_;
  const bool may_stream_;
  std::shared_ptr<EventStream> stream_;
  bool is_open_ = false, is_detached_ = false;
  std::atomic<bool> is_resumable_{false};
};

// Headers of an event stream, and its start.
Status StartEvents(http::Response& response);

}  // namespace lakehouse::mcp
