// One vector index in memory: items, the graph over them, filters; what vectord answers from.
//
// Batches are applied one after another, each seen whole or not at all; searches run beside them and beside the
// background work. Nothing here is durable: see vector/durable_index.h.
// Thread-safe. Below kExactBelow items every search is exact and no graph is kept.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/request_context.h"
#include "vector/field_index.h"
#include "vector/filter.h"
#include "vector/graph.h"
#include "vector/item_table.h"
#include "vector/segment_writer.h"
#include "vector/text_index.h"
#include "vector/types.h"

namespace lakehouse::vector {

inline constexpr size_t kExactBelow = 1000;

// Items side by side. REQUIRES: checked (vector/batch.h); ids differ from each other.
struct Batch {
  std::vector<std::string> ids;
  std::vector<float> vectors;                        // ids × dimension
  std::vector<std::optional<std::string>> metadata;  // JSON objects; none: leaves what was there
  std::vector<std::string> removed;                  // ids that go; not among `ids`
};

struct Applied {
  uint64_t added = 0, updated = 0, removed = 0;
  uint64_t length = 0;
  IndexVersion version;
};

struct SearchRequest {
  std::vector<float> vector;
  size_t k = 10;
  std::optional<size_t> ef;             // candidates kept while walking; more finds more
  std::optional<double> recall_target;  // instead of ef
  std::optional<Filter> filter;
  std::optional<std::string> text;  // full text; with a vector too, both rankings are fused (RRF)
  std::optional<float> max_distance;
  std::optional<IndexVersion> min_version;
  bool exact = false;
  bool include_vector = false, include_metadata = true;
};

struct Hit {
  std::string id;
  float distance = 0;
  float score = 0;  // of a search with text
  std::optional<std::string> metadata;
  std::vector<float> vector;  // empty unless asked for
};

struct SearchAnswer {
  std::vector<Hit> hits;  // nearest first
  IndexVersion version;
};

struct StoredItem {
  std::string id;
  std::vector<float> vector;
  std::optional<std::string> metadata;
};

// What of each item is wanted beside its id.
struct ItemColumns {
  bool vector = true, metadata = true;
};

class ItemScan;
struct HeldItems;

// Whether graphs made with these are alike.
bool SameGraph(const IndexOptions& a, const IndexOptions& b);

class Index {
 public:
  // `folder`: where full vectors lie, mapped; none: in memory. `threads`: for one batch's links.
  static Result<std::unique_ptr<Index>> Make(const IndexOptions& options, std::optional<std::filesystem::path> folder,
                                             unsigned threads);

  // An index as a segment has it. kInternal saying what is wrong with it. It can be searched at once; its large
  // sections are verified by Verify, which Apply, Scan and Maintain wait for.
  static Result<std::unique_ptr<Index>> Adopt(const OpenSegment& segment, std::optional<std::filesystem::path> folder,
                                              unsigned threads, std::string text_field);

  // kInternal saying what is wrong with the segment. Nothing to do after the first time.
  Status Verify() LH_EXCLUDES(verify_mutex_);
  // What Verify found, without looking: searches fail with it.
  Status CheckUndamaged() const LH_EXCLUDES(verify_mutex_);

  // The index as it stands, kept from reuse while the object lives.
  struct Pinned {
    explicit Pinned(SessionPool& pool) : session(pool) {}
    SessionPool::Session session;
    IndexCapture capture;
  };
  // REQUIRES: not beside Apply or Maintain.
  std::unique_ptr<Pinned> Capture(LogPosition log);

  // Each batch is the next version; all of them are seen at once. One caller at a time gets through.
  // REQUIRES: no id stands in two batches.
  Result<std::vector<Applied>> Apply(std::span<const Batch* const> batches) LH_EXCLUDES(apply_mutex_);
  Result<Applied> Apply(const Batch& batch) LH_EXCLUDES(apply_mutex_);
  // kInvalid for a vector that is not the index's; kConflict when min_version has not come yet; kInternal when damaged.
  Result<SearchAnswer> Search(const RequestContext& context, const SearchRequest& request);
  std::optional<StoredItem> Get(std::string_view id);

  // Every live item as of one version; see vector/item_scan.h.
  Result<std::unique_ptr<ItemScan>> Scan(ItemColumns columns) LH_EXCLUDES(apply_mutex_);

  // Background work, when there is any worth doing: takes dead nodes out. Nothing while another is at it.
  void Maintain() LH_EXCLUDES(turn_mutex_);
  // Makes the graph anew with the quantization, m and ef_construction of `wanted` while searches and batches go on;
  // both graphs are in memory meanwhile. Then asks `decide`, and unless that fails, the new one takes the place of the
  // old.
  Status Rebuild(const RequestContext& context, const IndexOptions& wanted, const std::function<Status()>& decide)
      LH_EXCLUDES(turn_mutex_, apply_mutex_);
  // After Adopt: the graph into memory of large pages, piece by piece. Called by Maintain.
  void Thaw() LH_EXCLUDES(apply_mutex_);

  // Those of the graph that serves, or of the one that will be made.
  IndexOptions options() const LH_EXCLUDES(graph_mutex_);
  size_t length() const { return items_->live(); }
  IndexVersion version() const { return IndexVersion(version_.load(std::memory_order_acquire)); }
  uint64_t bytes() const;
  size_t dead() const;
  // What the log says the version is; for recovery, before anybody else sees the index.
  void SetVersion(IndexVersion version) { version_.store(version.value); }

