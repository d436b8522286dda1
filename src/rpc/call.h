// One call, from its arrival to its end: who asks, deadline and cancellation, a place among the calls in flight, the
// answer's status, and what metrics and log say of it. Private to rpc/.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "rpc/host.h"

namespace lakehouse::rpc {

// Metadata of a call, as roles send it to each other too.
inline constexpr const char* kRequestIdKey = "x-request-id";
inline constexpr const char* kTraceKey = "traceparent";
inline constexpr const char* kRoleTokenKey = "x-lakehouse-role-token";

class Call {
 public:
  // A stream that waits for its client's next message without a thread takes another kind of place.
  enum class Place { kThread, kStream };
  Call(Host& host, const Method& method, grpc::CallbackServerContext& context, Place place);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Whether the call may go on; what is refused is to be ended with this error.
  Status Begin();
  // The client went away, or time is up. Callable beside everything else.
  void Cancel() { stop_.request_stop(); }
  // Breaks the call off: the client sees CANCELLED, and what waits for it wakes.
  void BreakOff() { grpc_context_.TryCancel(); }
  // Counts and logs the call, and says what the client is told. Called once.
  grpc::Status End(const Status& done);

  const RequestContext& context() const { return context_; }
  Host& host() { return host_; }
  const Method& method() const { return method_; }
  std::chrono::milliseconds body_timeout() const { return host_.options.body_timeout; }

 private:
  void TakeMetadata();
  Status LetIn();
  void WriteAudit(std::string_view code, std::chrono::duration<double> took) const;

  Host& host_;
  const Method& method_;
  grpc::CallbackServerContext& grpc_context_;
  const Place place_;
  const MonotonicTime began_;
  std::stop_source stop_;
  RequestContext context_;
  auth::Principal caller_;
  auth::Admission admission_;
  bool vouched_ = false;  // a gateway has checked and counted the call
  bool entered_ = false;
};

// Runs `work`; what it throws becomes kInternal that leaks nothing.
template <typename Work>
Status Guarded(const Work& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Fail(ErrorKind::kExhausted, "out of memory");
  } catch (const std::exception&) {
    return Fail(ErrorKind::kInternal, "an unexpected failure inside the server");
  }
}

}  // namespace lakehouse::rpc
