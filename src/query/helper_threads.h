// Threads that help with queries that take long. DuckDB's own would be woken for each task of the shortest query, to no
// use: its thread is done before they are awake, or waits for one that has taken a task and has no core to run it on.
// Thread-safe.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

class HelperThreads {
 public:
  // REQUIRES: the scheduler outlives this and has no threads of its own.
  HelperThreads(duckdb::TaskScheduler& scheduler, unsigned count);
  ~HelperThreads();
  HelperThreads(const HelperThreads&) = delete;
  HelperThreads& operator=(const HelperThreads&) = delete;

  // The threads take tasks, of whichever query, for as long as anybody has one of these.
  class Call {
   public:
    explicit Call(HelperThreads& threads) : threads_(threads) { threads_.Add(1); }
    ~Call() { threads_.Add(-1); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    HelperThreads& threads_;
  };

 private:
  void Add(int calls) LH_EXCLUDES(mutex_);
  void End() LH_EXCLUDES(mutex_);
  void Run() LH_EXCLUDES(mutex_);
  // False when the threads are to end.
  bool AwaitCall() LH_EXCLUDES(mutex_);
  void Rest(std::chrono::microseconds longest) LH_EXCLUDES(mutex_);

  duckdb::TaskScheduler& scheduler_;
  std::atomic<bool> going_on_{true};
  Mutex mutex_;
  CondVar called_;
  int calls_ LH_GUARDED_BY(mutex_) = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace lakehouse::query
