// One index that survives: every batch is in the log before it is applied, and opening it reads the log again.
//
// Batches that come together are committed together, in one log object (group commit): the first caller writes for all
// that wait. Thread-safe. REQUIRES: the environment's members outlive the index.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "base/request_context.h"
#include "object/object_store.h"
#include "vector/index.h"
#include "vector/index_definition.h"
#include "vector/index_log.h"
#include "vector/snapshot_store.h"

namespace lakehouse::vector {

struct VectorEnvironment {
  object::ObjectStore& store;
  const Logger& log;
  std::optional<std::filesystem::path> cache_folder;  // full vectors and segments; none: memory alone
  unsigned threads = 1;
  std::string writer;                    // UUID of this process
  uint64_t memory_limit = ~uint64_t{0};  // of all indexes together; see IndexSet
};

class DurableIndex {
 public:
  // Reads what is stored and becomes the owner.
  static Result<std::shared_ptr<DurableIndex>> Open(const RequestContext& context, const VectorEnvironment& environment,
                                                    IndexDefinition definition);
  ~DurableIndex();

  // Durable and visible when it returns. REQUIRES: checked (vector/batch.h). kConflict when another vectord took the
  // index over; kInvalid and kExhausted as Index::Apply says.
  Result<Applied> Commit(const RequestContext& context, const Batch& batch) LH_EXCLUDES(mutex_);
  // Background work: repairs, and a snapshot when enough has come since the last one or nothing comes any more. Called
  // now and then by one thread.
  void Maintain(const RequestContext& context) LH_EXCLUDES(mutex_);

  // Makes the graph anew as `wanted` says while searches and batches go on. The definition is durable before the new
  // graph serves, and a snapshot follows; an index that stops in between makes the graph again when it is opened.
  // kConflict when it is being rebuilt, or another vectord took the index over; kExhausted without memory for it.
  Status Rebuild(const RequestContext& context, const IndexOptions& wanted) LH_EXCLUDES(mutex_, definition_mutex_);

  // For an index that is dropped: no batch and no snapshot is stored after this. Ends those under way and waits for
  // them.
  void Retire() LH_EXCLUDES(mutex_, snapshot_mutex_);
  // What of a dropped index lies in the cache folder.
  void RemoveSegments() const { RemoveOtherSegments({}); }

  Index& index() { return *index_; }
  IndexDefinition definition() const LH_EXCLUDES(definition_mutex_) {
    const MutexLock lock(definition_mutex_);
    return definition_;
  }

 private:
  struct Waiting {
    const Batch* batch;
    std::optional<Result<Applied>> result;
  };

  DurableIndex(const VectorEnvironment& environment, IndexDefinition definition);
  struct Group {
    std::vector<Waiting*> members;
    std::vector<const Batch*> batches;
  };
  Group TakeGroup() LH_REQUIRES(mutex_);
  Result<std::vector<Applied>> WriteGroup(const RequestContext& context, const std::vector<const Batch*>& batches);
  Result<std::vector<Applied>> WriteGroupOrBreak(const RequestContext& context,
                                                 const std::vector<const Batch*>& batches);
  Status Replay(const LogRecord& record);
  Status OpenSnapshot(const RequestContext& context, LogPosition& covered);
  Status OpenSegmentOf(const RequestContext& context, const SnapshotManifest& manifest);
  Status RebuildFrom(const RequestContext& context, const SnapshotManifest& manifest);
  std::unique_ptr<Index::Pinned> CaptureBetweenGroups() LH_EXCLUDES(mutex_);
  Status TakeSnapshot(const RequestContext& context) LH_EXCLUDES(mutex_, snapshot_mutex_);
  bool WantsSnapshot();
  void RebuildAsDefined();
  bool IsLost() LH_EXCLUDES(mutex_);
  std::filesystem::path SegmentPath(const std::string& name) const;
  void RemoveOtherSegments(const std::string& name) const;

  const VectorEnvironment& environment_;
  const std::string uid_, name_;
  mutable Mutex definition_mutex_;
  IndexDefinition definition_ LH_GUARDED_BY(definition_mutex_);
  std::unique_ptr<Index> index_;
  std::stop_source retired_;
  Mutex snapshot_mutex_;  // held while one is taken; taken before mutex_
  Mutex mutex_;
  CondVar turn_;
  std::vector<Waiting*> waiting_ LH_GUARDED_BY(mutex_);
  bool writing_ LH_GUARDED_BY(mutex_) = false;  // whoever set it owns log_
  IndexLog log_;
  bool broken_ = false;  // likewise; memory may be half way between two versions
  SnapshotStore snapshots_;
  std::atomic<uint64_t> items_since_snapshot_{0};
  // Of the caretaker's thread alone.
  uint64_t items_last_seen_ = 0;
  MonotonicTime quiet_since_{}, no_snapshot_before_{}, no_rebuild_before_{};

  std::atomic<bool> rebuilding_{false}, graph_is_new_{false};
  std::jthread rebuilder_;  // the last member: it stops before anything it uses ends
};

}  // namespace lakehouse::vector
