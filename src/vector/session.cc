#include "vector/session.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace lakehouse::vector {

SessionPool::Session::Session(SessionPool& pool) : pool_(pool) {
  const MutexLock lock(pool.mutex_);
  if (pool.idle_.empty()) {
    pool.scratches_.push_back(std::make_unique<SearchScratch>());
    pool.idle_.push_back(pool.scratches_.back().get());
  }
  scratch_ = pool.idle_.back();
  pool.idle_.pop_back();
  // Under the mutex that WaitForSessions takes: a session is either seen by it or begins after the epoch was raised.
  scratch_->epoch_.store(pool.epoch_.load());
}

SessionPool::Session::~Session() {
  scratch_->epoch_.store(0);
  const MutexLock lock(pool_.mutex_);
  pool_.idle_.push_back(scratch_);
}

uint64_t SessionPool::Mark() {
  const MutexLock lock(mutex_);
  return epoch_.fetch_add(1);
}

bool SessionPool::IsOver(uint64_t mark) const {
  const MutexLock lock(mutex_);
  return std::ranges::all_of(scratches_, [mark](const auto& scratch) {
    const uint64_t epoch = scratch->epoch_.load();
    return epoch == 0 || epoch > mark;
  });
}

void SessionPool::WaitForSessions() {
  // Searches are over in no time; a scan that a client reads may take a minute.
  constexpr int kYields = 1000;
  constexpr std::chrono::milliseconds kPause{1};
  const uint64_t mark = Mark();
  for (int i = 0; !IsOver(mark); ++i) {
    if (i < kYields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kPause);
    }
  }
}

}  // namespace lakehouse::vector