 private:
  // A graph on its way, and whether it is still wanted.
  struct NextGraph {
    std::shared_ptr<Graph> graph;
    std::atomic<bool> given_up{false};
  };
  // One at a time looks after the graph or makes it anew.
  class Turn {
   public:
    Turn(Index& index, bool wait);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    bool mine() const { return mine_; }

   private:
    Index& index_;
    bool mine_ = false;
  };

  Index(const IndexOptions& options, unsigned threads) : options_(options), threads_(threads), made_with_(options) {}

  void TakeLive(HeldItems& held) const;
  std::shared_ptr<Graph> graph() const LH_EXCLUDES(graph_mutex_);
  void SetGraph(std::shared_ptr<Graph> graph) LH_EXCLUDES(graph_mutex_);
  Status FillSlots(const Batch& batch, std::span<const Slot> slots, ItemTable::Change& change, Applied& applied);
  Status LinkSlots(Graph& graph, std::span<const Slot> slots, const std::atomic<bool>* given_up = nullptr);
  Result<std::shared_ptr<Graph>> EmptyGraph(const IndexOptions& options, std::span<const Slot> slots);
  Status LinkNext(const RequestContext& context, NextGraph& next, std::span<const Slot> slots);
  Status PutNext(const std::shared_ptr<NextGraph>& next, const IndexOptions& wanted) LH_EXCLUDES(apply_mutex_);
  void GiveUpNext() LH_REQUIRES(apply_mutex_);
  Result<std::shared_ptr<Graph>> BuildGraph(std::span<const Slot> slots);
  void Publish(const ItemTable::Change& change);
  void AfterPublish(const ItemTable::Change& change) LH_REQUIRES(apply_mutex_);
  void DropGraph(const Graph& held) LH_REQUIRES(apply_mutex_);
  void FreeGone() LH_REQUIRES(apply_mutex_);
  const float* Normalised(Slot slot, std::vector<float>& room) const;

  void AddText(Slot slot);
  std::shared_ptr<const SlotSet> Allowed(const SearchRequest& request);
  Status CollectHybrid(const RequestContext& context, const SearchRequest& request, const float* query,
                       SearchScratch& scratch, std::vector<Candidate>& out, std::vector<TextHit>& ranked);
  Status CheckQuery(const SearchRequest& request) const;
  float Distance(const float* query, Slot slot) const;
  size_t EfFor(const SearchRequest& request, const Graph& graph);
  bool CollectExact(const RequestContext& context, const float* query, const SlotSet* allowed, size_t k,
                    std::vector<Candidate>& out) const;
  void CollectFromGraph(const Graph& graph, const float* query, const SearchRequest& request, const SlotSet* allowed,
                        SearchScratch& scratch, std::vector<Candidate>& out);
  enum class Way { kExact, kCodes, kWalk };
  Way Choose(const SearchRequest& request, bool has_graph, size_t live, size_t matching) const;
  void CollectByCodes(const Graph& graph, const float* query, size_t k, const SlotSet& allowed, SearchScratch& scratch,
                      std::vector<Candidate>& out) const;
  Status Collect(const RequestContext& context, const SearchRequest& request, const float* query,
                 SearchScratch& scratch, std::vector<Candidate>& out);
  void KeepNearest(const float* query, size_t rerank, std::vector<Candidate>& candidates) const;
  Hit MakeHit(const Candidate& candidate, const SearchRequest& request) const;

  const IndexOptions options_;  // dimension, metric and text_field hold for good; of the rest see made_with_
  const unsigned threads_;
  SessionPool sessions_;
  std::unique_ptr<ItemTable> items_;
  FieldIndexes fields_;
  std::unique_ptr<TextIndex> text_;  // none without a text_field
  std::atomic<uint64_t> version_{0};

  mutable Mutex verify_mutex_;  // taken before all others
  std::optional<OpenSegment> unverified_ LH_GUARDED_BY(verify_mutex_);
  Status verdict_ LH_GUARDED_BY(verify_mutex_);
  std::atomic<bool> is_verified_{true}, is_damaged_{false};

  Mutex turn_mutex_;
  CondVar turn_over_;
  bool looked_after_ LH_GUARDED_BY(turn_mutex_) = false;
  Mutex apply_mutex_;  // taken before graph_mutex_
  // Slots without a node that sessions may still see; those that are only waiting for the sessions before the mark.
  std::vector<Slot> gone_ LH_GUARDED_BY(apply_mutex_), leaving_ LH_GUARDED_BY(apply_mutex_);
  uint64_t leaving_mark_ LH_GUARDED_BY(apply_mutex_) = 0;
  std::shared_ptr<NextGraph> next_ LH_GUARDED_BY(apply_mutex_);

  mutable Mutex graph_mutex_;
  std::shared_ptr<Graph> graph_ LH_GUARDED_BY(graph_mutex_);
  IndexOptions made_with_ LH_GUARDED_BY(graph_mutex_);

  Mutex calibration_mutex_;
  size_t calibrated_at_ LH_GUARDED_BY(calibration_mutex_) = 0;                            // length then
  std::vector<std::pair<size_t, double>> calibration_ LH_GUARDED_BY(calibration_mutex_);  // ef, recall@10
};

}  // namespace lakehouse::vector
