// What travels with a request from the socket to the disk: who asked, how long they wait, whether they are gone.
// Copies freely; callable from any thread.
#pragma once

#include <stop_token>
#include <string>

#include "base/clock.h"

namespace lakehouse {

struct RequestContext {
  std::string request_id;
  std::string traceparent;  // W3C trace context, empty when the client sent none
  Deadline deadline;
  std::stop_token cancelled;
  // True for a role's own calls: they may write under the roles' prefixes and use the queueing lane.
  bool internal = false;

  // kDeadline or kCancelled once either has come; `what` names the work in the message.
  Status Check(std::string_view what) const {
    if (cancelled.stop_requested()) return Fail(ErrorKind::kCancelled, "{}: the client went away", what);
    if (deadline.HasPassed()) return Fail(ErrorKind::kDeadline, "{}: ran past its deadline", what);
    return {};
  }
};

}  // namespace lakehouse
