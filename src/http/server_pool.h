// Threads that may block, made on demand and ended when idle. Private to http/. Callable from any thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "http/connection.h"
#include "observe/metrics.h"

namespace lakehouse::http {

class HandlerPool {
 public:
  using Work = std::function<void(Connection&, Scratch&)>;
  // `work` runs on one of the pool's threads for each Submit.
  HandlerPool(unsigned max_threads, std::chrono::milliseconds idle_for, observe::Gauge& threads, Work work);
  // REQUIRES: nothing is submitted any more. Finishes what was submitted and joins.
  ~HandlerPool();
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  // False when the machine gives no thread at all.
  bool Submit(Connection& connection) LH_EXCLUDES(mutex_);

 private:
  void Run(uint64_t id) LH_EXCLUDES(mutex_);
  Connection* Next(uint64_t id) LH_EXCLUDES(mutex_);

  const unsigned max_threads_;
  const std::chrono::milliseconds idle_for_;
  observe::Gauge& gauge_;
  const Work work_;
  Mutex mutex_;
  CondVar ready_;
  std::deque<Connection*> queue_ LH_GUARDED_BY(mutex_);
  std::map<uint64_t, std::thread> threads_ LH_GUARDED_BY(mutex_);
  std::vector<std::thread> ended_ LH_GUARDED_BY(mutex_);  // to be joined
  uint64_t next_id_ LH_GUARDED_BY(mutex_) = 0;
  size_t idle_ LH_GUARDED_BY(mutex_) = 0;
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
};

}  // namespace lakehouse::http
