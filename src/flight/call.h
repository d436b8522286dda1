// What every call shares: who asks, under which id, for how long; its metrics and its line in the audit.
#pragma once

#include <arrow/flight/server.h>
#include <arrow/flight/server_middleware.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "auth/access.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/request_context.h"
#include "observe/metrics.h"
#include "observe/request_id.h"

namespace lakehouse::flight {

// Who may use what a call made: tickets, prepared statements.
struct Caller {
  auth::Principal principal;
  std::string session;  // id of the cookie; empty: none
  std::string peer;     // address without its port
};

// One call while it is served. Used by the thread that serves it; `stop` from any.
class Call {
 public:
  // The call behind a context of this server.
  static Call& Of(const arrow::flight::ServerCallContext& context);

  const std::string& request_id() const { return request_id_; }
  const Caller& caller() const { return caller_; }
  // The call's context with this time limit; cancelled when `stop` is.
  RequestContext Context(std::chrono::milliseconds limit) const;
  std::stop_source stop;
  // For the audit: "DoGet CommandStatementQuery". A name of the protocol, never what a client wrote.
  void Name(std::string_view command) { command_ = command; }
  arrow::Status Refuse(const Error& error) const;

  uint64_t bytes_in = 0, bytes_out = 0;

 private:
  friend class CallMiddleware;
  friend class CallFactory;
  std::string request_id_;
  std::string traceparent_;
  Caller caller_;
  std::string_view command_;
};

// Makes a Call of each RPC, or refuses it. Thread-safe.
class CallFactory final : public arrow::flight::ServerMiddlewareFactory {
 public:
  static constexpr const char* kKey = "lakehouse";
  // REQUIRES: everything outlives the factory.
  CallFactory(uint32_t max_calls, const auth::Access& access, const auth::Audit& audit, const Logger& log,
              observe::Metrics& metrics);
  // Lets calls in; until then all are refused.
  void Open() { open_.store(true, std::memory_order_release); }
  arrow::Status StartCall(const arrow::flight::CallInfo& info, const arrow::flight::ServerCallContext& context,
                          std::shared_ptr<arrow::flight::ServerMiddleware>* middleware) override;

 private:
  friend class CallMiddleware;
  Result<std::string> Identify(const arrow::flight::CallHeaders& headers, Call& call) const;
  void Ended(const Call& call, std::string_view method, std::string_view code, MonotonicTime began) const;

  const uint32_t max_calls_;
  std::atomic<bool> open_{false};
  const auth::Access& access_;
  const auth::Audit& audit_;
  const Logger& log_;
  observe::Metrics& metrics_;
  observe::Histogram& seconds_;
  observe::Gauge& in_flight_;
  observe::RequestIds request_ids_;
};

}  // namespace lakehouse::flight
