#include "catalog/checkpointer.h"

#include "catalog/codec.h"
#include "catalog/log_reader.h"

namespace lakehouse::catalog {
namespace {

constexpr size_t kKeptCheckpoints = 3;
constexpr std::chrono::minutes kDeadline{5};
// Of the last checkpoint, for each log object until the next.
constexpr uint64_t kBytesPerLogObject = 32 << 10;

RequestContext OwnContext() {
  RequestContext context;
  context.internal = true;
  context.deadline = Deadline::After(kDeadline);
  return context;
}

}  // namespace

Checkpointer::Checkpointer(object::ObjectStore& store, const Logger& log, uint64_t every, std::chrono::seconds log_age,
                           Seq last, StateNow state_now)
    : store_(store),
      log_(log),
      every_(every),
      log_age_(log_age),
      state_now_(std::move(state_now)),
      reached_(last),
      last_(last),
      thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

Checkpointer::~Checkpointer() {
  thread_.request_stop();
  {
    MutexLock lock(mutex_);
    wake_.NotifyAll();
  }
  thread_.join();
}

uint64_t Checkpointer::Interval() const { return std::max(every_, last_bytes_ / kBytesPerLogObject); }

void Checkpointer::Reached(Seq seq) {
  MutexLock lock(mutex_);
  reached_ = std::max(reached_, seq);
  if (reached_.value >= last_.value + Interval()) wake_.NotifyAll();
}

void Checkpointer::Loop(const std::stop_token& stop) {
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!stop.stop_requested() && reached_.value < last_.value + Interval()) wake_.Wait(mutex_);
      if (stop.stop_requested()) return;
    }
    const auto state = state_now_();
    const Status written = WriteAndCleanUp(*state);
    if (!written)
      log_.Warn("a checkpoint could not be written; the log is complete without it",
                {{"reason", written.error().detail}});
    MutexLock lock(mutex_);
    // After a failure the next commits bring the next try, not this loop at once.
    last_ = state->seq();
  }
}

Status Checkpointer::WriteAndCleanUp(const LakeState& state) {
  const RequestContext context = OwnContext();
  LH_TRY(Write(context, state));
  LH_ASSIGN(const auto checkpoints, CleanCheckpoints(context));
  return CleanLog(context, checkpoints);
}

Status Checkpointer::WriteLast(const RequestContext& context, const LakeState& state) {
  {
    MutexLock lock(mutex_);
    if (state.seq() <= last_) return {};
  }
  RequestContext internal = context;
  internal.internal = true;
  LH_TRY(Write(internal, state));
  LH_TRY(CleanCheckpoints(internal));
  return {};
}

Status Checkpointer::Write(const RequestContext& context, const LakeState& state) {
  LH_ASSIGN(const std::string bytes, EncodeState(state));
  object::PutOptions options;
  options.if_none_match = true;
  options.content_type = "application/vnd.apache.parquet";
  const auto put = object::PutWhole(store_, context, CheckpointKey(state.seq()), bytes, options);
  // The same seq has the same state, whoever wrote it.
  if (!put && put.error().kind != ErrorKind::kPreconditionFailed) return Fail(put.error());
  MutexLock lock(mutex_);
  last_ = std::max(last_, state.seq());
  last_bytes_ = bytes.size();
  return {};
}

Result<std::vector<Seq>> Checkpointer::CleanCheckpoints(const RequestContext& context) {
  LH_ASSIGN(auto checkpoints, LogReader(store_).Checkpoints(context));
  while (checkpoints.size() > kKeptCheckpoints) {
    LH_TRY(store_.Delete(context, CheckpointKey(checkpoints.back())));
    checkpoints.pop_back();
  }
  return checkpoints;
}

Status Checkpointer::CleanLog(const RequestContext& context, const std::vector<Seq>& checkpoints) {
  if (checkpoints.size() < kKeptCheckpoints) return {};
  // Every kept checkpoint stays usable with the log after it, and the newest log object stays in any case. What is
  // young stays as well: a catalogd that follows this log may have paused before it.
  const Seq oldest_kept = checkpoints.back(), newest = checkpoints.front();
  LH_ASSIGN(const WallTime now, store_.Now(context));
  using object::Listing;
  const auto remove_old = [&](const object::ObjectInfo& info) -> Result<Listing> {
    const auto number = SeqOfKey(info.key);
    if (!number) return Listing::kGoOn;
    if (*number > oldest_kept || *number >= newest || info.last_modified > now - log_age_) return Listing::kEnough;
    LH_TRY(store_.Delete(context, info.key));
    return Listing::kGoOn;
  };
  return object::ForEachObject(store_, context, {.prefix = std::string(kLogPrefix)}, remove_old);
}

}  // namespace lakehouse::catalog
