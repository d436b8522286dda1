#include "vector/graph.h"

#include <algorithm>
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
  layout.links_offset = codec.code_bytes();
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
  LH_ASSIGN(graph->headers_, SlotMemory::Make(sizeof(NodeHeader), std::nullopt));
  LH_ASSIGN(graph->infos_, SlotMemory::Make(sizeof(Info), std::nullopt));
  LH_ASSIGN(graph->upper_, SlotMemory::Make(graph->layout_.upper_links * sizeof(uint32_t), std::nullopt));
  return graph;
}

Status Graph::Reserve(size_t slots) {
  LH_TRY(nodes_->Reserve(slots));
  LH_TRY(headers_->Reserve(slots));
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

uint64_t Graph::bytes() const { return nodes_->bytes() + headers_->bytes() + infos_->bytes() + upper_->bytes(); }

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
  __builtin_prefetch(&HeaderOf(slot));
  const char* node = NodeOf(slot);
  const size_t code = std::min(codec_->code_bytes(), kPrefetchBytes);
  for (size_t at = 0; at < code; at += 64) __builtin_prefetch(node + at);
}

void Graph::PrefetchLinks(Slot slot) const {
  const char* links = NodeOf(slot) + layout_.links_offset;
  __builtin_prefetch(links);
  __builtin_prefetch(links + 64);
}

void Graph::AddTo(NodeBatch& batch, Slot slot) const { batch.Add(slot, NodeOf(slot), &HeaderOf(slot)); }

void Graph::Measure(PreparedQuery& query, NodeBatch& batch) const {
  codec_->Distances(query, batch.codes.data(), batch.headers.data(), batch.count, batch.distances.data());
}

float Graph::DistanceTo(PreparedQuery& query, Slot slot) const {
  const char* node = NodeOf(slot);
  const NodeHeader* header = &HeaderOf(slot);
  float distance = 0;
  codec_->Distances(query, &node, &header, 1, &distance);
  return distance;
}

// The neighbours not seen before, their codes on the way from memory.
void Graph::GatherUnvisited(Slot from, unsigned level, SearchScratch& scratch, NodeBatch& batch) const {
  SearchScratch::Seen seen(scratch);
  const size_t ahead = std::min(codec_->code_bytes(), kPrefetchBytes);
  batch.count = 0;
  for (uint32_t& link : LinksOf(from, level)) {
    const Slot to = LoadLink(link);
    if (to == kNoSlot) break;
    if (!seen.Visit(to)) continue;
    const char* node = NodeOf(to);
    for (size_t at = 0; at < ahead; at += 64) __builtin_prefetch(node + at);
    const NodeHeader* header = &HeaderOf(to);
    __builtin_prefetch(header);
    batch.Add(to, node, header);
  }
}

