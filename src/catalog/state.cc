#include "catalog/state.h"

#include <algorithm>

#include "base/hash.h"
#include "base/uuid.h"

namespace lakehouse::catalog {

std::string FoldName(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 32);
  }
  return folded;
}

VersionPtr DatasetState::At(Seq seq) const {
  const auto above =
      std::ranges::upper_bound(versions, seq, {}, [](const VersionPtr& version) { return version->seq; });
  return above == versions.begin() ? nullptr : *std::prev(above);
}

VersionPtr DatasetState::Find(DatasetVersion version) const {
  const auto found =
      std::ranges::lower_bound(versions, version, {}, [](const VersionPtr& item) { return item->version; });
  return found == versions.end() || (*found)->version != version || (*found)->is_drop ? nullptr : *found;
}

VersionPtr DatasetState::Current() const {
  return versions.empty() || versions.back()->is_drop ? nullptr : versions.back();
}

LakeState::LakeState() : released_(std::make_shared<const std::map<std::string, WallTime>>()) {
  shards_.fill(std::make_shared<const Shard>());
}

DatasetPtr LakeState::Find(std::string_view name) const {
  const std::string folded = FoldName(name);
  const Shard& shard = *shards_[Xxh3(folded) % kShards];
  const auto found = shard.find(folded);
  return found == shard.end() ? nullptr : found->second;
}

std::vector<DatasetPtr> LakeState::DatasetsAfter(std::string_view after) const {
  std::vector<std::pair<std::string_view, DatasetPtr>> found;
  for (const auto& shard : shards_) {
    for (auto at = shard->upper_bound(after); at != shard->end(); ++at) found.emplace_back(at->first, at->second);
  }
  std::ranges::sort(found, {}, [](const auto& item) { return item.first; });
  std::vector<DatasetPtr> datasets;
  datasets.reserve(found.size());
  for (auto& [name, dataset] : found) datasets.push_back(std::move(dataset));
  return datasets;
}

void LakeState::Put(DatasetState dataset) {
  const std::string folded = FoldName(dataset.name);
  auto& slot = shards_[Xxh3(folded) % kShards];
  auto shard = std::make_shared<Shard>(*slot);
  (*shard)[folded] = std::make_shared<const DatasetState>(std::move(dataset));
  slot = std::move(shard);
}

Result<LakeState> LakeState::Apply(const LogEntry& entry, Seq seq) const {
  LakeState next = Advanced(seq);
  next.last_commit_at_ = std::max(last_commit_at_, entry.committed_at);
  switch (entry.kind) {
    case LogEntry::Kind::kReplace:
    case LogEntry::Kind::kAppend:
      LH_TRY(next.ApplyVersion(entry, seq));
      break;
    case LogEntry::Kind::kDrop:
      LH_TRY(next.ApplyDrop(entry, seq));
      break;
    case LogEntry::Kind::kPin:
    case LogEntry::Kind::kUnpin:
      LH_TRY(next.ApplyPin(entry));
      break;
    case LogEntry::Kind::kExpire:
      LH_TRY(next.ApplyExpire(entry));
      break;
    case LogEntry::Kind::kPurge:
      next.ApplyPurge(entry);
      break;
  }
  return next;
}

LakeState LakeState::Advanced(Seq seq) const {
  LakeState next = *this;
  next.seq_ = std::max(seq_, seq);
  return next;
}

Status LakeState::ApplyVersion(const LogEntry& entry, Seq seq) {
  const DatasetPtr before = Find(entry.name);
  DatasetState dataset = before == nullptr ? DatasetState{} : *before;
  if (before == nullptr) dataset.name = entry.name;
  const VersionPtr current = dataset.Current();
  if (current != nullptr && current->generation->fingerprint != entry.fingerprint) {
    Error error{ErrorKind::kConflict,
                fmt::format("dataset \"{}\" has the schema fingerprint {}, not {}: drop it first, or use another name",
                            dataset.name, current->generation->fingerprint, entry.fingerprint),
                std::nullopt,
                {}};
    return Fail(std::move(error)
                    .With("existing_fingerprint", current->generation->fingerprint)
                    .With("fingerprint", entry.fingerprint));
  }
  if (current == nullptr) {
    dataset.dataset_id = DatasetUuid(dataset.name);
    dataset.created_at = entry.committed_at;
  }
  auto generation = std::make_shared<Generation>();
  const bool appends = entry.kind == LogEntry::Kind::kAppend && current != nullptr;
  if (appends) {
    *generation = *current->generation;
  } else {
    *generation = Generation{
        current == nullptr ? entry.table_uuid : current->generation->table_uuid, entry.fingerprint, entry.schema, {}};
  }
  if (!entry.objects.empty())
    generation->chunks.push_back(std::make_shared<const Chunk>(Chunk{entry.objects, entry.source_sha256}));
  VersionState version;
  version.version = DatasetVersion(dataset.last_version.value + 1);
  if (entry.version.value != 0 && entry.version != version.version) {
    return Fail(ErrorKind::kConflict, "dataset \"{}\" is at version {}, so version {} cannot follow", dataset.name,
                dataset.last_version.value, entry.version.value);
  }
  version.seq = seq;
  version.mode = entry.kind == LogEntry::Kind::kAppend ? WriteMode::kAppend : WriteMode::kReplace;
  version.row_count = entry.row_count + (appends ? current->row_count : 0);
  if (version.row_count > static_cast<uint64_t>(INT64_MAX))
    return Fail(ErrorKind::kInvalid, "the dataset's row count would pass 2^63");
  version.chunk_count = generation->chunks.size();
  version.committed_at = entry.committed_at;
  version.commit_id = entry.commit_id;
  version.source_sha256 = entry.source_sha256;
  version.generation = std::move(generation);
  dataset.last_version = version.version;
  dataset.versions.push_back(std::make_shared<const VersionState>(std::move(version)));
  Put(std::move(dataset));
  Rescue(entry.objects);
  return {};
}

