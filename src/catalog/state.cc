#include "catalog/state.h"

#include <algorithm>

#include "base/hash.h"
#include "base/uuid.h"

namespace lakehouse::catalog {
namespace {

// By the log's own time. Far above the time in which a commit may follow the upload of what it names.
constexpr std::chrono::hours kPurgedAreKnownFor{24 * 7};

std::shared_ptr<const Generation> NewGeneration(const LogEntry& entry, const VersionState* current) {
  const bool new_table = current == nullptr;
  return std::make_shared<const Generation>(Generation{new_table ? entry.table_uuid : current->generation->table_uuid,
                                                       new_table ? entry.committed_at : current->generation->created_at,
                                                       entry.fingerprint, entry.schema});
}

Error FingerprintConflict(std::string_view name, std::string_view existing, std::string_view given) {
  Error error{ErrorKind::kConflict,
              fmt::format("dataset \"{}\" has the schema fingerprint {}, not {}: drop it first, or use another name",
                          name, existing, given),
              std::nullopt,
              {}};
  return std::move(error).With("existing_fingerprint", existing).With("fingerprint", given);
}

}  // namespace

std::string FoldName(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 32);
  }
  return folded;
}

VersionPtr DatasetState::At(Seq seq) const {
  const auto kept = versions_.Without([seq](const VersionPtr& version) { return version->seq > seq; });
  return kept.empty() ? nullptr : kept.back();
}

VersionPtr DatasetState::Find(DatasetVersion number) const {
  // A drop carries the number of the version before it.
  const auto kept = versions_.Without([number](const VersionPtr& version) {
    return version->version > number || (version->is_drop && version->version == number);
  });
  return kept.empty() || kept.back()->version != number ? nullptr : kept.back();
}

VersionPtr DatasetState::Current() const {
  return versions_.empty() || versions_.back()->is_drop ? nullptr : versions_.back();
}

VersionPtr DatasetState::FindCommit(std::string_view commit_id) const {
  VersionPtr found;
  if (commit_id.empty()) return found;
  commits_.Any(Xxh3(commit_id), [&](uint64_t number) {
    VersionPtr version = Find(DatasetVersion(number));
    if (version != nullptr && version->commit_id == commit_id) found = std::move(version);
    return found != nullptr;
  });
  return found;
}

bool DatasetState::HasSource(std::string_view sha, WriteMode mode) const {
  const VersionPtr current = Current();
  if (sha.empty() || current == nullptr) return false;
  // Without a row there is no chunk to remember the source; the version itself does.
  if (current->chunks.empty()) return current->source_sha256 == sha;
  if (mode == WriteMode::kReplace && current->chunks.size() != 1) return false;
  return sources_.Any(Xxh3(sha), [&](uint64_t position) { return current->chunks.At(position)->source_sha256 == sha; });
}

void DatasetState::Add(VersionPtr version) {
  const VersionState* before = versions_.empty() ? nullptr : versions_.back().get();
  const bool goes_on = before != nullptr && !before->is_drop && before->generation == version->generation;
  if (!goes_on) sources_ = PersistentIndex();
  for (size_t i = goes_on ? before->chunks.size() : 0; i < version->chunks.size(); ++i) {
    const std::string& source = version->chunks.At(i)->source_sha256;
    if (!source.empty()) sources_.Add(Xxh3(source), i);
  }
  if (!version->is_drop) commits_.Add(Xxh3(version->commit_id), version->version.value);
  versions_ = versions_.Appended(std::move(version));
}

void DatasetState::Replace(const std::vector<VersionPtr>& versions) {
  versions_ = {};
  commits_ = {};
  sources_ = {};
  for (const VersionPtr& version : versions) Add(version);
}

LakeState::LakeState() : released_(std::make_shared<const KeyTimes>()), purged_(std::make_shared<const KeyTimes>()) {
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
  LakeState next = *this;
  LH_TRY(next.Replay(entry, seq));
  return next;
}

