#include "vector/graph.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "vector/graph_internal.h"

namespace lakehouse::vector {
namespace {

constexpr uint64_t kNoEntry = ~uint64_t{0};
constexpr unsigned kMaxLevel = 15;
constexpr Slot kExpanded = Slot{1} << 31;  // marks candidates of a beam whose links have been followed
constexpr uint32_t kNoRow = ~uint32_t{0};
// Lines of a code fetched ahead; the hardware follows a sequence by itself.
constexpr size_t kPrefetchBytes = 512;

bool Nearer(const Candidate& a, const Candidate& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.slot < b.slot);
}
bool Farther(const Candidate& a, const Candidate& b) { return Nearer(b, a); }

uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// As many links as fill the record's cache lines, from 2m − 2 on.
Graph::Layout LayoutOf(const IndexOptions& options, const Codec& codec) {
  Graph::Layout layout;
  layout.links_offset = codec.code_bytes() + Codec::kHeaderBytes;
  const size_t wanted = layout.links_offset + (2 * size_t{options.m} - 2) * sizeof(uint32_t);
  layout.stride = (wanted + 63) / 64 * 64;
  layout.links = static_cast<uint32_t>(
      std::min<size_t>((layout.stride - layout.links_offset) / sizeof(uint32_t), 2 * size_t{options.m} + 14));
  layout.upper_links = options.m;
  return layout;
}

}  // namespace

Graph::Graph(const IndexOptions& options, std::shared_ptr<const Codec> codec, SessionPool& sessions)
    : options_(options),
      sessions_(sessions),
      codec_(std::move(codec)),
      layout_(LayoutOf(options, *codec_)),
      entry_(kNoEntry) {
  free_rows_.resize(kMaxLevel + 1);
}

Result<std::unique_ptr<Graph>> Graph::Make(const IndexOptions& options, std::shared_ptr<const Codec> codec,
                                           SessionPool& sessions) {
  std::unique_ptr<Graph> graph(new Graph(options, std::move(codec), sessions));
  LH_ASSIGN(graph->nodes_, SlotMemory::Make(graph->layout_.stride, std::nullopt));
  LH_ASSIGN(graph->infos_, SlotMemory::Make(sizeof(Info), std::nullopt));
  LH_ASSIGN(graph->upper_, SlotMemory::Make(graph->layout_.upper_links * sizeof(uint32_t), std::nullopt));
  return graph;
}

Status Graph::Reserve(size_t slots) {
  LH_TRY(nodes_->Reserve(slots));
  LH_TRY(infos_->Reserve(slots));
  // Twice what the levels' distribution needs; rows run out only in Insert, which then takes a lower level.
  return upper_->Reserve(slots / options_.m * 2 + SlotMemory::kChunkSlots);
}

std::span<uint32_t> Graph::LinksOf(Slot slot, unsigned level) const {
  if (level == 0) {
    return {reinterpret_cast<uint32_t*>(NodeOf(slot) + layout_.links_offset), layout_.links};
  }
  const uint32_t row = InfoOf(slot).upper.load(std::memory_order_relaxed) + level - 1;
  return {reinterpret_cast<uint32_t*>(upper_->At(row)), layout_.upper_links};
}

void Graph::StoreLinks(std::span<uint32_t> links, std::span<const Candidate> chosen) {
  for (size_t i = 0; i < links.size(); ++i) StoreLink(links[i], i < chosen.size() ? chosen[i].slot : kNoSlot);
}

std::vector<Slot> Graph::Links(Slot slot, unsigned level) const {
  std::vector<Slot> links;
  for (uint32_t& link : LinksOf(slot, level)) {
    const Slot to = LoadLink(link);
    if (to == kNoSlot) break;
    links.push_back(to);
  }
  return links;
}

unsigned Graph::LevelOf(Slot slot) const { return InfoOf(slot).level.load(); }
bool Graph::Holds(Slot slot) const { return slot < slots_.load() && InfoOf(slot).state.load() != State::kFree; }

uint64_t Graph::bytes() const { return nodes_->bytes() + infos_->bytes() + upper_->bytes(); }

unsigned Graph::RandomLevel(Slot slot) const {
  const double uniform = (static_cast<double>(Mix(slot ^ codec_->seed()) >> 11) + 1) * 0x1p-53;
  const double level = -std::log(uniform) / std::log(static_cast<double>(options_.m));
  return std::min(static_cast<unsigned>(level), kMaxLevel);
}

uint32_t Graph::AllocateRows(unsigned count) {
  if (count == 0) return kNoRow;
  const MutexLock lock(rows_mutex_);
  if (auto& free = free_rows_[count]; !free.empty()) {
    const uint32_t row = free.back();
    free.pop_back();
    return row;
  }
  if (next_row_ + count > upper_->reserved()) return kNoRow;
  const uint32_t row = next_row_;
  next_row_ += count;
  return row;
}

