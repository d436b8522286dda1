#include "catalog/committer.h"

#include <thread>

#include "base/uuid.h"
#include "catalog/codec.h"

namespace lakehouse::catalog {
namespace {

constexpr std::chrono::milliseconds kReadBackPause{50};
constexpr std::chrono::milliseconds kTurnPoll{250};
// Well below the age at which log objects behind a checkpoint go: a follower that paused for longer reads anew.
constexpr std::chrono::minutes kTrustedPause{10};

bool SameCommits(const std::vector<LogEntry>& a, const std::vector<LogEntry>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].commit_id != b[i].commit_id) return false;
  }
  return true;
}

// After these, the object may stand in the store all the same.
bool MayHaveBeenWritten(ErrorKind kind) {
  return kind == ErrorKind::kPreconditionFailed || kind == ErrorKind::kConflict || kind == ErrorKind::kAmbiguous ||
         kind == ErrorKind::kDeadline || kind == ErrorKind::kUpstream || kind == ErrorKind::kInternal ||
         kind == ErrorKind::kCancelled;
}

Error UnknownOutcome(std::string_view why) {
  return Error{
      ErrorKind::kUnavailable,
      fmt::format("the object store did not say whether the commit was written ({}); ask again with the same commit_id",
                  why),
      std::chrono::seconds(2),
      {{"outcome", "unknown"}}};
}

}  // namespace

Committer::Committer(object::ObjectStore& store, const Clock& clock, observe::Metrics& metrics, Options options,
                     LakeState state)
    : store_(store),
      clock_(clock),
      options_(options),
      reader_(store),
      commits_(metrics.CounterOf("lakehouse_catalog_commits_total", "Log objects written")),
      entries_(metrics.CounterOf("lakehouse_catalog_entries_total", "Entries in the log objects written")),
      conflicts_(metrics.CounterOf("lakehouse_catalog_conflicts_total", "Numbers lost to another catalogd")),
      state_(std::make_shared<const LakeState>(std::move(state))),
      fresh_at_(clock.Monotonic()) {}

std::shared_ptr<const LakeState> Committer::state() const {
  MutexLock lock(mutex_);
  return state_;
}

void Committer::Publish(LakeState state) {
  auto shared = std::make_shared<const LakeState>(std::move(state));
  MutexLock lock(mutex_);
  if (shared->seq() > state_->seq()) state_ = std::move(shared);
  changed_.NotifyAll();
}

Result<Committer::Outcome> Committer::Commit(const RequestContext& context, Prepare prepare) {
  if (!store_.HonoursConditionalPut()) {
    return Fail(ErrorKind::kUnavailable,
                "the object store ignores conditional PUT (If-None-Match), so commits would not be safe: use a store "
                "that honours it");
  }
  auto op = std::make_shared<Op>();
  op->prepare = std::move(prepare);
  MutexLock lock(mutex_);
  waiting_.push_back(op);
  while (!op->done) {
    if (!leading_) {
      leading_ = true;
      Ops batch = std::move(waiting_);
      waiting_.clear();
      mutex_.unlock();
      Lead(std::move(batch));
      mutex_.lock();
      leading_ = false;
      changed_.NotifyAll();
      continue;
    }
    // What nobody has taken up yet can be taken back; what a leader holds ends within its own deadline.
    if (context.deadline.HasPassed() && std::erase(waiting_, op) > 0) {
      return Fail(ErrorKind::kDeadline, "the commit did not get its turn in time; nothing was written");
    }
    changed_.WaitUntil(mutex_, Deadline::After(kTurnPoll).at());
  }
  return op->result;
}

void Committer::FinishAll(const Ops& batch, const Result<Outcome>& result) {
  MutexLock lock(mutex_);
  for (const auto& op : batch) {
    if (op->done) continue;
    op->result = result;
    if (op->result) op->result->committed = op->commits;
    op->done = true;
  }
  changed_.NotifyAll();
}

std::vector<LogEntry> Committer::PrepareAll(Ops& batch, LakeState& state) {
  const Seq seq = state.seq().Next();
  const WallTime now = std::max(clock_.Now(), state.last_commit_at());
  std::vector<LogEntry> entries;
  Ops committing;
  Ops unchanged;
  for (auto& op : batch) {
    auto entry = op->prepare(state);
    op->commits = entry && *entry;
    if (entry && !*entry) {
      unchanged.push_back(op);
      continue;
    }
    Result<LakeState> next = Fail(ErrorKind::kInternal, "unprepared");
    if (entry) {
      if ((*entry)->commit_id.empty()) (*entry)->commit_id = RandomUuid();
      (*entry)->committed_at = now;
      next = state.Apply(**entry, seq);
    } else {
      next = Fail(entry.error());
    }
    if (!next) {
      // Against entries that are not durable yet nothing can be decided: such an op waits for the next batch.
      if (entries.empty()) {
        FinishAll({op}, Fail(next.error()));
      } else {
        MutexLock lock(mutex_);
        waiting_.push_back(op);
      }
      continue;
    }
    state = std::move(*next);
    entries.push_back(std::move(**entry));
    committing.push_back(op);
  }
  // What leans on an entry of this batch is as durable as the batch.
  if (entries.empty()) FinishAll(unchanged, Outcome{std::make_shared<const LakeState>(state)});
  batch = std::move(committing);
  if (!entries.empty()) {
    batch.insert(batch.end(), unchanged.begin(), unchanged.end());
  }
  return entries;
}