// Greedily down to the nearest node of the level above `to_level`.
Candidate Graph::Descend(const Entry& entry, unsigned to_level, SearchScratch& scratch) const {
  NodeBatch batch;
  Candidate nearest{DistanceTo(scratch.query, entry.slot), entry.slot};
  for (unsigned level = entry.level; level > to_level; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      batch.count = 0;
      for (uint32_t& link : LinksOf(nearest.slot, level)) {
        const Slot to = LoadLink(link);
        if (to == kNoSlot) break;
        Prefetch(to);
        AddTo(batch, to);
      }
      Measure(scratch.query, batch);
      for (size_t i = 0; i < batch.count; ++i) {
        if (batch.distances[i] < nearest.distance) {
          nearest = {batch.distances[i], batch.slots[i]};
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
  NodeBatch batch;
  auto& beam = scratch.beam;
  beam.resize(ef + 1);
  scratch.MakeRoom(nodes_->reserved());
  SearchScratch::Seen(scratch).Visit(start.slot);
  beam[0] = start;
  size_t size = 1;
  for (size_t at = 0; at < size;) {
    const Slot from = beam[at].slot;
    beam[at].slot |= kExpanded;
    GatherUnvisited(from, level, scratch, batch);
    // Whose links are wanted next is known once the distances are; mostly it is this one or the nearest of the new.
    size_t likely = at + 1;
    while (likely < size && (beam[likely].slot & kExpanded) != 0) ++likely;
    if (likely < size && level == 0) PrefetchLinks(beam[likely].slot);
    Measure(scratch.query, batch);
    size_t lowest = size;
    for (size_t i = 0; i < batch.count; ++i) {
      const float distance = batch.distances[i];
      if (size == ef && distance >= beam[size - 1].distance) continue;
      size_t place = size;
      while (place > 0 && beam[place - 1].distance > distance) --place;
      std::memmove(&beam[place + 1], &beam[place], (size - place) * sizeof(Candidate));
      beam[place] = {distance, batch.slots[i]};
      if (size < ef) ++size;
      if (place >= lowest) continue;
      lowest = place;
      if (place <= likely && level == 0) PrefetchLinks(batch.slots[i]);
    }
    at = lowest <= at ? lowest : at + 1;
    while (at < size && (beam[at].slot & kExpanded) != 0) ++at;
  }
  beam.resize(size);
  for (Candidate& candidate : beam) candidate.slot &= ~kExpanded;
  scratch.Clear();
}

// The heuristic of the paper (algorithm 4): a candidate is linked unless a chosen one is nearer to it than the node is.
// REQUIRES: candidates are sorted, nearest first. The chosen stay in `candidates`.
void Graph::Select(std::vector<Candidate>& candidates, size_t limit, SearchScratch& scratch) const {
  const size_t least = std::min<size_t>(limit, options_.m / 2);
  auto& spare = scratch.spare;
  spare.clear();
  NodeBatch chosen;
  for (size_t i = 0; i < candidates.size() && chosen.count < limit; ++i) {
    const Candidate candidate = candidates[i];
    if (i + 1 < candidates.size()) Prefetch(candidates[i + 1].slot);
    bool nearer_chosen = false;
    if (chosen.count > 0) {
      PrepareNode(candidate.slot, scratch.other);
      // In fours: most candidates are covered by one of the first chosen.
      for (size_t from = 0; from < chosen.count && !nearer_chosen; from += 4) {
        const size_t count = std::min<size_t>(4, chosen.count - from);
        codec_->Distances(scratch.other, chosen.codes.data() + from, chosen.headers.data() + from, count,
                          chosen.distances.data());
        for (size_t j = 0; j < count; ++j) nearer_chosen |= chosen.distances[j] < candidate.distance;
      }
    }
    if (nearer_chosen) {
      if (spare.size() < least) spare.push_back(candidate);
      continue;
    }
    candidates[chosen.count] = candidate;
    AddTo(chosen, candidate.slot);
  }
  candidates.resize(chosen.count);
  // On a line or in a clump the rule leaves a link or two, and one neighbour that was added at the same moment cuts the
  // way: some of the nearest are kept whatever the rule says.
  for (size_t i = 0; i < spare.size() && candidates.size() < least; ++i) candidates.push_back(spare[i]);
}

void Graph::LinkBack(Slot from, Candidate to, unsigned level, SearchScratch& scratch) {
  const NodeLock lock(InfoOf(from));
  const auto links = LinksOf(from, level);
  NodeBatch batch;
  for (uint32_t& own : links) {
    const Slot link = LoadLink(own);
    if (link == to.slot) return;
    if (link == kNoSlot) {
      StoreLink(own, to.slot);
      return;
    }
    AddTo(batch, link);
  }
  auto& kept = scratch.kept;
  PrepareNode(from, scratch.other);
  Measure(scratch.other, batch);
  kept.clear();
  for (size_t i = 0; i < batch.count; ++i) {
    if (InfoOf(batch.slots[i]).state.load(std::memory_order_relaxed) == State::kLeaving) continue;
    kept.push_back({batch.distances[i], batch.slots[i]});
  }
  kept.push_back(to);
  std::sort(kept.begin(), kept.end(), Nearer);
  Select(kept, links.size(), scratch);
  StoreLinks(links, kept);
}

void Graph::Insert(Slot slot, const float* vector, SearchScratch& scratch) {
  HeaderOf(slot) = codec_->Encode(vector, NodeOf(slot));
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
  // All links are chosen before the first one to this node is made, and then made from the bottom up: whoever comes to
  // the node by an upper level must be able to go on below.
  const unsigned top = std::min(level, entry.level);
  scratch.chosen.resize(std::max<size_t>(scratch.chosen.size(), top + 1));
  Candidate start = Descend(entry, level, scratch);
  for (unsigned l = top + 1; l-- > 0;) start = ChooseLinks(slot, start, l, scratch);
  for (unsigned l = 0; l <= top; ++l) {
    const std::vector<Candidate>& chosen = scratch.chosen[l];
    {
      const NodeLock lock(info);
      StoreLinks(LinksOf(slot, l), chosen);
    }
    for (const Candidate& neighbour : chosen) LinkBack(neighbour.slot, {neighbour.distance, slot}, l, scratch);
  }
  if (level > entry.level) RaiseEntry(slot, level);
}

// Into scratch.chosen[level] those that the node is to be linked to; the answer is where to go on below.
Candidate Graph::ChooseLinks(Slot slot, Candidate start, unsigned level, SearchScratch& scratch) {
  std::vector<Candidate>& found = scratch.chosen[level];
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
  // Where nothing that lives can be reached from the entry, the way in is this node from now on.
  if (found.empty() && level == 0) ForceEntry(slot);
  Select(found, options_.m + (level == 0 ? options_.m / 2 : 0), scratch);
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
  NodeBatch batch;
  auto& open = scratch.heap;  // nearest on top
  open.clear();
  const auto add = [&](Candidate candidate) {
    if (std::isnan(candidate.distance)) return;  // of a damaged code; what is no number cannot be sorted
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
    GatherUnvisited(nearest.slot, 0, scratch, batch);
    if (!open.empty()) PrefetchLinks(open.front().slot);
    Measure(scratch.query, batch);
    for (size_t i = 0; i < batch.count; ++i) add({batch.distances[i], batch.slots[i]});
    seen += batch.count;
  }
  scratch.Clear();
  std::sort(out.begin(), out.end(), Nearer);
}

void Graph::Distances(std::span<const Slot> slots, SearchScratch& scratch, std::vector<Candidate>& out) const {
  constexpr size_t kTogether = 16;
  out.resize(slots.size());
  NodeBatch batch;
  for (size_t from = 0; from < slots.size(); from += kTogether) {
    const size_t end = std::min(from + kTogether, slots.size());
    batch.count = 0;
    for (size_t i = from; i < end; ++i) AddTo(batch, slots[i]);
    for (size_t i = end; i < std::min(end + kTogether, slots.size()); ++i) Prefetch(slots[i]);
    Measure(scratch.query, batch);
    for (size_t i = from; i < end; ++i) out[i] = {Sortable(batch.distances[i - from]), slots[i]};
  }
}

}  // namespace lakehouse::vector