void Graph::FreeRows(uint32_t first, unsigned count) {
  if (count == 0) return;
  const MutexLock lock(rows_mutex_);
  free_rows_[count].push_back(first);
}

Graph::Entry Graph::LoadEntry() const {
  const uint64_t entry = entry_.load(std::memory_order_acquire);
  if (entry == kNoEntry) return {kNoSlot, 0};
  return {static_cast<Slot>(entry), static_cast<unsigned>(entry >> 32)};
}

void Graph::RaiseEntry(Slot slot, unsigned level) {
  const MutexLock lock(entry_mutex_);
  const Entry entry = LoadEntry();
  if (entry.slot == kNoSlot || level > entry.level) {
    entry_.store(uint64_t{level} << 32 | slot, std::memory_order_release);
  }
}

void Graph::Prefetch(Slot slot) const {
  const char* node = NodeOf(slot);
  const size_t code = std::min(codec_->code_bytes(), kPrefetchBytes);
  for (size_t at = 0; at < code; at += 64) __builtin_prefetch(node + at);
  __builtin_prefetch(node + codec_->code_bytes());
}

// The neighbours not seen before, their codes on the way from memory.
size_t Graph::GatherUnvisited(Slot from, unsigned level, SearchScratch& scratch, Slot* slots,
                              const char** nodes) const {
  SearchScratch::Seen seen(scratch);
  const size_t code = codec_->code_bytes(), ahead = std::min(code, kPrefetchBytes);
  size_t count = 0;
  for (uint32_t& link : LinksOf(from, level)) {
    const Slot to = LoadLink(link);
    if (to == kNoSlot) break;
    if (!seen.Visit(to)) continue;
    const char* node = NodeOf(to);
    for (size_t at = 0; at < ahead; at += 64) __builtin_prefetch(node + at);
    __builtin_prefetch(node + code);
    slots[count] = to;
    nodes[count++] = node;
  }
  return count;
}

// Greedily down to the nearest node of the level above `to_level`.
Candidate Graph::Descend(const Entry& entry, unsigned to_level, SearchScratch& scratch) const {
  std::array<Slot, kMaxLinks> slots;
  std::array<const char*, kMaxLinks> nodes;
  std::array<float, kMaxLinks> distances;
  Candidate nearest{0, entry.slot};
  const char* node = NodeOf(entry.slot);
  codec_->Distances(scratch.query, &node, 1, &nearest.distance);
  for (unsigned level = entry.level; level > to_level; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      size_t count = 0;
      for (uint32_t& link : LinksOf(nearest.slot, level)) {
        const Slot to = LoadLink(link);
        if (to == kNoSlot) break;
        Prefetch(to);
        slots[count] = to;
        nodes[count++] = NodeOf(to);
      }
      codec_->Distances(scratch.query, nodes.data(), count, distances.data());
      for (size_t i = 0; i < count; ++i) {
        if (distances[i] < nearest.distance) {
          nearest = {distances[i], slots[i]};
          moved = true;
        }
      }
    }
  }
  return nearest;
}

// Best first over a beam of at most `ef` candidates kept sorted: short enough that moving them beats a heap.
// The result is scratch.beam, nearest first.
void Graph::SearchLevel(Candidate start, unsigned level, size_t ef, SearchScratch& scratch) const {
  std::array<Slot, kMaxLinks> slots;
  std::array<const char*, kMaxLinks> nodes;
  std::array<float, kMaxLinks> distances;
  auto& beam = scratch.beam;
  beam.resize(ef + 1);
  scratch.MakeRoom(nodes_->reserved());
  SearchScratch::Seen(scratch).Visit(start.slot);
  beam[0] = start;
  size_t size = 1;
  for (size_t at = 0; at < size;) {
    const Slot from = beam[at].slot;
    beam[at].slot |= kExpanded;
    const size_t count = GatherUnvisited(from, level, scratch, slots.data(), nodes.data());
    codec_->Distances(scratch.query, nodes.data(), count, distances.data());
    size_t lowest = size;
    for (size_t i = 0; i < count; ++i) {
      if (size == ef && distances[i] >= beam[size - 1].distance) continue;
      size_t place = size;
      while (place > 0 && beam[place - 1].distance > distances[i]) --place;
      std::memmove(&beam[place + 1], &beam[place], (size - place) * sizeof(Candidate));
      beam[place] = {distances[i], slots[i]};
      if (size < ef) ++size;
      lowest = std::min(lowest, place);
    }
    if (lowest <= at) {
      at = lowest;
    } else {
      ++at;
    }
    while (at < size && (beam[at].slot & kExpanded) != 0) ++at;
    if (at < size) __builtin_prefetch(NodeOf(beam[at].slot) + layout_.links_offset);
  }
  beam.resize(size);
  for (Candidate& candidate : beam) candidate.slot &= ~kExpanded;
  scratch.Clear();
}