Status LakeState::Replay(const LogEntry& entry, Seq seq) {
  Advance(seq);
  last_commit_at_ = std::max(last_commit_at_, entry.committed_at);
  switch (entry.kind) {
    case LogEntry::Kind::kReplace:
    case LogEntry::Kind::kAppend:
      return ApplyVersion(entry, seq);
    case LogEntry::Kind::kDrop:
      return ApplyDrop(entry, seq);
    case LogEntry::Kind::kPin:
    case LogEntry::Kind::kUnpin:
      return ApplyPin(entry);
    case LogEntry::Kind::kExpire:
      return ApplyExpire(entry);
    case LogEntry::Kind::kPurge:
      ApplyPurge(entry);
      return {};
  }
  return {};
}

Status LakeState::CheckKeys(const LogEntry& entry) const {
  if (purged_->empty()) return {};
  for (const DataObject& object : entry.objects) {
    if (!purged_->contains(object.key)) continue;
    Error error{ErrorKind::kConflict,
                fmt::format("object \"{}\" has been removed by garbage collection, since no version named it for "
                            "longer than min_age: store the data again under another key",
                            object.key),
                std::nullopt,
                {}};
    return Fail(std::move(error).With("purged_key", object.key));
  }
  return {};
}

Status LakeState::ApplyVersion(const LogEntry& entry, Seq seq) {
  LH_TRY(CheckKeys(entry));
  const DatasetPtr before = Find(entry.name);
  DatasetState dataset = before == nullptr ? DatasetState{} : *before;
  if (before == nullptr) {
    dataset.name = entry.name;
    dataset.dataset_id = DatasetUuid(dataset.name);
  }
  const VersionPtr current = dataset.Current();
  if (current != nullptr && current->generation->fingerprint != entry.fingerprint)
    return Fail(FingerprintConflict(dataset.name, current->generation->fingerprint, entry.fingerprint));
  VersionState version;
  version.version = dataset.last_version.Next();
  if (entry.version.value != 0 && entry.version != version.version) {
    return Fail(ErrorKind::kConflict, "dataset \"{}\" is at version {}, so version {} cannot follow", dataset.name,
                dataset.last_version.value, entry.version.value);
  }
  const bool appends = entry.kind == LogEntry::Kind::kAppend && current != nullptr;
  version.seq = seq;
  version.mode = entry.kind == LogEntry::Kind::kAppend ? WriteMode::kAppend : WriteMode::kReplace;
  version.row_count = entry.row_count + (appends ? current->row_count : 0);
  if (version.row_count > static_cast<uint64_t>(INT64_MAX))
    return Fail(ErrorKind::kInvalid, "the dataset's row count would pass 2^63");
  version.committed_at = entry.committed_at;
  version.commit_id = entry.commit_id;
  version.source_sha256 = entry.source_sha256;
  version.generation = appends ? current->generation : NewGeneration(entry, current.get());
  if (appends) version.chunks = current->chunks;
  if (!entry.objects.empty()) {
    version.chunks = version.chunks.Appended(std::make_shared<const Chunk>(Chunk{entry.objects, entry.source_sha256}));
  }
  dataset.last_version = version.version;
  dataset.Add(std::make_shared<const VersionState>(std::move(version)));
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
  dataset.Add(std::make_shared<const VersionState>(std::move(drop)));
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
  std::vector<VersionPtr> versions = dataset.versions().ToVector();
  std::ranges::replace(versions, found, VersionPtr(std::move(pinned)));
  dataset.Replace(versions);
  Put(std::move(dataset));
  return {};
}

void LakeState::ExpireOf(const DatasetState& before, const std::set<uint64_t>& numbers) {
  // Another catalogd may have let a version go, or pinned it, in between.
  const VersionPtr current = before.Current();
  const auto goes = [&](const VersionPtr& version) {
    return !version->is_drop && !version->pinned && version != current && numbers.contains(version->version.value);
  };
  std::vector<VersionPtr> kept;
  bool after_gone = false;
  for (VersionPtr& version : before.versions().ToVector()) {
    const bool gone = goes(version);
    if (after_gone && !gone) history_floor_ = std::max(history_floor_, version->seq);
    after_gone = gone;
    if (!gone) kept.push_back(std::move(version));
  }
  // A drop needs to be known only while something stands before it.
  while (kept.size() > 1 && kept.front()->is_drop) kept.erase(kept.begin());
  if (kept.size() == before.versions().size()) return;
  DatasetState dataset = before;
  dataset.Replace(kept);
  Put(std::move(dataset));
}

