#include "catalog/garbage.h"

#include <algorithm>

namespace lakehouse::catalog {
namespace {

constexpr std::string_view kDataPrefix = "datasets/";

}  // namespace

std::unordered_set<std::string> ReferencedKeys(const LakeState& state) {
  std::unordered_set<std::string> keys;
  for (const DatasetPtr& dataset : state.DatasetsAfter("")) {
    std::unordered_set<const Chunk*> seen;
    dataset->versions().VisitFromBack([&](const VersionPtr& version) {
      version->chunks.VisitFromBack([&](const ChunkPtr& chunk) {
        // What stands before a chunk is always the same.
        if (!seen.insert(chunk.get()).second) return false;
        for (const DataObject& object : chunk->objects) keys.insert(object.key);
        return true;
      });
      return true;
    });
  }
  return keys;
}

// A version is kept while it is among the newest keep_versions, or was current within keep_age, or is pinned or
// current. Of a dropped dataset age alone counts: whoever drops wants the space back some day.
GarbageCollector::Versions GarbageCollector::ToExpire(const LakeState& state) const {
  const WallTime oldest = clock_.Now() - retention_.keep_age;
  Versions expired;
  for (const DatasetPtr& dataset : state.DatasetsAfter("")) {
    const bool dropped = dataset->Current() == nullptr;
    uint64_t newer = 0;
    WallTime superseded_at = WallTime::max();
    dataset->versions().VisitFromBack([&](const VersionPtr& version) {
      if (!version->is_drop) {
        const bool by_count = !dropped && newer < retention_.keep_versions;
        const bool by_age = superseded_at > oldest;
        if (!by_count && !by_age && !version->pinned) expired.emplace_back(dataset->name, version->version);
        ++newer;
      }
      superseded_at = version->committed_at;
      return true;
    });
  }
  return expired;
}

Status GarbageCollector::Expire(const RequestContext& context) {
  LH_TRY(committer_.Commit(context, [this](const LakeState& state) -> Result<std::optional<LogEntry>> {
    LogEntry entry;
    entry.kind = LogEntry::Kind::kExpire;
    entry.versions = ToExpire(state);
    if (entry.versions.empty()) return std::nullopt;
    LH_ASSIGN(const LakeState after, state.Apply(entry, state.seq().Next()));
    const auto kept = ReferencedKeys(after);
    for (const std::string& key : ReferencedKeys(state)) {
      if (!kept.contains(key)) entry.keys.push_back(key);
    }
    std::ranges::sort(entry.keys);
    return entry;
  }));
  return {};
}

Result<GcReport> GarbageCollector::FindGarbage(const RequestContext& context, const LakeState& state,
                                               std::chrono::seconds min_age) {
  const auto referenced = ReferencedKeys(state);
  LH_ASSIGN(const WallTime store_now, store_.Now(context));
  const WallTime released_before = clock_.Now() - min_age;
  GcReport report;
  using object::Listing;
  const auto judge = [&](const object::ObjectInfo& info) -> Result<Listing> {
    if (referenced.contains(info.key) || info.last_modified > store_now - min_age) return Listing::kGoOn;
    const auto released = state.released().find(info.key);
    const bool was_named = released != state.released().end();
    if (was_named && released->second > released_before) return Listing::kGoOn;
    report.removed.push_back(
        {info.key, info.size, was_named ? "only expired versions named it" : "no version names it"});
    report.bytes += info.size;
    return Listing::kGoOn;
  };
  LH_TRY(object::ForEachObject(store_, context, {.prefix = std::string(kDataPrefix)}, judge));
  return report;
}

Result<GcReport> GarbageCollector::Run(const RequestContext& context, const GcRequest& request) {
  if (!request.dry_run) LH_TRY(Expire(context));
  LH_ASSIGN(const auto state, committer_.Fresh(context));
  LH_ASSIGN(GcReport report, FindGarbage(context, *state, request.min_age));
  if (request.dry_run || report.removed.empty()) return report;
  std::unordered_set<std::string> purged;
  LH_TRY(committer_.Commit(context, [&](const LakeState& now) -> Result<std::optional<LogEntry>> {
    // What was registered since is not garbage any more.
    const auto referenced = ReferencedKeys(now);
    LogEntry entry;
    entry.kind = LogEntry::Kind::kPurge;
    for (const GcRemoval& removal : report.removed) {
      // Another catalogd's run may be removing it by now; one that was purged before this run began was left over.
      const bool others = now.purged().contains(removal.key) && !state->purged().contains(removal.key);
      if (!others && !referenced.contains(removal.key)) entry.keys.push_back(removal.key);
    }
    purged = {entry.keys.begin(), entry.keys.end()};
    if (entry.keys.empty()) return std::nullopt;
    return entry;
  }));
  std::erase_if(report.removed, [&](const GcRemoval& removal) { return !purged.contains(removal.key); });
  report.bytes = 0;
  for (const GcRemoval& removal : report.removed) {
    LH_TRY(context.Check("garbage collection"));
    LH_TRY(store_.Delete(context, removal.key));
    report.bytes += removal.size;
  }
  return report;
}

}  // namespace lakehouse::catalog
