// Brings something up in the background, trying again while what it needs is not there yet: a role may start before the
// roles it talks to. Thread-safe. The destructor stops and waits.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"

namespace lakehouse::server {

// REQUIRES: T outlives nobody but this; `open` may block and is called from one thread.
template <typename T>
class RetryingStart {
 public:
  using Open = std::function<Result<std::unique_ptr<T>>(const std::stop_token&)>;

  RetryingStart(std::string what, Open open, const Logger& log)
      : what_(std::move(what)),
        log_(log),
        thread_([this, open = std::move(open)](const std::stop_token& stop) { Loop(stop, open); }) {}

  // kUnavailable with the reason until it is up.
  Result<T*> Get() const {
    MutexLock lock(mutex_);
    if (value_ != nullptr) return value_.get();
    Error error{ErrorKind::kUnavailable, what_ + " is not ready: " + reason_, std::chrono::seconds(1), {}};
    return Fail(std::move(error));
  }

  // Waits for it to come up, at most until the deadline.
  void Wait(Deadline deadline) {
    MutexLock lock(mutex_);
    while (value_ == nullptr && !deadline.HasPassed()) changed_.WaitUntil(mutex_, deadline.at());
  }

 private:
  void Loop(const std::stop_token& stop, const Open& open) {
    const std::stop_callback wake(stop, [this] {
      MutexLock lock(mutex_);
      changed_.NotifyAll();
    });
    std::chrono::milliseconds pause{50};
    while (!stop.stop_requested()) {
      auto opened = open(stop);
      MutexLock lock(mutex_);
      if (opened) {
        value_ = std::move(*opened);
        changed_.NotifyAll();
        return;
      }
      if (opened.error().detail != reason_)
        log_.Warn("waiting to start", {{"what", what_}, {"reason", opened.error().detail}});
      reason_ = std::move(opened.error().detail);
      if (!stop.stop_requested()) changed_.WaitUntil(mutex_, Deadline::After(pause).at());
      pause = std::min<std::chrono::milliseconds>(pause * 2, std::chrono::seconds(2));
    }
  }

  const std::string what_;
  const Logger& log_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<T> value_ LH_GUARDED_BY(mutex_);
  std::string reason_ LH_GUARDED_BY(mutex_) = "starting";
  std::jthread thread_;
};

}  // namespace lakehouse::server
