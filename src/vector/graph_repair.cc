// Taking dead nodes out of the graph while it is searched and added to. After FreshDiskANN (Singh et al., 2021): every
// node that linked to a dead one looks at that one's neighbours instead.
#include <algorithm>

#include "vector/graph_internal.h"

namespace lakehouse::vector {

void Graph::RepairNode(Slot slot, unsigned level, SearchScratch& scratch) {
  const auto links = LinksOf(slot, level);
  const auto leaving = [&](Slot other) {
    return InfoOf(other).state.load(std::memory_order_relaxed) == State::kLeaving;
  };
  const std::vector<Slot> now = Links(slot, level);
  if (std::none_of(now.begin(), now.end(), leaving)) return;
  std::vector<Slot> wanted, gone;
  for (const Slot other : now) (leaving(other) ? gone : wanted).push_back(other);
  // Through chains of dead nodes too, a few steps deep, until live ones are found.
  for (size_t i = 0; i < gone.size() && gone.size() < 256 && wanted.size() < 512; ++i) {
    if (LevelOf(gone[i]) < level) continue;
    for (const Slot other : Links(gone[i], level)) {
      if (other == slot) continue;
      auto& list = leaving(other) ? gone : wanted;
      if (std::find(list.begin(), list.end(), other) == list.end()) list.push_back(other);
    }
  }
  auto& kept = scratch.kept;
  PrepareNode(slot, scratch.other);
  kept.clear();
  for (const Slot other : wanted) kept.push_back({DistanceTo(scratch.other, other), other});
  const NodeLock lock(InfoOf(slot));
  // Links that came since are kept in the running.
  for (const Slot other : Links(slot, level)) {
    if (leaving(other) || std::find(wanted.begin(), wanted.end(), other) != wanted.end()) continue;
    kept.push_back({DistanceTo(scratch.other, other), other});
  }
  std::sort(kept.begin(), kept.end(), [](const Candidate& a, const Candidate& b) { return a.distance < b.distance; });
  Select(kept, links.size(), scratch);
  StoreLinks(links, kept);
}

void Graph::ReplaceLeavingEntry() {
  const MutexLock lock(entry_mutex_);
  const Entry entry = LoadEntry();
  if (entry.slot == kNoSlot || InfoOf(entry.slot).state.load() != State::kLeaving) return;
  Entry best{kNoSlot, 0};
  for (Slot slot = 0; slot < slots_.load(); ++slot) {
    if (InfoOf(slot).state.load() != State::kLive) continue;
    if (best.slot == kNoSlot || LevelOf(slot) > best.level) best = {slot, LevelOf(slot)};
  }
  if (best.slot != kNoSlot) entry_.store(uint64_t{best.level} << 32 | best.slot, std::memory_order_release);
}

std::vector<Slot> Graph::Repair() {
  std::vector<Slot> leaving;
  for (Slot slot = 0; slot < slots_.load(); ++slot) {
    State dead = State::kDead;
    if (InfoOf(slot).state.compare_exchange_strong(dead, State::kLeaving)) leaving.push_back(slot);
  }
  if (leaving.empty()) return leaving;
  // Inserts that may have chosen one of them as a neighbour are over after this; later ones see that they leave.
  sessions_.WaitForSessions();
  SearchScratch scratch;
  for (Slot slot = 0; slot < slots_.load(); ++slot) {
    const State state = InfoOf(slot).state.load();
    if (state != State::kLive && state != State::kDead) continue;
    for (unsigned level = 0; level <= LevelOf(slot); ++level) RepairNode(slot, level, scratch);
  }
  ReplaceLeavingEntry();
  sessions_.WaitForSessions();
  for (const Slot slot : leaving) {
    FreeRows(InfoOf(slot).upper.load(), LevelOf(slot));
    InfoOf(slot).state.store(State::kFree);
  }
  dead_.fetch_sub(leaving.size());
  return leaving;
}

}  // namespace lakehouse::vector
