// Threads that may block, made on demand and ended when idle: at most a fixed number, however many clients there are.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace lakehouse {

struct NoScratch {};

// Takes items in their order, each on one of its threads, which keeps a Scratch of its own as long as it lives.
// Callable from any thread.
template <typename Item, typename Scratch = NoScratch>
class WorkerPool {
 public:
  using Work = std::function<void(Item&, Scratch&)>;
  // Told how many threads there are after each change, under the pool's lock.
  using OnThreads = std::function<void(size_t)>;
  WorkerPool(unsigned max_threads, std::chrono::milliseconds idle_for, OnThreads on_threads, Work work)
      : max_threads_(max_threads), idle_for_(idle_for), on_threads_(std::move(on_threads)), work_(std::move(work)) {}
  // REQUIRES: nothing is submitted any more. Finishes what was submitted and joins.
  ~WorkerPool() {
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
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // At once while there is a thread left, else when one is free. Gives the item back when the machine gives no thread
  // at all.
  [[nodiscard]] std::optional<Item> Submit(Item item) LH_EXCLUDES(mutex_) {
    std::vector<std::thread> ended;
    std::optional<Item> back;
    {
      MutexLock lock(mutex_);
      queue_.push_back(std::move(item));
      ended.swap(ended_);
      if (idle_ < queue_.size() && threads_.size() < max_threads_ && !AddThread() && threads_.empty()) {
        back.emplace(std::move(queue_.back()));
        queue_.pop_back();
      }
    }
    ready_.NotifyOne();
    for (std::thread& thread : ended) thread.join();
    return back;
  }

 private:
  bool AddThread() LH_REQUIRES(mutex_) {
    const uint64_t id = next_id_++;
    try {
      threads_.emplace(id, std::thread([this, id] { Run(id); }));
    } catch (const std::system_error&) {
      return false;  // those that run will come to it
    }
    on_threads_(threads_.size());
    return true;
  }

  void Run(uint64_t id) LH_EXCLUDES(mutex_) {
    Scratch scratch;
    while (std::optional<Item> item = Next(id)) work_(*item, scratch);
  }

  std::optional<Item> Next(uint64_t id) LH_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + idle_for_;
    ++idle_;
    while (queue_.empty() && !stopping_) {
      if (!ready_.WaitUntil(mutex_, until)) break;
    }
    --idle_;
    if (!queue_.empty()) {
      std::optional<Item> next(std::move(queue_.front()));
      queue_.pop_front();
      return next;
    }
    // Ends. While stopping, the destructor has this thread's handle already.
    if (const auto self = threads_.find(id); self != threads_.end()) {
      ended_.push_back(std::move(self->second));
      threads_.erase(self);
      on_threads_(threads_.size());
    }
    return std::nullopt;
  }

  const unsigned max_threads_;
  const std::chrono::milliseconds idle_for_;
  const OnThreads on_threads_;
  const Work work_;
  Mutex mutex_;
  CondVar ready_;
  std::deque<Item> queue_ LH_GUARDED_BY(mutex_);
  std::map<uint64_t, std::thread> threads_ LH_GUARDED_BY(mutex_);
  std::vector<std::thread> ended_ LH_GUARDED_BY(mutex_);  // to be joined
  uint64_t next_id_ LH_GUARDED_BY(mutex_) = 0;
  size_t idle_ LH_GUARDED_BY(mutex_) = 0;
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
};

}  // namespace lakehouse