void Committer::Lead(Ops batch) {
  RequestContext context;
  context.internal = true;
  context.deadline = Deadline::After(options_.write_timeout);
  if (options_.shared_log) {
    if (const auto fresh = Fresh(context); !fresh) return FinishAll(batch, Fail(fresh.error()));
  }
  while (true) {
    const auto before = state();
    LakeState after = *before;
    Ops round = batch;
    const std::vector<LogEntry> entries = PrepareAll(round, after);
    batch = round;
    if (entries.empty()) return;
    const Seq seq = before->seq().Next();
    const auto written = Write(context, seq, entries);
    if (!written) return FinishAll(batch, Fail(written.error()));
    if (*written == Written::kOurs) {
      commits_.Add();
      entries_.Add(entries.size());
      Publish(after);
      return FinishAll(batch, Outcome{std::make_shared<const LakeState>(std::move(after))});
    }
    conflicts_.Add();
    auto caught_up = reader_.CatchUp(context, *before);
    if (!caught_up) return FinishAll(batch, Fail(caught_up.error()));
    Publish(std::move(*caught_up));
  }
}

Result<Committer::Written> Committer::Write(const RequestContext& context, Seq seq,
                                            const std::vector<LogEntry>& entries) {
  LH_ASSIGN(const std::string bytes, EncodeEntries(seq, entries));
  object::PutOptions options;
  options.if_none_match = true;
  options.content_type = "application/vnd.apache.parquet";
  const auto put = object::PutWhole(store_, context, LogKey(seq), bytes, options);
  if (put) return Written::kOurs;
  if (!MayHaveBeenWritten(put.error().kind)) return Fail(put.error());
  RequestContext settling = context;
  settling.deadline = Deadline::After(options_.write_timeout);
  const bool certain = put.error().kind == ErrorKind::kPreconditionFailed;
  while (true) {
    auto read = ReadBack(settling, seq, entries);
    if (read) return read;
    const bool absent = read.error().kind == ErrorKind::kNotFound;
    // The number is free: the write did not happen, or is still under way with a condition that the next object under
    // this number will break.
    if (absent && !certain) {
      if (put.error().kind == ErrorKind::kInternal) return Fail(put.error());
      return Fail(UnknownOutcome(put.error().detail));
    }
    if (settling.deadline.HasPassed()) return Fail(UnknownOutcome(put.error().detail));
    std::this_thread::sleep_for(kReadBackPause);
  }
}

Result<Committer::Written> Committer::ReadBack(const RequestContext& context, Seq seq,
                                               const std::vector<LogEntry>& entries) {
  LH_ASSIGN(const auto found, reader_.ReadEntries(context, seq));
  return SameCommits(found, entries) ? Written::kOurs : Written::kOthers;
}

Result<std::shared_ptr<const LakeState>> Committer::Fresh(const RequestContext& context) {
  auto now = state();
  if (!options_.shared_log) return now;
  RequestContext internal = context;
  internal.internal = true;
  const MonotonicTime start = clock_.Monotonic();
  MonotonicTime last;
  {
    MutexLock lock(mutex_);
    last = fresh_at_;
  }
  const bool trusted = start - last < kTrustedPause;
  auto caught_up = trusted ? reader_.CatchUp(internal, *now) : reader_.ReadAll(internal);
  if (!caught_up) return Fail(caught_up.error());
  if (caught_up->seq() > now->seq()) Publish(std::move(*caught_up));
  MutexLock lock(mutex_);
  fresh_at_ = std::max(fresh_at_, start);
  return state_;
}

Result<std::shared_ptr<const LakeState>> Committer::WaitPast(const RequestContext& context, Seq since,
                                                             std::chrono::milliseconds wait) {
  const Deadline until = Deadline::After(wait).Sooner(context.deadline);
  while (true) {
    LH_ASSIGN(auto now, Fresh(context));
    if (now->seq() > since || until.HasPassed()) return now;
    if (context.cancelled.stop_requested()) return Fail(ErrorKind::kCancelled, "the client went away");
    const auto slice = options_.shared_log ? std::chrono::milliseconds(500) : std::chrono::milliseconds(1000);
    MutexLock lock(mutex_);
    if (state_->seq() <= since) changed_.WaitUntil(mutex_, until.Sooner(Deadline::After(slice)).at());
  }
}

}  // namespace lakehouse::catalog
