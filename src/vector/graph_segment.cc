// The graph's side of segment files.
#include <algorithm>
#include <cstring>

#include "vector/graph_internal.h"

namespace lakehouse::vector {
namespace {

constexpr unsigned kMaxStoredLevel = 15;

std::unexpected<Error> Wrong(std::string_view what) {
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

Status Graph::Adopt(uint64_t entry, std::shared_ptr<Mapping> nodes, size_t nodes_offset,
                    std::span<const uint64_t> infos, std::span<const uint32_t> upper) {
  const size_t slots = infos.size(), rows = upper.size() / layout_.upper_links;
  LH_TRY(infos_->Reserve(slots));
  LH_TRY(upper_->Reserve(std::max(rows, slots / options_.m * 2) + SlotMemory::kChunkSlots));
  LH_TRY(nodes_->Adopt(std::move(nodes), nodes_offset, slots));
  const auto leads_nowhere = [&](std::span<const uint32_t> links, unsigned level) {
    for (const uint32_t link : links) {
      if (link == kNoSlot) return false;
      if (link >= slots || (infos[link] & 1) == 0 || UnpackNodeInfo(infos[link]).level < level) return true;
    }
    return false;
  };
  size_t dead = 0;
  for (Slot slot = 0; slot < slots; ++slot) {
    const NodeInfo info = UnpackNodeInfo(infos[slot]);
    if (!info.held) continue;
    if (info.level > kMaxStoredLevel || uint64_t{info.upper} + info.level > rows) return Wrong("a node has no rows");
    Info& own = InfoOf(slot);
    own.level.store(static_cast<uint8_t>(info.level), std::memory_order_relaxed);
    own.upper.store(info.upper, std::memory_order_relaxed);
    own.state.store(info.dead ? State::kDead : State::kLive, std::memory_order_relaxed);
    dead += info.dead ? 1 : 0;
    if (leads_nowhere(LinksOf(slot, 0), 0)) return Wrong("a link leads nowhere");
    for (unsigned level = 1; level <= info.level; ++level) {
      const auto row = upper.subspan((info.upper + level - 1) * size_t{layout_.upper_links}, layout_.upper_links);
      if (leads_nowhere(row, level)) return Wrong("a link leads nowhere");
      std::memcpy(upper_->At(info.upper + level - 1), row.data(), row.size_bytes());
    }
  }
  const auto first = static_cast<Slot>(entry);
  if (first >= slots || (infos[first] & 1) == 0 || UnpackNodeInfo(infos[first]).level != entry >> 32) {
    return Wrong("the way into the graph leads nowhere");
  }
  entry_.store(entry);
  dead_.store(dead);
  slots_.store(slots);
  const MutexLock lock(rows_mutex_);
  next_row_ = static_cast<uint32_t>(rows);
  return {};
}

}  // namespace lakehouse::vector
