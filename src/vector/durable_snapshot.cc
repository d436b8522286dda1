// Snapshots of a durable index: when one is taken, and how one is opened.
#include "base/uuid.h"
#include "vector/durable_index.h"
#include "vector/items_parquet.h"

namespace lakehouse::vector {
namespace {

// A snapshot is taken when this many items came since the last one and they are an eighth of the index, or when none
// came for a while.
constexpr uint64_t kItemsForSnapshot = 20'000;
constexpr std::chrono::seconds kQuiet{10};
constexpr std::chrono::seconds kSnapshotAfterFailure{60};

}  // namespace

std::filesystem::path DurableIndex::SegmentPath(const std::string& name) const {
  return *environment_.cache_folder / (uid_ + "-" + name + ".segment");
}

void DurableIndex::RemoveOtherSegments(const std::string& name) const {
  if (!environment_.cache_folder) return;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(*environment_.cache_folder, ignored)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with(uid_) && entry.path() != SegmentPath(name)) {
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

Status DurableIndex::OpenSegmentOf(const RequestContext& context, const SnapshotManifest& manifest) {
  const std::filesystem::path path = SegmentPath(manifest.name);
  // The copy at hand first; one that is missing or damaged comes from the store.
  for (const bool fetched : {false, true}) {
    if (fetched) LH_TRY(snapshots_.Fetch(context, manifest, path));
    auto segment = MapSegment(path, environment_.threads);
    if (segment) {
      const SegmentHeader& header = segment->header;
      if (header.version != manifest.version || header.log != manifest.log ||
          header.options.dimension != definition().options.dimension) {
        return Fail(ErrorKind::kInternal, "the vector segment is of another snapshot");
      }
      auto index =
          Index::Adopt(*segment, environment_.cache_folder, environment_.threads, definition().options.text_field);
      // What came from the store is verified at once: if that is damaged too, only the Parquet copy helps.
      const Status verified = index && fetched ? (*index)->Verify() : Status();
      if (!verified) return verified;
      if (index) {
        index_ = *std::move(index);
        RemoveOtherSegments(manifest.name);
        return {};
      }
      segment = Fail(std::move(index).error());
    }
    if (fetched) return Fail(std::move(segment).error());
  }
  return {};
}

Status DurableIndex::RebuildFrom(const RequestContext& context, const SnapshotManifest& manifest) {
  LH_ASSIGN(index_, Index::Make(definition().options, environment_.cache_folder, environment_.threads));
  for (size_t i = 0; i < manifest.items.size(); ++i) {
    LH_ASSIGN(const std::string bytes, snapshots_.ReadItems(context, manifest, i));
    LH_ASSIGN(const Batch batch, DecodeItems(definition().options, bytes));
    if (auto applied = index_->Apply(batch); !applied) return Fail(std::move(applied).error());
  }
  index_->SetVersion(IndexVersion(manifest.version));
  return {};
}

Status DurableIndex::OpenSnapshot(const RequestContext& context, LogPosition& covered) {
  LH_ASSIGN(const auto manifest, snapshots_.Newest(context));
  if (!manifest) {
    LH_ASSIGN(index_, Index::Make(definition().options, environment_.cache_folder, environment_.threads));
    return {};
  }
  covered = manifest->log;
  if (environment_.cache_folder) {
    const Status opened = OpenSegmentOf(context, *manifest);
    if (opened || (opened.error().kind != ErrorKind::kInternal && opened.error().kind != ErrorKind::kNotFound)) {
      return opened;
    }
    environment_.log.Error("a vector segment cannot be used; the index is made again from its Parquet copy",
                           {{"index", name_}, {"error", opened.error().detail}});
  }
  return RebuildFrom(context, *manifest);
}

std::unique_ptr<Index::Pinned> DurableIndex::CaptureBetweenGroups() {
  const MutexLock lock(mutex_);
  while (writing_) turn_.Wait(mutex_);
  // A log that is ahead of memory is read again first, by the next commit.
  if (broken_ || log_.uncertain() || log_.lost()) return nullptr;
  return index_->Capture(log_.last());
}

Status DurableIndex::TakeSnapshot(const RequestContext& asked) {
  const MutexLock lock(snapshot_mutex_);
  std::stop_source stop;
  const auto pass_on = [&stop] { stop.request_stop(); };
  const std::stop_callback when_asked(asked.cancelled, pass_on), when_retired(retired_.get_token(), pass_on);
  RequestContext context = asked;
  context.cancelled = stop.get_token();
  LH_TRY(context.Check("a snapshot"));
  const uint64_t items = items_since_snapshot_.load();
  auto pinned = CaptureBetweenGroups();
  if (pinned == nullptr) return {};
  const std::string name = fmt::format("{:020}-{}", pinned->capture.version, RandomUuid());
  LH_TRY(WriteSegment(pinned->capture, SegmentPath(name)));
  LH_ASSIGN(const auto manifest, snapshots_.Store(context, name, pinned->capture, SegmentPath(name)));
  if (SameGraph(pinned->capture.options, index_->options())) graph_is_new_ = false;
  pinned.reset();
  items_since_snapshot_.fetch_sub(items);
  RemoveOtherSegments(name);
  LH_TRY(snapshots_.DropOlder(context, manifest));
  return log_.Trim(context, manifest.log);
}

bool DurableIndex::WantsSnapshot() {
  const uint64_t items = items_since_snapshot_.load();
  const MonotonicTime now = std::chrono::steady_clock::now();
  if (items != items_last_seen_) quiet_since_ = now;
  items_last_seen_ = items;
  if (!environment_.cache_folder || now < no_snapshot_before_) return false;
  if (graph_is_new_) return true;
  if (items == 0) return false;
  return (items >= kItemsForSnapshot && items >= index_->length() / 8) || now - quiet_since_ >= kQuiet;
}

void DurableIndex::Maintain(const RequestContext& context) {
  index_->Maintain();
  RebuildAsDefined();
  if (!WantsSnapshot()) return;
  if (const Status taken = TakeSnapshot(context); !taken) {
    no_snapshot_before_ = std::chrono::steady_clock::now() + kSnapshotAfterFailure;
    if (!context.cancelled.stop_requested() && !retired_.stop_requested()) {
      environment_.log.Warn("no snapshot of a vector index was taken; its log is kept",
                            {{"index", name_}, {"reason", taken.error().detail}});
    }
  }
}

}  // namespace lakehouse::vector
