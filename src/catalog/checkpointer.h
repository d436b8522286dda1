// Writes checkpoints behind the commits, and removes log objects that kept checkpoints make superfluous. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"
#include "catalog/state.h"
#include "object/object_store.h"

namespace lakehouse::catalog {

class Checkpointer {
 public:
  using StateNow = std::function<std::shared_ptr<const LakeState>()>;
  // Log objects younger than `log_age` stay. REQUIRES: the store, the log and what `state_now` touches outlive this.
  // The destructor waits for a checkpoint under way.
  Checkpointer(object::ObjectStore& store, const Logger& log, uint64_t every, std::chrono::seconds log_age, Seq last,
               StateNow state_now);
  ~Checkpointer();

  // Tells that the log has grown to `seq`.
  void Reached(Seq seq);
  // A checkpoint of `state` now, and the clean-up behind it.
  Status Write(const LakeState& state);

 private:
  void Loop(std::stop_token stop);
  Status CleanUp(Seq newest);

  object::ObjectStore& store_;
  const Logger& log_;
  const uint64_t every_;
  const std::chrono::seconds log_age_;
  const StateNow state_now_;
  Mutex mutex_;
  CondVar wake_;
  Seq reached_ LH_GUARDED_BY(mutex_);
  Seq last_ LH_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace lakehouse::catalog
