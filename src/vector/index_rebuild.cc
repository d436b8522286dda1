// A graph made anew, with other codes or links, beside the one that serves. Batches are linked into both meanwhile.
#include <algorithm>

#include "vector/index.h"

namespace lakehouse::vector {

bool SameGraph(const IndexOptions& a, const IndexOptions& b) {
  return a.quantization == b.quantization && a.m == b.m && a.ef_construction == b.ef_construction;
}

IndexOptions Index::options() const {
  const MutexLock lock(graph_mutex_);
  return made_with_;
}

Index::Turn::Turn(Index& index, bool wait) : index_(index) {
  const MutexLock lock(index.turn_mutex_);
  while (wait && index.looked_after_) index.turn_over_.Wait(index.turn_mutex_);
  mine_ = !index.looked_after_;
  if (mine_) index.looked_after_ = true;
}

Index::Turn::~Turn() {
  if (!mine_) return;
  const MutexLock lock(index_.turn_mutex_);
  index_.looked_after_ = false;
  index_.turn_over_.NotifyAll();
}

// Linking stops at the next node, and nobody links into it any more.
void Index::GiveUpNext() {
  if (next_) next_->given_up = true;
  next_.reset();
}

Status Index::LinkNext(const RequestContext& context, NextGraph& next, std::span<const Slot> slots) {
  constexpr size_t kPiece = 2048;
  for (size_t from = 0; from < slots.size() && !next.given_up; from += kPiece) {
    LH_TRY(context.Check("rebuilding a vector index"));
    LH_TRY(LinkSlots(*next.graph, slots.subspan(from, std::min(kPiece, slots.size() - from)), &next.given_up));
  }
  return {};
}

// Slots of the old graph alone, dead before the new one began, are free once nobody can stand on them.
Status Index::PutNext(const std::shared_ptr<NextGraph>& next, const IndexOptions& wanted) {
  const MutexLock lock(apply_mutex_);
  const auto held = graph();
  if (!held) {
    GiveUpNext();
    const MutexLock graph_lock(graph_mutex_);
    made_with_ = wanted;
    return {};
  }
  if (!next || next_ != next) {
    return Fail(ErrorKind::kExhausted, "memory ran out while the vector index was rebuilt; its old graph serves on");
  }
  for (Slot slot = 0; slot < items_->slots(); ++slot) {
    if (next->graph->Holds(slot)) {
      if (!items_->IsLive(slot)) next->graph->MarkDead(slot);
    } else if (held->Holds(slot)) {
      gone_.push_back(slot);
    }
  }
  next_.reset();
  SetGraph(next->graph);
  const MutexLock calibration_lock(calibration_mutex_);
  calibration_.clear();
  return {};
}

Status Index::Rebuild(const RequestContext& context, const IndexOptions& wanted,
                      const std::function<Status()>& decide) {
  LH_TRY(Verify());
  const Turn turn(*this, true);
  std::shared_ptr<NextGraph> next;
  std::vector<Slot> slots;
  {
    const MutexLock lock(apply_mutex_);
    if (graph()) {
      slots = items_->LiveSlots();
      next = std::make_shared<NextGraph>();
      LH_ASSIGN(next->graph, EmptyGraph(wanted, slots));
      next_ = next;
    }
  }
  const auto work = [&]() -> Status {
    if (next) LH_TRY(LinkNext(context, *next, slots));
    return decide();
  };
  Status done = Fail(ErrorKind::kExhausted, "memory ran out while the vector index was rebuilt");
  try {
    done = work();
  } catch (const std::exception&) {
    // No memory or no thread: the graph that serves was not touched.
  }
  if (done) return PutNext(next, wanted);
  const MutexLock lock(apply_mutex_);
  GiveUpNext();
  return done;
}

}  // namespace lakehouse::vector
