// One request while it is served: who asks, what it may cost, and what can be told the client before the answer.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "auth/access.h"
#include "base/request_context.h"
#include "base/result.h"
#include "mcp/protocol.h"
#include "mcp/session.h"

namespace lakehouse::mcp {

// The way back to the client of one request, open until its answer. Used by one thread.
class Channel {
 public:
  virtual ~Channel() = default;
  // What the client does not get (it is gone) is no error.
  virtual void Notify(std::string_view method, boost::json::object params) = 0;
  // Asks the client something (sampling, elicitation) and waits. kNotImplemented without a session.
  virtual Result<boost::json::object> Ask(const RequestContext& context, std::string_view method,
                                          boost::json::object params) = 0;
  // Ends the connection but not the call: the client comes back for the rest.
  virtual void Detach() = 0;
};

// What a client of 2026-07-28 brings along when it calls again because the answer was that something was needed of it.
struct Input {
  boost::json::object responses{};  // objects by the name of what was asked
  std::optional<std::string> state{};
};

// REQUIRES: what it refers to outlives the call.
struct Call {
  RequestContext context;
  Revision revision = kNewestWithSessions;
  Channel& channel;
  Session* session = nullptr;  // nullptr when stateless
  boost::json::object capabilities{};
  Input input{};
  boost::json::value progress_token{};     // null: the client wants no progress
  std::optional<LogSeverity> log_level{};  // absent: the client wants no log
  auth::Principal caller{};
  std::string_view client{};  // the name it gave itself, for the audit

  // `done` rises from one to the next; no total where nobody knows it.
  void Progress(double done, std::optional<double> total, std::string_view message = {}) const;
  void Log(LogSeverity severity, std::string_view text) const;
};

}  // namespace lakehouse::mcp
