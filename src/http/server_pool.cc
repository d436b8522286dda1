#include "http/server_pool.h"

#include <system_error>

namespace lakehouse::http {

HandlerPool::HandlerPool(unsigned max_threads, std::chrono::milliseconds idle_for, observe::Gauge& threads, Work work)
    : max_threads_(max_threads), idle_for_(idle_for), gauge_(threads), work_(std::move(work)) {}

HandlerPool::~HandlerPool() {
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

bool HandlerPool::Submit(Connection& connection) {
  std::vector<std::thread> ended;
  {
    MutexLock lock(mutex_);
    queue_.push_back(&connection);
    ended.swap(ended_);
    if (idle_ < queue_.size() && threads_.size() < max_threads_) {
      const uint64_t id = next_id_++;
      try {
        threads_.emplace(id, std::thread([this, id] { Run(id); }));
        gauge_.Set(static_cast<int64_t>(threads_.size()));
      } catch (const std::system_error&) {
        // Out of threads: those that run will come to it. With none running, nobody would.
        if (threads_.empty()) {
          queue_.pop_back();
          return false;
        }
      }
    }
  }
  ready_.NotifyOne();
  for (std::thread& thread : ended) thread.join();
  return true;
}

Connection* HandlerPool::Next(uint64_t id) {
  MutexLock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + idle_for_;
  ++idle_;
  while (queue_.empty() && !stopping_) {
    if (!ready_.WaitUntil(mutex_, until)) break;
  }
  --idle_;
  if (!queue_.empty()) {
    Connection* const next = queue_.front();
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

void HandlerPool::Run(uint64_t id) {
  Scratch scratch;
  while (Connection* const connection = Next(id)) work_(*connection, scratch);
}

}  // namespace lakehouse::http
