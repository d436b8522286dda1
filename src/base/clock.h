// Time, handed in so that tests can bend it. Callable from any thread.
// Wall time is for people and for ages of stored things; waits and deadlines use the monotonic clock, so a wall
// clock that jumps changes no wait.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace lakehouse {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
using MonotonicTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual MonotonicTime Monotonic() const = 0;
};

// The machine's clocks. The one object lives for the whole program and holds no state.
const Clock& SystemClock();

// A moment after which waiting is over. Copies freely. The default never ends.
class Deadline {
 public:
  Deadline() = default;
  explicit Deadline(MonotonicTime at) : at_(at) {}
  static Deadline After(std::chrono::nanoseconds wait) { return Deadline(std::chrono::steady_clock::now() + wait); }

  MonotonicTime at() const { return at_; }
  bool IsNever() const { return at_ == MonotonicTime::max(); }
  bool HasPassed() const { return !IsNever() && std::chrono::steady_clock::now() >= at_; }
  // Never negative; hours when it never ends.
  std::chrono::milliseconds Remaining() const;
  Deadline Sooner(Deadline other) const { return Deadline(std::min(at_, other.at_)); }

 private:
  MonotonicTime at_ = MonotonicTime::max();
};

// 2026-01-31T12:00:00.123456Z
std::string FormatRfc3339(WallTime time);
Result<WallTime> ParseRfc3339(std::string_view text);
// Sat, 31 Jan 2026 12:00:00 GMT, as HTTP wants it (RFC 9110, 5.6.7)
std::string FormatHttpDate(WallTime time);
Result<WallTime> ParseHttpDate(std::string_view text);

}  // namespace lakehouse
