// The graph's side of segment files.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "vector/graph_internal.h"
#include "vector/stretches.h"

namespace lakehouse::vector {
namespace {

constexpr unsigned kMaxStoredLevel = 15;
constexpr size_t kStretch = 16'384;

std::unexpected<Error> WrongGraph(std::string_view what) {
  return Fail(ErrorKind::kInternal, "the vector segment is damaged: {}", what);
}

}  // namespace

uint64_t PackNodeInfo(const NodeInfo& info) {
  return (info.held ? 1 : 0) | (info.dead ? 2 : 0) | uint64_t{info.level} << 8 | uint64_t{info.upper} << 32;
}

NodeInfo UnpackNodeInfo(uint64_t packed) {
  return {static_cast<unsigned>(packed >> 8 & 0xff), static_cast<uint32_t>(packed >> 32), (packed & 1) != 0,
          (packed & 2) != 0};
}

void Graph::CopyLinks(Slot slot, unsigned level, const SlotSet& kept, std::span<uint32_t> out) const {
  size_t count = 0;
  for (uint32_t& link : LinksOf(slot, level)) {
    const Slot to = LoadLink(link);
    if (to == kNoSlot) break;
    if (kept.Test(to)) out[count++] = to;
  }
  std::fill(out.begin() + static_cast<ptrdiff_t>(count), out.end(), kNoSlot);
}

void Graph::CopyRecord(Slot slot, const SlotSet& kept, char* out) const {
  std::memcpy(out, NodeOf(slot), layout_.links_offset);
  CopyLinks(slot, 0, kept, {reinterpret_cast<uint32_t*>(out + layout_.links_offset), layout_.links});
}

// Every upper link of a node leads to a node of its level.
bool Graph::CheckUpper(Slot slot, std::span<const uint64_t> infos, std::span<const uint32_t> upper) const {
  const NodeInfo info = UnpackNodeInfo(infos[slot]);
  if (info.level > kMaxStoredLevel || uint64_t{info.upper} + info.level > upper.size() / layout_.upper_links) {
    return false;
  }
  for (unsigned level = 1; level <= info.level; ++level) {
    for (const uint32_t link :
         upper.subspan((info.upper + level - 1) * size_t{layout_.upper_links}, layout_.upper_links)) {
      if (link == kNoSlot) break;
      if (link >= infos.size()) return false;
      const NodeInfo to = UnpackNodeInfo(infos[link]);
      if (!to.held || to.level < level) return false;
    }
  }
  return true;
}

Status Graph::CheckLinks(unsigned threads) const {
  const size_t slots = this->slots();
  SlotSet held(slots), rows(upper_->reserved());
  for (Slot slot = 0; slot < slots; ++slot) {
    if (!Holds(slot)) continue;
    held.Set(slot);
    const uint32_t first = InfoOf(slot).upper.load(std::memory_order_relaxed);
    for (uint32_t row = first; row < first + LevelOf(slot); ++row) {
      if (rows.Test(row)) return WrongGraph("two nodes have one row of upper links");
      rows.Set(row);
    }
  }
  const auto leads_to_nodes = [&](Slot slot) {
    for (uint32_t& link : LinksOf(slot, 0)) {
      const Slot to = LoadLink(link);
      if (to == kNoSlot) return true;
      if (!held.Test(to)) return false;
    }
    return true;
  };
  const bool good = InStretches(slots, kStretch, threads, [&](size_t from, size_t to) {
    for (size_t slot = from; slot < to; ++slot) {
      if (held.Test(static_cast<Slot>(slot)) && !leads_to_nodes(static_cast<Slot>(slot))) return false;
    }
    return true;
  });
  if (!good) return WrongGraph("a link leads nowhere");
  return {};
}

Status Graph::Adopt(const Parts& parts, unsigned threads) {
  const auto& [entry, mapping, nodes_offset, headers_offset, infos, upper_offset, upper] = parts;
  const size_t slots = infos.size(), rows = upper.size() / layout_.upper_links;
  LH_TRY(infos_->Reserve(slots));
  LH_TRY(nodes_->Adopt(mapping, nodes_offset, slots));
  LH_TRY(headers_->Adopt(mapping, headers_offset, slots));
  LH_TRY(upper_->Adopt(mapping, upper_offset, rows));
  LH_TRY(upper_->Reserve(std::max(rows, slots / options_.m * 2) + SlotMemory::kChunkSlots));
  std::atomic<size_t> dead{0};
  const bool good = InStretches(slots, kStretch, threads, [&](size_t from, size_t to) {
    size_t dead_here = 0;
    for (size_t i = from; i < to; ++i) {
      const auto slot = static_cast<Slot>(i);
      const NodeInfo info = UnpackNodeInfo(infos[slot]);
      if (!info.held) continue;
      if (info.level != 0 && !CheckUpper(slot, infos, upper)) return false;
      Info& own = InfoOf(slot);
      own.level.store(static_cast<uint8_t>(info.level), std::memory_order_relaxed);
      own.upper.store(info.upper, std::memory_order_relaxed);
      own.state.store(info.dead ? State::kDead : State::kLive, std::memory_order_relaxed);
      dead_here += info.dead ? 1 : 0;
    }
    dead += dead_here;
    return true;
  });
  if (!good) return WrongGraph("a node's rows or upper links lead nowhere");
  const auto first = static_cast<Slot>(entry);
  if (first >= slots || (infos[first] & 1) == 0 || UnpackNodeInfo(infos[first]).level != entry >> 32) {
    return WrongGraph("the way into the graph leads nowhere");
  }
  entry_.store(entry);
  dead_.store(dead);
  slots_.store(slots);
  const MutexLock lock(rows_mutex_);
  next_row_ = static_cast<uint32_t>(rows);
  return {};
}

}  // namespace lakehouse::vector
