// Calls back when a deadline passes or a request is cancelled: one thread for all queries, started by the first.
// Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"

namespace lakehouse::query {

class DeadlineWatch {
 public:
  DeadlineWatch() = default;
  ~DeadlineWatch();
  DeadlineWatch(const DeadlineWatch&) = delete;
  DeadlineWatch& operator=(const DeadlineWatch&) = delete;

  using Id = std::pair<MonotonicTime, uint64_t>;
  // `passed` is called at most once, from the watch's thread, and must be quick.
  Id Add(Deadline deadline, std::function<void()> passed) LH_EXCLUDES(mutex_);
  // Once this returns, the callback is over or will never run.
  void Remove(const Id& id) LH_EXCLUDES(mutex_);

 private:
  void Loop() LH_EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::map<Id, std::function<void()>> waiting_ LH_GUARDED_BY(mutex_);
  uint64_t next_ LH_GUARDED_BY(mutex_) = 0;
  MonotonicTime wakes_at_ LH_GUARDED_BY(mutex_) = MonotonicTime::min();  // when the thread looks again by itself
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
  std::thread thread_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::query
