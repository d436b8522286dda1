#include "catalog/replica.h"

namespace lakehouse::catalog {

Result<std::unique_ptr<Replica>> Replica::Open(const RequestContext& context, object::ObjectStore& store,
                                               NewestSeq newest_seq, std::chrono::milliseconds refresh_every) {
  LH_ASSIGN(LakeState state, LogReader(store).ReadAll(context));
  return std::unique_ptr<Replica>(new Replica(store, std::move(newest_seq), refresh_every, std::move(state)));
}

Replica::Replica(object::ObjectStore& store, NewestSeq newest_seq, std::chrono::milliseconds refresh_every,
                 LakeState state)
    : reader_(store),
      newest_seq_(std::move(newest_seq)),
      refresh_every_(refresh_every),
      state_(std::make_shared<const LakeState>(std::move(state))),
      fresh_at_(std::chrono::steady_clock::now()) {}

Result<std::shared_ptr<const LakeState>> Replica::Follow(const RequestContext& context,
                                                         const std::shared_ptr<const LakeState>& known) {
  auto caught_up = reader_.CatchUp(context, *known);
  // A log object that is gone lies behind a checkpoint: begin again from that.
  if (caught_up && caught_up->seq() == known->seq()) caught_up = reader_.ReadAll(context);
  if (!caught_up) return Fail(caught_up.error());
  auto state = std::make_shared<const LakeState>(std::move(*caught_up));
  MutexLock lock(mutex_);
  if (state->seq() > state_->seq()) state_ = state;
  fresh_at_ = std::chrono::steady_clock::now();
  return state_;
}

Result<std::shared_ptr<const LakeState>> Replica::Fresh(const RequestContext& request) {
  RequestContext context = request;
  context.internal = true;
  std::shared_ptr<const LakeState> known;
  MonotonicTime fresh_at;
  {
    MutexLock lock(mutex_);
    known = state_;
    fresh_at = fresh_at_;
  }
  const auto newest = newest_seq_(context);
  if (newest && *newest <= known->seq()) {
    MutexLock lock(mutex_);
    fresh_at_ = std::chrono::steady_clock::now();
    return known;
  }
  if (!newest) {
    if (newest.error().kind == ErrorKind::kCancelled) return Fail(newest.error());
    if (std::chrono::steady_clock::now() - fresh_at < refresh_every_) return known;
    LH_ASSIGN(LakeState state, reader_.CatchUp(context, *known));
    auto shared = std::make_shared<const LakeState>(std::move(state));
    MutexLock lock(mutex_);
    if (shared->seq() > state_->seq()) state_ = shared;
    fresh_at_ = std::chrono::steady_clock::now();
    return state_;
  }
  return Follow(context, known);
}

Result<std::shared_ptr<const LakeView>> Replica::Current(const RequestContext& context) {
  LH_ASSIGN(auto state, Fresh(context));
  const Seq seq = state->seq();
  return MakeView(std::move(state), seq, manifests_);
}

Result<std::shared_ptr<const LakeView>> Replica::At(const RequestContext& context, Seq seq) {
  LH_ASSIGN(auto state, Fresh(context));
  LH_TRY(CheckSeqIsKept(*state, seq));
  return MakeView(std::move(state), seq, manifests_);
}

}  // namespace lakehouse::catalog
