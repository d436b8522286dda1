#include "catalog/checkpointer.h"

#include "catalog/codec.h"
#include "catalog/log_reader.h"

namespace lakehouse::catalog {
namespace {

constexpr size_t kKeptCheckpoints = 3;
constexpr std::chrono::minutes kDeadline{5};

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
      thread_([this](std::stop_token stop) { Loop(stop); }) {}

Checkpointer::~Checkpointer() {
  thread_.request_stop();
  {
    MutexLock lock(mutex_);
    wake_.NotifyAll();
  }
  thread_.join();
}

void Checkpointer::Reached(Seq seq) {
  MutexLock lock(mutex_);
  reached_ = std::max(reached_, seq);
  if (reached_.value >= last_.value + every_) wake_.NotifyAll();
}

void Checkpointer::Loop(std::stop_token stop) {
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!stop.stop_requested() && reached_.value < last_.value + every_) wake_.Wait(mutex_);
      if (stop.stop_requested()) return;
    }
    const auto state = state_now_();
    const Status written = Write(*state);
    if (!written)
      log_.Warn("a checkpoint could not be written; the log is complete without it",
                {{"reason", written.error().detail}});
    MutexLock lock(mutex_);
    // After a failure the next commits bring the next try, not this loop at once.
    last_ = state->seq();
  }
}

Status Checkpointer::Write(const LakeState& state) {
  LH_ASSIGN(const std::string bytes, EncodeState(state));
  object::PutOptions options;
  options.if_none_match = true;
  options.content_type = "application/vnd.apache.parquet";
  const auto put = object::PutWhole(store_, OwnContext(), CheckpointKey(state.seq()), bytes, options);
  // The same seq has the same state, whoever wrote it.
  if (!put && put.error().kind != ErrorKind::kPreconditionFailed) return Fail(put.error());
  return CleanUp(state.seq());
}

Status Checkpointer::CleanUp(Seq newest) {
  const RequestContext context = OwnContext();
  const LogReader reader(store_);
  LH_ASSIGN(const auto checkpoints, reader.Checkpoints(context));
  for (size_t i = kKeptCheckpoints; i < checkpoints.size(); ++i)
    LH_TRY(store_.Delete(context, CheckpointKey(checkpoints[i])));
  if (checkpoints.size() < kKeptCheckpoints) return {};
  // Every kept checkpoint stays usable with the log after it, and the newest log object stays in any case. What is
  // young stays as well: a catalogd that follows this log may have paused before it.
  const Seq oldest_kept = checkpoints[kKeptCheckpoints - 1];
  LH_ASSIGN(const WallTime now, store_.Now(context));
  object::ListOptions options;
  options.prefix = kLogPrefix;
  while (true) {
    LH_ASSIGN(const auto page, store_.List(context, options));
    for (const object::ObjectInfo& info : page.objects) {
      const auto number = SeqOfKey(info.key);
      if (!number) continue;
      if (*number > oldest_kept || *number >= newest || info.last_modified > now - log_age_) return {};
      LH_TRY(store_.Delete(context, info.key));
    }
    if (!page.next_token) return {};
    options.token = *page.next_token;
  }
}

}  // namespace lakehouse::catalog
