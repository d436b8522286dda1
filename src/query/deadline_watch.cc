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
  const auto added = waiting_.emplace(id, std::move(passed)).first;
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { Loop(); });
  } else if (added == waiting_.begin()) {
    // The thread sleeps until what was first; only an earlier deadline need wake it.
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
    if (waiting_.empty()) {
      changed_.Wait(mutex_);
      continue;
    }
    const MonotonicTime first = waiting_.begin()->first.first;
    if (std::chrono::steady_clock::now() < first) {
      if (first == MonotonicTime::max()) {
        changed_.Wait(mutex_);
      } else {
        changed_.WaitUntil(mutex_, first);
      }
      continue;
    }
    const auto passed = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    passed();  // under the lock: Remove waits for it
  }
}

}  // namespace lakehouse::query
