// The commit protocol: many callers' entries into one log object, written under the next number with If-None-Match.
//
// Thread-safe. One caller at a time leads: it prepares everything that waits against the state, writes one object, and
// settles an answer that may or may not have been written by reading the number back and comparing commit ids. The
// state changes only after the write has succeeded.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "catalog/log_reader.h"
#include "catalog/state.h"
#include "object/object_store.h"
#include "observe/metrics.h"

namespace lakehouse::catalog {

class Committer {
 public:
  struct Options {
    // False: nobody else writes this log, so the state in memory is the newest there is.
    bool shared_log = false;
    std::chrono::milliseconds write_timeout{20000};
  };

  // REQUIRES: store, clock and metrics outlive this.
  Committer(object::ObjectStore& store, const Clock& clock, observe::Metrics& metrics, Options options,
            LakeState state);

  // Looks at the state before the entry: says what to commit, that nothing needs to be (nullopt), or why it cannot be.
  // May be called several times, on newer states each time.
  using Prepare = std::function<Result<std::optional<LogEntry>>(const LakeState&)>;
  struct Outcome {
    std::shared_ptr<const LakeState> state;  // with the entry in it
    bool committed = false;                  // false: Prepare said that nothing needs to be
  };
  // kUnavailable saying that the outcome is unknown when the store did not say in time whether the write happened.
  Result<Outcome> Commit(const RequestContext& context, Prepare prepare);

  // The newest state; reads the log on when others write it too.
  Result<std::shared_ptr<const LakeState>> Fresh(const RequestContext& context);
  std::shared_ptr<const LakeState> state() const;
  // Waits until the state is past `since`, or the time is up.
  Result<std::shared_ptr<const LakeState>> WaitPast(const RequestContext& context, Seq since,
                                                    std::chrono::milliseconds wait);

 private:
  struct Op {
    Prepare prepare;
    bool commits = false;  // at its last preparation
    bool done = false;
    Result<Outcome> result = Outcome();
  };
  using Ops = std::vector<std::shared_ptr<Op>>;

  void Lead(Ops batch) LH_EXCLUDES(mutex_);
  // What stays of the batch once it was prepared on `state`; the others have their result.
  std::vector<LogEntry> PrepareAll(Ops& batch, LakeState& state);
  enum class Written { kOurs, kOthers };
  Result<Written> Write(const RequestContext& context, Seq seq, const std::vector<LogEntry>& entries);
  Result<Written> ReadBack(const RequestContext& context, Seq seq, const std::vector<LogEntry>& entries);
  void Publish(LakeState state);
  void FinishAll(const Ops& batch, const Result<Outcome>& result);

  object::ObjectStore& store_;
  const Clock& clock_;
  const Options options_;
  const LogReader reader_;
  observe::Counter& commits_;
  observe::Counter& entries_;
  observe::Counter& conflicts_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<const LakeState> state_ LH_GUARDED_BY(mutex_);
  MonotonicTime fresh_at_ LH_GUARDED_BY(mutex_);  // when the log was last read to its end
  Ops waiting_ LH_GUARDED_BY(mutex_);
  bool leading_ LH_GUARDED_BY(mutex_) = false;
};

}  // namespace lakehouse::catalog
