#include "rpc/worker_pool.h"

#include <system_error>

namespace lakehouse::rpc {

WorkerPool::WorkerPool(unsigned max_threads, std::chrono::milliseconds idle_for, observe::Gauge& threads)
    : max_threads_(max_threads), idle_for_(idle_for), gauge_(threads) {}

WorkerPool::~WorkerPool() {
  std::vector<std::thread> all;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (auto& [id, thread] : threads_) all.push_back(std::move(thread));
    threads_.clear();
    for (std::thread& thread : ended_) all.push_back(std::move(thread));
    ended_.clear();
  }
  ready_.NotifyAll();
  for (std::thread& thread : all) thread.join();
}

void WorkerPool::Submit(Work work) {
  std::vector<std::thread> ended;
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(work));
    ended.swap(ended_);
    if (idle_ < queue_.size() && threads_.size() < max_threads_) {
      const uint64_t id = next_id_++;
      try {
        threads_.emplace(id, std::thread([this, id] { Run(id); }));
        gauge_.Set(static_cast<int64_t>(threads_.size()));
      } catch (const std::system_error&) {
        // Out of threads: those that run will come to it. With none running nobody would, and the process is at its
        // end.
        if (threads_.empty()) throw;
      }
    }
  }
  ready_.NotifyOne();
  for (std::thread& thread : ended) thread.join();
}

WorkerPool::Work WorkerPool::Next(uint64_t id) {
  MutexLock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + idle_for_;
  ++idle_;
  while (queue_.empty() && !stopping_) {
    if (!ready_.WaitUntil(mutex_, until)) break;
  }
  --idle_;
  if (!queue_.empty()) {
    Work next = std::move(queue_.front());
    queue_.pop_front();
    return next;
  }
  // Ends. While stopping, the destructor has this thread's handle already.
  if (const auto self = threads_.find(id); self != threads_.end()) {
    ended_.push_back(std::move(self->second));
    threads_.erase(self);
    gauge_.Set(static_cast<int64_t>(threads_.size()));
  }
  return nullptr;
}

void WorkerPool::Run(uint64_t id) {
  while (const Work work = Next(id)) work();
}

}  // namespace lakehouse::rpc
