// Threads that calls block on, made on demand and ended when idle: at most a fixed number, however many clients there
// are. Private to rpc/. Callable from any thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "observe/metrics.h"

namespace lakehouse::rpc {

class WorkerPool {
 public:
  using Work = std::function<void()>;
  WorkerPool(unsigned max_threads, std::chrono::milliseconds idle_for, observe::Gauge& threads);
  // REQUIRES: nothing is submitted any more. Finishes what was submitted and joins.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs `work`, at once while there is a thread left, else when one is free.
  void Submit(Work work) LH_EXCLUDES(mutex_);

 private:
  void Run(uint64_t id) LH_EXCLUDES(mutex_);
  Work Next(uint64_t id) LH_EXCLUDES(mutex_);

  const unsigned max_threads_;
  const std::chrono::milliseconds idle_for_;
  observe::Gauge& gauge_;
  Mutex mutex_;
  CondVar ready_;
  std::deque<Work> queue_ LH_GUARDED_BY(mutex_);
  std::map<uint64_t, std::thread> threads_ LH_GUARDED_BY(mutex_);
  std::vector<std::thread> ended_ LH_GUARDED_BY(mutex_);  // to be joined
  uint64_t next_id_ LH_GUARDED_BY(mutex_) = 0;
  size_t idle_ LH_GUARDED_BY(mutex_) = 0;
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
};

}  // namespace lakehouse::rpc
