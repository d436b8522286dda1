// Time that stands still until a test moves it, and callers to ask with.
#pragma once

#include "flight/call.h"

namespace lakehouse::flight {

class HandClock final : public Clock {
 public:
  WallTime Now() const override { return wall; }
  MonotonicTime Monotonic() const override { return monotonic; }
  void Pass(std::chrono::seconds time) {
    wall += time;
    monotonic += time;
  }
  WallTime wall{std::chrono::hours(24 * 365 * 50)};
  MonotonicTime monotonic{std::chrono::hours(100)};
};

inline Caller CallerOf(std::string key, std::string session = "", std::string peer = "127.0.0.1") {
  Caller caller;
  caller.principal.key_id = std::move(key);
  caller.session = std::move(session);
  caller.peer = std::move(peer);
  return caller;
}

}  // namespace lakehouse::flight
