#include "vector/session.h"

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

void SessionPool::WaitForSessions() {
  std::vector<SearchScratch*> all;
  uint64_t before = 0;
  {
    const MutexLock lock(mutex_);
    before = epoch_.fetch_add(1);
    for (const auto& scratch : scratches_) all.push_back(scratch.get());
  }
  for (const SearchScratch* scratch : all) {
    for (uint64_t epoch = scratch->epoch_.load(); epoch != 0 && epoch <= before; epoch = scratch->epoch_.load()) {
      std::this_thread::yield();
    }
  }
}

}  // namespace lakehouse::vector
