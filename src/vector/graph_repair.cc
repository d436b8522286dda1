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

// Live nodes that level 0 does not lead to from the entry; one that is just being added may be among them.
std::vector<Slot> Graph::Unreached() const {
  const size_t slots = slots_.load();
  SlotSet reached(slots);
  std::vector<Slot> open;
  const auto reach = [&](Slot slot) {
    if (slot >= slots || reached.Test(slot)) return;
    reached.Set(slot);
    open.push_back(slot);
  };
  reach(LoadEntry().slot);
  while (!open.empty()) {
    const Slot from = open.back();
    open.pop_back();
    for (uint32_t& link : LinksOf(from, 0)) {
      const Slot to = LoadLink(link);
      if (to == kNoSlot) break;
      reach(to);
    }
  }
  std::vector<Slot> unreached;
  for (Slot slot = 0; slot < slots; ++slot) {
    if (!reached.Test(slot) && InfoOf(slot).state.load() == State::kLive) unreached.push_back(slot);
  }
  return unreached;
}

// False when all places are taken.
bool Graph::LinkIfRoom(Slot from, Slot to) {
  const NodeLock lock(InfoOf(from));
  for (uint32_t& link : LinksOf(from, 0)) {
    const Slot other = LoadLink(link);
    if (other == kNoSlot) StoreLink(link, to);
    if (other == kNoSlot || other == to) return true;
  }
  return false;
}

// The link is taken from a node that another of `near` links to as well.
bool Graph::LinkInstead(Slot from, Slot to, std::span<const Candidate> near) {
  const auto linked_by_another = [&](Slot target) {
    return std::ranges::any_of(near, [&](const Candidate& other) {
      const std::vector<Slot> links = Links(other.slot, 0);
      return other.slot != from && std::ranges::find(links, target) != links.end();
    });
  };
  const NodeLock lock(InfoOf(from));
  const auto links = LinksOf(from, 0);
  for (size_t i = links.size(); i-- > 0;) {
    if (!linked_by_another(LoadLink(links[i]))) continue;
    StoreLink(links[i], to);
    return true;
  }
  return false;
}

// A link to a node that nothing leads to, from the nearest that is reached and can take one.
void Graph::Reconnect(Slot lost, SearchScratch& scratch) {
  PrepareNode(lost, scratch.query);
  SearchLevel(Descend(LoadEntry(), 0, scratch), 0, options_.ef_construction, scratch);
  auto& near = scratch.beam;
  std::erase_if(near, [&](const Candidate& candidate) {
    return candidate.slot == lost || InfoOf(candidate.slot).state.load() != State::kLive;
  });
  for (const Candidate& candidate : near) {
    if (LinkIfRoom(candidate.slot, lost)) return;
  }
  for (const Candidate& candidate : near) {
    if (LinkInstead(candidate.slot, lost, near)) return;
  }
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
  // Closing a gap may cut off a node that was reached through it. A link made in another's place may cut off one more.
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<Slot> lost = Unreached();
    if (lost.empty()) break;
    for (const Slot slot : lost) Reconnect(slot, scratch);
  }
  sessions_.WaitForSessions();
  for (const Slot slot : leaving) {
    FreeRows(InfoOf(slot).upper.load(), LevelOf(slot));
    InfoOf(slot).state.store(State::kFree);
  }
  dead_.fetch_sub(leaving.size());
  return leaving;
}

}  // namespace lakehouse::vector