// The heuristic of the paper (algorithm 4): a candidate is linked unless a chosen one is nearer to it than the node is.
// REQUIRES: candidates are sorted, nearest first. The chosen stay in `candidates`.
void Graph::Select(std::vector<Candidate>& candidates, size_t limit, SearchScratch& scratch) const {
  std::array<const char*, kMaxLinks> chosen_nodes;
  std::array<float, kMaxLinks> distances;
  size_t chosen = 0;
  for (size_t i = 0; i < candidates.size() && chosen < limit; ++i) {
    const Candidate candidate = candidates[i];
    if (i + 1 < candidates.size()) Prefetch(candidates[i + 1].slot);
    bool nearer_chosen = false;
    if (chosen > 0) {
      codec_->PrepareNode(NodeOf(candidate.slot), scratch.other);
      // In fours: most candidates are covered by one of the first chosen.
      for (size_t from = 0; from < chosen && !nearer_chosen; from += 4) {
        const size_t count = std::min<size_t>(4, chosen - from);
        codec_->Distances(scratch.other, chosen_nodes.data() + from, count, distances.data());
        for (size_t j = 0; j < count; ++j) nearer_chosen |= distances[j] < candidate.distance;
      }
    }
    if (nearer_chosen) continue;
    chosen_nodes[chosen] = NodeOf(candidate.slot);
    candidates[chosen++] = candidate;
  }
  candidates.resize(chosen);
}

void Graph::LinkBack(Slot from, Candidate to, unsigned level, SearchScratch& scratch) {
  const NodeLock lock(InfoOf(from));
  const auto links = LinksOf(from, level);
  size_t count = 0;
  for (; count < links.size(); ++count) {
    const Slot link = LoadLink(links[count]);
    if (link == to.slot) return;
    if (link == kNoSlot) {
      StoreLink(links[count], to.slot);
      return;
    }
  }
  auto& kept = scratch.kept;
  std::array<const char*, kMaxLinks> nodes;
  std::array<float, kMaxLinks> distances;
  for (size_t i = 0; i < count; ++i) nodes[i] = NodeOf(LoadLink(links[i]));
  codec_->PrepareNode(NodeOf(from), scratch.other);
  codec_->Distances(scratch.other, nodes.data(), count, distances.data());
  kept.clear();
  for (size_t i = 0; i < count; ++i) {
    const Slot link = LoadLink(links[i]);
    if (InfoOf(link).state.load(std::memory_order_relaxed) == State::kLeaving) continue;
    kept.push_back({distances[i], link});
  }
  kept.push_back(to);
  std::sort(kept.begin(), kept.end(), Nearer);
  Select(kept, links.size(), scratch);
  StoreLinks(links, kept);
}

void Graph::Insert(Slot slot, const float* vector, SearchScratch& scratch) {
  codec_->Encode(vector, NodeOf(slot));
  codec_->Prepare(vector, scratch.query);
  unsigned level = RandomLevel(slot);
  uint32_t row = AllocateRows(level);
  if (row == kNoRow) level = 0;
  Info& info = InfoOf(slot);
  info.level.store(static_cast<uint8_t>(level));
  info.upper.store(row);
  for (unsigned l = 0; l <= level; ++l) StoreLinks(LinksOf(slot, l), {});
  info.state.store(State::kLive);
  for (size_t slots = slots_.load(); slots <= slot && !slots_.compare_exchange_weak(slots, slot + 1);) {
  }
  Entry entry = LoadEntry();
  if (entry.slot == kNoSlot) {
    RaiseEntry(slot, level);
    // Another first node may have won: then this one is linked like any other.
    entry = LoadEntry();
    if (entry.slot == slot) return;
  }
  Candidate start = Descend(entry, level, scratch);
  for (unsigned l = std::min(level, entry.level) + 1; l-- > 0;) start = LinkAt(slot, start, l, scratch);
  if (level > entry.level) RaiseEntry(slot, level);
}

