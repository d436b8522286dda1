// Sessions: options that hold for all further calls of a client that keeps our cookie. Made by the first option that is
// set; gone when closed, or after an hour without a call. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace lakehouse::flight {

struct Caller;

inline constexpr std::string_view kSessionCookie = "arrow_flight_session_id";
// The session's id in a Cookie header; empty when there is none that could be ours.
std::string SessionIdOf(std::string_view cookie_header);

inline constexpr std::chrono::milliseconds kLongestTimeout = std::chrono::hours(24);

struct SessionOptions {
  std::optional<std::chrono::milliseconds> timeout;
};

class Sessions {
 public:
  static constexpr size_t kMost = 10'000;
  static constexpr std::chrono::hours kIdle{1};
  // REQUIRES: clock outlives it.
  explicit Sessions(const Clock& clock) : clock_(clock) {}

  // Of the caller's session; the defaults when it has none. kNotFound for a cookie whose session is gone: what was set
  // there must not be lost silently. kForbidden for another key's.
  Result<SessionOptions> Options(const Caller& caller) LH_EXCLUDES(mutex_);
  // Changes the caller's session, or makes one; its id. kUnavailable when there are too many.
  Result<std::string> Set(const Caller& caller, SessionOptions options) LH_EXCLUDES(mutex_);
  // False when there was none.
  Result<bool> Close(const Caller& caller) LH_EXCLUDES(mutex_);

 private:
  struct Session {
    std::string principal;
    SessionOptions options;
    MonotonicTime used;
  };
  // nullptr: the caller has no session.
  Result<Session*> Find(const Caller& caller) LH_REQUIRES(mutex_);
  void DropIdle() LH_REQUIRES(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Session, std::less<>> sessions_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::flight
