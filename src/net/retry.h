// The one retry policy: exponential backoff with full jitter, within the context's deadline. Callable from any thread.
#pragma once

#include <chrono>

#include "base/request_context.h"
#include "base/result.h"

namespace lakehouse::net {

struct RetryPolicy {
  int tries = 5;
  std::chrono::milliseconds first_pause{50};
  std::chrono::milliseconds longest_pause{5000};
};

// True for what another try may mend when the call can be repeated: nothing was done, or doing it twice is the same.
inline bool IsTransient(ErrorKind kind) {
  return kind == ErrorKind::kUnavailable || kind == ErrorKind::kUpstream || kind == ErrorKind::kAmbiguous ||
         kind == ErrorKind::kTooManyRequests;
}

// Waits a random part of the pause that is due before try number `tried` + 1. False when the deadline comes first.
bool PauseBeforeRetry(const RequestContext& context, const RetryPolicy& policy, int tried);

// Calls `work` until it succeeds, fails for good, or the tries or the time are used up; gives its last answer.
// REQUIRES: `work` may be repeated.
template <typename Work>
auto WithRetries(const RequestContext& context, const RetryPolicy& policy, Work work) -> decltype(work()) {
  for (int tried = 1;; ++tried) {
    auto result = work();
    if (result || !IsTransient(result.error().kind) || tried >= policy.tries) return result;
    if (!PauseBeforeRetry(context, policy, tried)) return result;
  }
}

}  // namespace lakehouse::net
