// Who may work for long: at most so many queries at once, the rest wait in line. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/mutex.h"
#include "base/request_context.h"
#include "base/result.h"

namespace lakehouse::query {

class Turns {
 public:
  Turns(uint32_t most, std::chrono::milliseconds longest_wait) : most_(most), longest_wait_(longest_wait) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  enum class Patience { kInLine, kUntilDeadline };
  // Waits for a turn: kUnavailable when that takes too long in line; kDeadline or kCancelled as the request says.
  Status Take(const RequestContext& context, Patience patience = Patience::kInLine) LH_EXCLUDES(mutex_);
  void End() LH_EXCLUDES(mutex_);

  uint64_t waiting() const LH_EXCLUDES(mutex_);

 private:
  const uint32_t most_;
  const std::chrono::milliseconds longest_wait_;
  mutable Mutex mutex_;
  CondVar ended_;
  uint64_t taken_ LH_GUARDED_BY(mutex_) = 0;
  uint64_t waiting_ LH_GUARDED_BY(mutex_) = 0;
};

}  // namespace lakehouse::query
