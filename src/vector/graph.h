// A navigable small-world graph in layers (HNSW: Malkov and Yashunin, TPAMI 2018) over codes of vectors.
//
// Memory: one record a slot holds the code, its header and the level-0 links together, 64-byte aligned, so that a hop
// costs one place in memory; links of upper levels lie apart. Links are slots, the end marked by kNoSlot.
// Threads: any number may insert and search at once. Readers take no lock: a link is one atomic word, and a node's code
// is written before the first link to it. Writers lock the one node whose links they change. Dead nodes are walked
// through and never returned by the caller; Repair takes them out: it closes the gaps, sees to it that every live node
// is reached, waits until no search can stand on the dead, and gives their slots back. One Repair at a time.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "vector/codec.h"
#include "vector/session.h"
#include "vector/slot_memory.h"

namespace lakehouse::vector {

struct NodeBatch;

// The distance, or infinity for what is no number: damaged codes and vectors may have that, and it cannot be sorted.
inline float Sortable(float distance) {
  return std::isnan(distance) ? std::numeric_limits<float>::infinity() : distance;
}

// What a segment says of a node besides its record.
struct NodeInfo {
  unsigned level = 0;
  uint32_t upper = 0;  // first row
  bool held = false, dead = false;
};
uint64_t PackNodeInfo(const NodeInfo& info);
NodeInfo UnpackNodeInfo(uint64_t packed);

class Graph {
 public:
  // REQUIRES: whoever searches or inserts holds a session of `sessions`, which outlives the graph.
  static Result<std::unique_ptr<Graph>> Make(const IndexOptions& options, std::shared_ptr<const Codec> codec,
                                             SessionPool& sessions);

  Status Reserve(size_t slots);
  // Links the vector into the graph. REQUIRES: the slot is reserved and holds no node; the vector is normalised for
  // cosine.
  void Insert(Slot slot, const float* vector, SearchScratch& scratch);
  // Walked through from now on, linked to no more.
  void MarkDead(Slot slot);

  // The `ef` nodes nearest to the query, nearest first, dead ones among them.
  void Search(const float* vector, size_t ef, SearchScratch& scratch, std::vector<Candidate>& out) const;
  // The `ef` nearest of those that `allowed` holds; looks at `budget` nodes at most.
  void SearchAmong(const float* vector, size_t ef, const SlotSet& allowed, size_t budget, SearchScratch& scratch,
                   std::vector<Candidate>& out) const;
  // For Distances.
  void Prepare(const float* vector, SearchScratch& scratch) const { codec_->Prepare(vector, scratch.query); }
  // Code distances of slots that hold nodes to the vector last prepared, into out[0…].
  void Distances(std::span<const Slot> slots, SearchScratch& scratch, std::vector<Candidate>& out) const;

  // Takes out all nodes that are dead now and returns their slots, which are free again. REQUIRES: a live node.
  std::vector<Slot> Repair();
  size_t dead() const { return dead_.load(std::memory_order_relaxed); }
  uint64_t bytes() const;

  // For the file format and for tests: links of a node at a level.
  std::vector<Slot> Links(Slot slot, unsigned level) const;
  unsigned LevelOf(Slot slot) const;
  bool Holds(Slot slot) const;
  const Codec& codec() const { return *codec_; }
  const IndexOptions& options() const { return options_; }
  struct Layout {
    size_t stride = 0, links_offset = 0;  // bytes
    uint32_t links = 0, upper_links = 0;
  };
  const Layout& layout() const { return layout_; }

  // What a segment keeps. REQUIRES: the slot held a node when the segment's state was captured, and a session since.
  void CopyRecord(Slot slot, const SlotSet& kept, char* out) const;
  NodeHeader Header(Slot slot) const { return HeaderOf(slot); }
  void CopyLinks(Slot slot, unsigned level, const SlotSet& kept, std::span<uint32_t> out) const;
  uint64_t entry() const { return entry_.load(std::memory_order_acquire); }
  // Above every slot that ever held a node.
  size_t slots() const { return slots_.load(std::memory_order_acquire); }

