#include "vector/durable_index.h"

#include <algorithm>
#include <new>
#include <unordered_set>

namespace lakehouse::vector {
namespace {

// Log objects stay of a size that recovery and any store take easily, unless one batch alone is larger.
constexpr size_t kGroupBytes = size_t{64} << 20;

size_t BytesOf(const Batch& batch) {
  size_t bytes = batch.vectors.size() * sizeof(float);
  for (const std::string& id : batch.ids) bytes += id.size();
  for (const auto& metadata : batch.metadata) bytes += metadata ? metadata->size() : 0;
  for (const std::string& id : batch.removed) bytes += id.size();
  return bytes;
}

std::string LogPrefix(const std::string& uid) { return "vectors/" + uid + "/log/"; }
std::string SnapshotPrefix(const std::string& uid) { return "vectors/" + uid + "/snapshot/"; }

}  // namespace

DurableIndex::DurableIndex(const VectorEnvironment& environment, IndexDefinition definition)
    : environment_(environment),
      uid_(definition.uid),
      name_(definition.name),
      definition_(std::move(definition)),
      log_(environment.store, LogPrefix(uid_), environment.writer, definition_.options.dimension),
      snapshots_(environment.store, SnapshotPrefix(uid_)) {}

DurableIndex::~DurableIndex() = default;

Result<std::shared_ptr<DurableIndex>> DurableIndex::Open(const RequestContext& context,
                                                         const VectorEnvironment& environment,
                                                         IndexDefinition definition) {
  std::shared_ptr<DurableIndex> opened(new DurableIndex(environment, std::move(definition)));
  LH_ASSIGN(opened->index_, Index::Make(opened->definition().options, environment.cache_folder, environment.threads));
  LogPosition covered;
  LH_TRY(opened->OpenSnapshot(context, covered));
  LH_TRY(opened->log_.Claim(context, covered, [&](const LogRecord& record) { return opened->Replay(record); }));
  return opened;
}

Status DurableIndex::Replay(const LogRecord& record) {
  if (record.kind != LogKind::kBatches) return {};
  if (record.version_before != index_->version().value) {
    return Fail(ErrorKind::kInternal, "vector log object {} follows version {}, but the index is at version {}",
                LogName(record.position), record.version_before, index_->version().value);
  }
  std::vector<const Batch*> batches;
  for (const Batch& batch : record.batches) {
    batches.push_back(&batch);
    items_since_snapshot_.fetch_add(batch.ids.size() + batch.removed.size());
  }
  if (auto applied = index_->Apply(batches); !applied) return Fail(std::move(applied).error());
  return {};
}

// From the front: batches that touch different items and fit one object. Without memory for it all that wait are told
// so, and the group is empty: nobody may be left waiting for a turn that never ends.
DurableIndex::Group DurableIndex::TakeGroup() {
  try {
    Group group;
    std::unordered_set<std::string_view> touched;
    size_t bytes = 0;
    for (Waiting* waiting : waiting_) {
      const Batch& batch = *waiting->batch;
      bytes += BytesOf(batch);
      if (!group.members.empty() && bytes > kGroupBytes) break;
      const auto again = [&](const std::string& id) { return touched.contains(id); };
      if (std::ranges::any_of(batch.ids, again) || std::ranges::any_of(batch.removed, again)) break;
      touched.insert(batch.ids.begin(), batch.ids.end());
      touched.insert(batch.removed.begin(), batch.removed.end());
      group.members.push_back(waiting);
      group.batches.push_back(&batch);
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(group.members.size()));
    return group;
  } catch (const std::bad_alloc&) {
    for (Waiting* waiting : waiting_) waiting->result = Fail(ErrorKind::kExhausted, "out of memory");
    waiting_.clear();
    return {};
  }
}

Result<std::vector<Applied>> DurableIndex::WriteGroup(const RequestContext& context,
                                                      const std::vector<const Batch*>& batches) {
  if (retired_.stop_requested()) return Fail(ErrorKind::kNotFound, "the vector index \"{}\" was dropped", name_);
  if (log_.uncertain()) {
    LH_TRY(log_.Settle(context, [this](const LogRecord& record) { return Replay(record); }));
  }
  LH_TRY(index_->Verify());
  LH_TRY(log_.Append(context, index_->version().value, batches));
  auto applied = index_->Apply(batches);
  // What is in the log will be applied, now or before the next batch: memory may never fall behind it.
  if (!applied) log_.Reread();
  for (const Batch* batch : batches) items_since_snapshot_.fetch_add(batch->ids.size() + batch->removed.size());
  return applied;
}

Result<std::vector<Applied>> DurableIndex::WriteGroupOrBreak(const RequestContext& context,
                                                             const std::vector<const Batch*>& batches) {
  if (!broken_) {
    try {
      return WriteGroup(context, batches);
    } catch (const std::exception& thrown) {
      // No memory or no thread, perhaps half way through a batch that the log has: memory is of no version then.
      broken_ = true;
      environment_.log.Error("a vector index stops writing until vectord is restarted",
                             {{"index", name_}, {"error", thrown.what()}});
    }
  }
  return Fail(
      ErrorKind::kInternal,
      "the vector index \"{}\" takes no more items: memory or threads ran out while it was changed. Nothing that "
      "was acknowledged is lost; restart vectord, which reads the index again",
      name_);
}

Result<Applied> DurableIndex::Commit(const RequestContext& context, const Batch& batch) {
  Waiting mine{&batch, std::nullopt};
  const MutexLock lock(mutex_);
  waiting_.push_back(&mine);
  while (!mine.result && writing_) turn_.Wait(mutex_);
  if (mine.result) return *std::move(mine.result);
  writing_ = true;
  // Whoever writes does so for all that came meanwhile, until its own batch is done.
  while (!mine.result) {
    const Group group = TakeGroup();
    if (group.members.empty()) break;
    // The group's work must not end with its first member's patience.
    RequestContext own = context;
    own.internal = true;
    own.cancelled = {};
    own.deadline = Deadline::After(std::chrono::minutes(2));
    mutex_.unlock();
    auto applied = WriteGroupOrBreak(own, group.batches);
    mutex_.lock();
    for (size_t i = 0; i < group.members.size(); ++i) {
      group.members[i]->result =
          applied ? Result<Applied>((*applied)[i]) : Result<Applied>(std::unexpected(applied.error()));
    }
    turn_.NotifyAll();
  }
  writing_ = false;
  turn_.NotifyAll();
  return *std::move(mine.result);
}

void DurableIndex::Retire() {
  retired_.request_stop();
  {
    const MutexLock lock(mutex_);
    while (writing_) turn_.Wait(mutex_);
  }
  const MutexLock lock(snapshot_mutex_);
}

}  // namespace lakehouse::vector
