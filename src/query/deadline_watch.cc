#include "query/deadline_watch.h"

namespace lakehouse::query {

DeadlineWatch::~DeadlineWatch() {
  std::thread ended;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    ended = std::move(thread_);
    changed_.NotifyAll();
  }
  if (ended.joinable()) ended.join();
}

DeadlineWatch::Id DeadlineWatch::Add(Deadline deadline, std::function<void()> passed) {
  const MutexLock lock(mutex_);
  const Id id{deadline.at(), next_++};
  waiting_.emplace(id, std::move(passed));
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { Loop(); });
  } else if (id.first < wakes_at_) {
    changed_.NotifyAll();
  }
  return id;
}

void DeadlineWatch::Remove(const Id& id) {
  const MutexLock lock(mutex_);
  waiting_.erase(id);
}

void DeadlineWatch::Loop() {
  const MutexLock lock(mutex_);
  while (!stopping_) {
    // It wakes in time for what was first even if that is gone by then: most queries come and go without waking it.
    wakes_at_ = waiting_.empty() ? MonotonicTime::max() : waiting_.begin()->first.first;
    if (std::chrono::steady_clock::now() < wakes_at_) {
      if (wakes_at_ == MonotonicTime::max()) {
        changed_.Wait(mutex_);
      } else {
        changed_.WaitUntil(mutex_, wakes_at_);
      }
      continue;
    }
    const auto passed = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    passed();  // under the lock: Remove waits for it
  }
}

}  // namespace lakehouse::query