// Links the node at one level; the answer is where to go on below.
Candidate Graph::LinkAt(Slot slot, Candidate start, unsigned level, SearchScratch& scratch) {
  auto& found = scratch.found;
  size_t reached = 0;
  // Wider and wider while there is nothing but dead nodes to link to.
  for (size_t ef = options_.ef_construction; found.clear(), true; ef *= 4) {
    SearchLevel(start, level, ef, scratch);
    for (const Candidate& candidate : scratch.beam) {
      if (candidate.slot == slot) continue;
      if (InfoOf(candidate.slot).state.load(std::memory_order_relaxed) == State::kLive) found.push_back(candidate);
    }
    if (!found.empty() || scratch.beam.size() <= reached) break;
    reached = scratch.beam.size();
  }
  const Candidate nearest = scratch.beam.front();
  if (found.empty()) {
    // Nothing that lives can be reached from the entry: the way in is this node from now on.
    if (level == 0) ForceEntry(slot);
    return nearest;
  }
  Select(found, options_.m + (level == 0 ? options_.m / 2 : 0), scratch);
  {
    const NodeLock lock(InfoOf(slot));
    StoreLinks(LinksOf(slot, level), found);
  }
  for (const Candidate& neighbour : found) LinkBack(neighbour.slot, {neighbour.distance, slot}, level, scratch);
  return nearest;
}

void Graph::ForceEntry(Slot slot) {
  const MutexLock lock(entry_mutex_);
  entry_.store(uint64_t{LevelOf(slot)} << 32 | slot, std::memory_order_release);
}

void Graph::MarkDead(Slot slot) {
  State live = State::kLive;
  if (InfoOf(slot).state.compare_exchange_strong(live, State::kDead)) dead_.fetch_add(1);
}

void Graph::Search(const float* vector, size_t ef, SearchScratch& scratch, std::vector<Candidate>& out) const {
  out.clear();
  const Entry entry = LoadEntry();
  if (entry.slot == kNoSlot) return;
  codec_->Prepare(vector, scratch.query);
  SearchLevel(Descend(entry, 0, scratch), 0, ef, scratch);
  out.assign(scratch.beam.begin(), scratch.beam.end());
}

void Graph::SearchAmong(const float* vector, size_t ef, const SlotSet& allowed, size_t budget, SearchScratch& scratch,
                        std::vector<Candidate>& out) const {
  out.clear();
  const Entry entry = LoadEntry();
  if (entry.slot == kNoSlot) return;
  codec_->Prepare(vector, scratch.query);
  scratch.MakeRoom(nodes_->reserved());
  std::array<Slot, kMaxLinks> slots;
  std::array<const char*, kMaxLinks> nodes;
  std::array<float, kMaxLinks> distances;
  auto& open = scratch.heap;  // nearest on top
  open.clear();
  const auto add = [&](Candidate candidate) {
    const bool full = out.size() == ef;
    if (full && candidate.distance >= out.front().distance) return;
    open.push_back(candidate);
    std::push_heap(open.begin(), open.end(), Farther);
    if (!allowed.Test(candidate.slot)) return;
    if (full) {
      std::pop_heap(out.begin(), out.end(), Nearer);
      out.pop_back();
    }
    out.push_back(candidate);
    std::push_heap(out.begin(), out.end(), Nearer);
  };
  const Candidate start = Descend(entry, 0, scratch);
  SearchScratch::Seen(scratch).Visit(start.slot);
  add(start);
  size_t seen = 1;
  while (!open.empty() && seen < budget) {
    const Candidate nearest = open.front();
    if (out.size() == ef && nearest.distance > out.front().distance) break;
    std::pop_heap(open.begin(), open.end(), Farther);
    open.pop_back();
    const size_t count = GatherUnvisited(nearest.slot, 0, scratch, slots.data(), nodes.data());
    codec_->Distances(scratch.query, nodes.data(), count, distances.data());
    for (size_t i = 0; i < count; ++i) add({distances[i], slots[i]});
    seen += count;
  }
  scratch.Clear();
  std::sort(out.begin(), out.end(), Nearer);
}

void Graph::Distances(const float* vector, std::span<const Slot> slots, SearchScratch& scratch,
                      std::vector<Candidate>& out) const {
  constexpr size_t kBatch = 16;
  codec_->Prepare(vector, scratch.query);
  out.resize(slots.size());
  std::array<const char*, kBatch> nodes;
  std::array<float, kBatch> distances;
  for (size_t from = 0; from < slots.size(); from += kBatch) {
    const size_t count = std::min(kBatch, slots.size() - from);
    for (size_t i = 0; i < count; ++i) nodes[i] = NodeOf(slots[from + i]);
    for (size_t i = from + count; i < std::min(from + count + kBatch, slots.size()); ++i) Prefetch(slots[i]);
    codec_->Distances(scratch.query, nodes.data(), count, distances.data());
    for (size_t i = 0; i < count; ++i) out[from + i] = {distances[i], slots[from + i]};
  }
}

}  // namespace lakehouse::vector
