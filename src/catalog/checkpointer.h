// Writes checkpoints behind the commits, and removes log objects that kept checkpoints make superfluous. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"
#include "base/request_context.h"
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
  // A checkpoint of `state` now unless there is one already, for an orderly end: leaves the log as long as it is.
  Status WriteLast(const RequestContext& context, const LakeState& state);

 private:
  void Loop(const std::stop_token& stop);
  Status WriteAndCleanUp(const LakeState& state);
  Status Write(const RequestContext& context, const LakeState& state);
  // Removes checkpoints behind those that are kept; gives the kept ones, newest first.
  Result<std::vector<Seq>> CleanCheckpoints(const RequestContext& context);
  Status CleanLog(const RequestContext& context, const std::vector<Seq>& checkpoints);

  object::ObjectStore& store_;
  const Logger& log_;
  // Log objects between checkpoints: `every`, and more for a large state, so that a commit's share of them is bounded.
  uint64_t Interval() const LH_REQUIRES(mutex_);

  const uint64_t every_;
  const std::chrono::seconds log_age_;
  const StateNow state_now_;
  Mutex mutex_;
  CondVar wake_;
  Seq reached_ LH_GUARDED_BY(mutex_);
  Seq last_ LH_GUARDED_BY(mutex_);
  uint64_t last_bytes_ LH_GUARDED_BY(mutex_) = 0;
  std::jthread thread_;
};

}  // namespace lakehouse::catalog