  // Makes an empty graph that of a segment, whose records of infos.size() slots begin at `nodes_offset`.
  // kInternal naming what is wrong when an upper link, a level, a row or the entry points where nothing is. Links of
  // level 0 may still lead anywhere: until CheckLinks has passed, the graph may be searched but not changed.
  struct Parts {
    uint64_t entry = 0;
    std::shared_ptr<Mapping> mapping;
    size_t nodes_offset = 0;
    size_t headers_offset = 0;
    std::span<const uint64_t> infos;
    size_t upper_offset = 0;
    std::span<const uint32_t> upper;
  };
  Status Adopt(const Parts& parts, unsigned threads);
  Status CheckLinks(unsigned threads) const;
  // Moves a part of what was adopted into better memory; false when all is. REQUIRES: not beside Insert or Repair.
  Result<bool> ThawOne() { return nodes_->ThawOne(); }

 private:
  enum class State : uint8_t { kFree = 0, kLive = 1, kDead = 2, kLeaving = 3 };
  struct Info {
    std::atomic<State> state;
    std::atomic<uint8_t> lock;
    std::atomic<uint8_t> level;
    std::atomic<uint32_t> upper;  // first row; rows of a node follow one another
  };
  class NodeLock;
  struct Entry {
    Slot slot;
    unsigned level;
  };

  Graph(const IndexOptions& options, std::shared_ptr<const Codec> codec, SessionPool& sessions);
  Info& InfoOf(Slot slot) const { return *reinterpret_cast<Info*>(infos_->At(slot)); }
  char* NodeOf(Slot slot) const { return nodes_->At(slot); }
  NodeHeader& HeaderOf(Slot slot) const { return *reinterpret_cast<NodeHeader*>(headers_->At(slot)); }
  std::span<uint32_t> LinksOf(Slot slot, unsigned level) const;
  static Slot LoadLink(uint32_t& link) { return std::atomic_ref<uint32_t>(link).load(std::memory_order_acquire); }
  static void StoreLink(uint32_t& link, Slot slot) {
    std::atomic_ref<uint32_t>(link).store(slot, std::memory_order_release);
  }
  static void StoreLinks(std::span<uint32_t> links, std::span<const Candidate> chosen);

  bool CheckUpper(Slot slot, std::span<const uint64_t> infos, std::span<const uint32_t> upper) const;
  unsigned RandomLevel(Slot slot) const;
  uint32_t AllocateRows(unsigned count) LH_EXCLUDES(rows_mutex_);
  void FreeRows(uint32_t first, unsigned count) LH_EXCLUDES(rows_mutex_);
  Entry LoadEntry() const;
  void RaiseEntry(Slot slot, unsigned level);
  void ForceEntry(Slot slot);
  void ReplaceLeavingEntry();

  void Prefetch(Slot slot) const;
  void PrefetchLinks(Slot slot) const;
  void GatherUnvisited(Slot from, unsigned level, SearchScratch& scratch, NodeBatch& batch) const;
  void AddTo(NodeBatch& batch, Slot slot) const;
  void Measure(PreparedQuery& query, NodeBatch& batch) const;
  void PrepareNode(Slot slot, PreparedQuery& query) const { codec_->PrepareNode(NodeOf(slot), HeaderOf(slot), query); }
  float DistanceTo(PreparedQuery& query, Slot slot) const;
  Candidate Descend(const Entry& entry, unsigned to_level, SearchScratch& scratch) const;
  void SearchLevel(Candidate start, unsigned level, size_t ef, SearchScratch& scratch) const;
  void Select(std::vector<Candidate>& candidates, size_t limit, SearchScratch& scratch) const;
  Candidate ChooseLinks(Slot slot, Candidate start, unsigned level, SearchScratch& scratch);
  void LinkBack(Slot from, Candidate to, unsigned level, SearchScratch& scratch);
  void RepairNode(Slot slot, unsigned level, SearchScratch& scratch);
  std::vector<Slot> Unreached() const;
  bool LinkIfRoom(Slot from, Slot to);
  bool LinkInstead(Slot from, Slot to, std::span<const Candidate> near);
  void Reconnect(Slot lost, SearchScratch& scratch);

  const IndexOptions options_;
  SessionPool& sessions_;
  const std::shared_ptr<const Codec> codec_;
  Layout layout_;
  std::unique_ptr<SlotMemory> nodes_, headers_, infos_, upper_;
  std::atomic<uint64_t> entry_;
  std::atomic<size_t> dead_{0};
  std::atomic<size_t> slots_{0};  // above every slot that ever held a node
  Mutex entry_mutex_;

  Mutex rows_mutex_;
  uint32_t next_row_ LH_GUARDED_BY(rows_mutex_) = 0;
  std::vector<std::vector<uint32_t>> free_rows_ LH_GUARDED_BY(rows_mutex_);  // by how many rows follow
};

}  // namespace lakehouse::vector
