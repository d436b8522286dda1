// Runs retention and garbage collection every so often, with jitter, so that several catalogds over one lake do not all
// do it at once. That they may is safe: each run's decisions are commits, checked against the log as it is then.
//
// Thread-safe. The destructor ends a run under way at its next step and waits for it.
#pragma once

#include <functional>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/request_context.h"
#include "catalog/types.h"

namespace lakehouse::catalog {

class GcSchedule {
 public:
  using Collect = std::function<Result<GcReport>(const RequestContext& context)>;
  struct Options {
    std::chrono::milliseconds every = std::chrono::hours(1);  // 0: never
    std::chrono::milliseconds run_deadline = std::chrono::minutes(30);
    uint64_t seed = 0;  // of the jitter
  };

  // Does nothing before Start. REQUIRES: clock and log outlive this.
  GcSchedule(Options options, const Clock& clock, const Logger& log, Collect collect);
  ~GcSchedule();

  // Steps in a thread of its own from here on.
  void Start();
  // Collects when it is time, and says how long it is until the next time; hours when never. One caller at a time.
  std::chrono::milliseconds Step(const std::stop_token& stop = {});

 private:
  void Loop(const std::stop_token& stop);
  // `every`, give or take a tenth.
  std::chrono::milliseconds Jittered();

  const Options options_;
  const Clock& clock_;
  const Logger& log_;
  const Collect collect_;
  std::mt19937_64 random_;
  MonotonicTime next_;
  Mutex mutex_;
  CondVar wake_;
  std::jthread thread_;
};

}  // namespace lakehouse::catalog
