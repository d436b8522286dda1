// One request and its answer, from the end of its head to the end of its answer. Private to http/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "http/connection.h"
#include "http/connection_socket.h"
#include "http/server_core.h"

namespace lakehouse::http {

class Exchange final : public Request {
 public:
  // Checks and routes; what is refused here is answered by Run without a handler.
  Exchange(ServerCore& core, Connection& connection, RequestHead head);
  // Bytes that are no request: the answer is `error`, then the connection is closed.
  Exchange(ServerCore& core, Connection& connection, const FramingError& error);
  ~Exchange() override;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Whether a loop must leave this to a handler thread.
  bool NeedsThread() const;
  bool HasBody() const { return head_.HasBody(); }
  // Takes one of the server's places for requests in flight; without one the answer will be 503.
  bool Enter();

  // What becomes of the connection: the next request; closed once the peer has read the answer; closed now; broken off,
  // so that the peer does not take what it has for a whole answer.
  enum class After { kKeep, kDrain, kClose, kBreak };
  // Runs the handler and answers. On a loop, `collect` takes the answer instead of the socket.
  After Run(Scratch& scratch, std::string* collect);

  std::string_view method() const override { return head_.method; }
  std::string_view target() const override { return head_.target; }
  std::string_view path() const override { return path_; }
  const std::string* header(std::string_view name) const override { return FindHeader(head_.headers, name); }
  const Headers& headers() const override { return head_.headers; }
  const std::string& capture(std::string_view name) const override;
  const std::string* query(std::string_view name) const override;
  Status OnlyQuery(std::initializer_list<std::string_view> known) const override;
  std::optional<uint64_t> content_length() const override { return head_.content_length; }
  bool has_body() const override { return head_.HasBody(); }
  std::string client_address() const override {
    if (connection_.peer.empty()) connection_.peer = PeerAddress(connection_.socket.get());
    return connection_.peer;
  }
  bool is_tls() const override { return connection_.tls != nullptr; }
  const auth::Principal& caller() const override { return caller_; }
  ByteSource& body() override { return *body_; }

 private:
  Status Route();
  Status LetIn(std::optional<auth::Principal> vouched);
  Status ParseQuery(std::string_view text);
  void TakeIds();
  std::string Instance() const;
  Status CallHandler(ResponseWriter& response, const std::stop_token& cancelled);
  Status AnswerError(ResponseWriter& response, const Error& error);
  void Account(const ResponseWriter& response, const Status& handled);
  void WriteAudit(int status, const ResponseWriter& response, std::chrono::duration<double> took);
  After Settle(const ResponseWriter& response, const Status& answered);

  ServerCore& core_;
  Connection& connection_;
  RequestHead head_;
  MonotonicTime began_;
  std::string_view path_;
  std::string request_id_;
  std::string traceparent_;
  bool internal_ = false;
  bool vouched_ = false;
  auth::Principal caller_;
  auth::Admission admission_;
  bool entered_ = false;
  bool overloaded_ = false;
  int framing_status_ = 0;  // not 0: no request at all
  Router::Match match_;
  std::vector<std::pair<std::string, std::string>> query_;
  std::optional<Error> refusal_;
  std::optional<BodyReader> body_;
};

// Takes the next head off connection.in into connection.exchange: a request, or a refusal of what is no request. False
// when more bytes are needed.
bool TakeHead(ServerCore& core, Connection& connection);

}  // namespace lakehouse::http