Status LakeState::ApplyExpire(const LogEntry& entry) {
  std::map<std::string, std::set<uint64_t>> expired;
  for (const auto& [name, version] : entry.versions) expired[FoldName(name)].insert(version.value);
  for (const auto& [name, numbers] : expired) {
    if (const DatasetPtr before = Find(name)) ExpireOf(*before, numbers);
  }
  auto released = std::make_shared<KeyTimes>(*released_);
  for (const std::string& key : entry.keys) released->emplace(key, entry.committed_at);
  released_ = std::move(released);
  return {};
}

void LakeState::ApplyPurge(const LogEntry& entry) {
  auto released = std::make_shared<KeyTimes>(*released_);
  auto purged = std::make_shared<KeyTimes>(*purged_);
  std::erase_if(*purged, [&](const auto& item) { return item.second < entry.committed_at - kPurgedAreKnownFor; });
  for (const std::string& key : entry.keys) {
    released->erase(key);
    (*purged)[key] = entry.committed_at;
  }
  released_ = std::move(released);
  purged_ = std::move(purged);
}

void LakeState::Rescue(const std::vector<DataObject>& objects) {
  if (released_->empty()) return;
  const bool any =
      std::ranges::any_of(objects, [this](const DataObject& object) { return released_->contains(object.key); });
  if (!any) return;
  auto released = std::make_shared<KeyTimes>(*released_);
  for (const DataObject& object : objects) released->erase(object.key);
  released_ = std::move(released);
}

LakeState LakeState::Restore(Seq seq, Seq history_floor, WallTime last_commit_at, std::vector<DatasetState> datasets,
                             KeyTimes released, KeyTimes purged) {
  LakeState state;
  state.seq_ = seq;
  state.history_floor_ = history_floor;
  state.last_commit_at_ = last_commit_at;
  state.released_ = std::make_shared<const KeyTimes>(std::move(released));
  state.purged_ = std::make_shared<const KeyTimes>(std::move(purged));
  std::array<Shard, kShards> shards;
  for (DatasetState& dataset : datasets) {
    std::string folded = FoldName(dataset.name);
    Shard& shard = shards[Xxh3(folded) % kShards];
    shard[std::move(folded)] = std::make_shared<const DatasetState>(std::move(dataset));
  }
  for (size_t i = 0; i < kShards; ++i) state.shards_[i] = std::make_shared<const Shard>(std::move(shards[i]));
  return state;
}

Manifest ToBriefManifest(const DatasetState& dataset, const VersionState& version) {
  Manifest manifest;
  manifest.dataset_id = dataset.dataset_id;
  manifest.name = dataset.name;
  manifest.schema_fingerprint = version.generation->fingerprint;
  manifest.schema = version.generation->schema;
  manifest.version = version.version;
  manifest.seq = version.seq;
  manifest.row_count = version.row_count;
  manifest.created_at = version.generation->created_at;
  manifest.updated_at = version.committed_at;
  return manifest;
}

Manifest ToManifest(const DatasetState& dataset, const VersionState& version) {
  Manifest manifest = ToBriefManifest(dataset, version);
  for (const ChunkPtr& chunk : version.chunks.ToVector())
    manifest.objects.insert(manifest.objects.end(), chunk->objects.begin(), chunk->objects.end());
  return manifest;
}

Snapshot ToSnapshot(const VersionState& version) {
  return Snapshot{version.version, version.seq,           version.row_count, version.committed_at,
                  version.mode,    version.source_sha256, version.pinned};
}

}  // namespace lakehouse::catalog