Status LakeState::ApplyDrop(const LogEntry& entry, Seq seq) {
  const DatasetPtr before = Find(entry.name);
  const VersionPtr current = before == nullptr ? nullptr : before->Current();
  if (current == nullptr) return Fail(ErrorKind::kNotFound, "no dataset is named \"{}\"", entry.name);
  DatasetState dataset = *before;
  VersionState drop;
  drop.version = dataset.last_version;
  drop.seq = seq;
  drop.is_drop = true;
  drop.committed_at = entry.committed_at;
  drop.commit_id = entry.commit_id;
  drop.generation = current->generation;
  dataset.versions.push_back(std::make_shared<const VersionState>(std::move(drop)));
  Put(std::move(dataset));
  return {};
}

Status LakeState::ApplyPin(const LogEntry& entry) {
  const DatasetPtr before = Find(entry.name);
  if (before == nullptr) return Fail(ErrorKind::kNotFound, "no dataset is named \"{}\"", entry.name);
  const VersionPtr found = before->Find(entry.version);
  if (found == nullptr)
    return Fail(ErrorKind::kNotFound, "dataset \"{}\" keeps no version {}", before->name, entry.version.value);
  DatasetState dataset = *before;
  auto pinned = std::make_shared<VersionState>(*found);
  pinned->pinned = entry.kind == LogEntry::Kind::kPin;
  std::ranges::replace(dataset.versions, found, VersionPtr(std::move(pinned)));
  Put(std::move(dataset));
  return {};
}

Status LakeState::ApplyExpire(const LogEntry& entry) {
  for (const auto& [name, version] : entry.versions) {
    const DatasetPtr before = Find(name);
    const VersionPtr found = before == nullptr ? nullptr : before->Find(version);
    // Another catalogd may have let it go, or pinned it, in between.
    if (found == nullptr || found->pinned || found == before->Current()) continue;
    DatasetState dataset = *before;
    const auto at = std::ranges::find(dataset.versions, found);
    const auto next = dataset.versions.erase(at);
    if (next != dataset.versions.end()) history_floor_ = std::max(history_floor_, (*next)->seq);
    // A drop needs to be known only while something stands before it.
    if (next == dataset.versions.begin() && next != dataset.versions.end() && (*next)->is_drop &&
        dataset.versions.size() > 1) {
      dataset.versions.erase(next);
    }
    Put(std::move(dataset));
  }
  auto released = std::make_shared<std::map<std::string, WallTime>>(*released_);
  for (const std::string& key : entry.keys) released->emplace(key, entry.committed_at);
  released_ = std::move(released);
  return {};
}

void LakeState::ApplyPurge(const LogEntry& entry) {
  auto released = std::make_shared<std::map<std::string, WallTime>>(*released_);
  for (const std::string& key : entry.keys) released->erase(key);
  released_ = std::move(released);
}

void LakeState::Rescue(const std::vector<DataObject>& objects) {
  if (released_->empty()) return;
  const bool any =
      std::ranges::any_of(objects, [this](const DataObject& object) { return released_->contains(object.key); });
  if (!any) return;
  auto released = std::make_shared<std::map<std::string, WallTime>>(*released_);
  for (const DataObject& object : objects) released->erase(object.key);
  released_ = std::move(released);
}

LakeState LakeState::Restore(Seq seq, Seq history_floor, WallTime last_commit_at, std::vector<DatasetState> datasets,
                             std::map<std::string, WallTime> released) {
  LakeState state;
  state.seq_ = seq;
  state.history_floor_ = history_floor;
  state.last_commit_at_ = last_commit_at;
  state.released_ = std::make_shared<const std::map<std::string, WallTime>>(std::move(released));
  std::array<Shard, kShards> shards;
  for (DatasetState& dataset : datasets) {
    std::string folded = FoldName(dataset.name);
    Shard& shard = shards[Xxh3(folded) % kShards];
    shard[std::move(folded)] = std::make_shared<const DatasetState>(std::move(dataset));
  }
  for (size_t i = 0; i < kShards; ++i) state.shards_[i] = std::make_shared<const Shard>(std::move(shards[i]));
  return state;
}

Manifest ToManifest(const DatasetState& dataset, const VersionState& version) {
  Manifest manifest;
  manifest.dataset_id = dataset.dataset_id;
  manifest.name = dataset.name;
  manifest.schema_fingerprint = version.generation->fingerprint;
  manifest.schema = version.generation->schema;
  manifest.version = version.version;
  manifest.seq = version.seq;
  manifest.row_count = version.row_count;
  for (size_t i = 0; i < version.chunk_count; ++i) {
    const auto& chunk = version.generation->chunks[i]->objects;
    manifest.objects.insert(manifest.objects.end(), chunk.begin(), chunk.end());
  }
  manifest.created_at = dataset.created_at;
  manifest.updated_at = version.committed_at;
  return manifest;
}

Snapshot ToSnapshot(const VersionState& version) {
  return Snapshot{version.version, version.seq,           version.row_count, version.committed_at,
                  version.mode,    version.source_sha256, version.pinned};
}

}  // namespace lakehouse::catalog
