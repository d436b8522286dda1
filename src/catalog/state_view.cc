#include "catalog/state_view.h"

namespace lakehouse::catalog {
namespace {

size_t EstimateBytes(const Manifest& manifest) {
  size_t bytes = sizeof(Manifest) + sizeof(VersionState);
  for (const Column& column : manifest.schema) bytes += sizeof(Column) + column.name.size() + column.type.size();
  for (const DataObject& object : manifest.objects) {
    bytes += sizeof(DataObject) + object.key.size();
    for (const ColumnStats& stats : object.stats) {
      bytes += sizeof(ColumnStats);
      if (stats.min) bytes += stats.min->size();
      if (stats.max) bytes += stats.max->size();
    }
  }
  return bytes;
}

class StateView final : public LakeView {
 public:
  StateView(std::shared_ptr<const LakeState> state, Seq at, std::shared_ptr<ManifestCache> cache)
      : state_(std::move(state)), at_(at), cache_(std::move(cache)) {}

  Seq seq() const override { return at_; }

  std::shared_ptr<const Manifest> Find(std::string_view name) const override {
    const DatasetPtr dataset = state_->Find(name);
    const VersionPtr version = dataset == nullptr ? nullptr : dataset->At(at_);
    return version == nullptr || version->is_drop ? nullptr : cache_->Get(dataset, version);
  }

  Result<std::shared_ptr<const Manifest>> FindVersion(std::string_view name, DatasetVersion number) const override {
    const DatasetPtr dataset = state_->Find(name);
    if (dataset == nullptr) return Fail(NoSuchDataset(name));
    const VersionPtr version = dataset->Find(number);
    if (version == nullptr || version->seq > at_) return Fail(NoSuchVersion(*dataset, number));
    return cache_->Get(dataset, version);
  }

  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const DatasetPtr& dataset : state_->DatasetsAfter("")) {
      const VersionPtr version = dataset->At(at_);
      if (version != nullptr && !version->is_drop) names.push_back(dataset->name);
    }
    return names;
  }

  std::vector<Snapshot> Snapshots(std::string_view name) const override {
    std::vector<Snapshot> snapshots;
    const DatasetPtr dataset = state_->Find(name);
    if (dataset == nullptr) return snapshots;
    dataset->versions().VisitFromBack([&](const VersionPtr& version) {
      if (!version->is_drop && version->seq <= at_) snapshots.push_back(ToSnapshot(*version));
      return true;
    });
    return snapshots;
  }

 private:
  const std::shared_ptr<const LakeState> state_;
  const Seq at_;
  const std::shared_ptr<ManifestCache> cache_;
};

}  // namespace

std::shared_ptr<const Manifest> ManifestCache::Get(const DatasetPtr& dataset, const VersionPtr& version) {
  {
    MutexLock lock(mutex_);
    if (const auto found = by_version_.find(version.get()); found != by_version_.end()) {
      slots_.splice(slots_.begin(), slots_, found->second);
      return found->second->manifest;
    }
  }
  auto manifest = std::make_shared<const Manifest>(ToManifest(*dataset, *version));
  const size_t bytes = EstimateBytes(*manifest);
  MutexLock lock(mutex_);
  if (bytes > max_bytes_ || by_version_.contains(version.get())) return manifest;
  while (bytes_ + bytes > max_bytes_) {
    bytes_ -= slots_.back().bytes;
    by_version_.erase(slots_.back().version.get());
    slots_.pop_back();
  }
  slots_.push_front(Slot{version, manifest, bytes});
  by_version_[version.get()] = slots_.begin();
  bytes_ += bytes;
  return manifest;
}

size_t ManifestCache::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

std::shared_ptr<const LakeView> MakeView(std::shared_ptr<const LakeState> state, Seq at,
                                         std::shared_ptr<ManifestCache> cache) {
  return std::make_shared<const StateView>(std::move(state), at, std::move(cache));
}

Status CheckSeqIsKept(const LakeState& state, Seq at) {
  if (at > state.seq())
    return Fail(ErrorKind::kNotFound, "seq {} is in the future: the newest is {}", at.value, state.seq().value);
  if (at < state.history_floor()) {
    return Fail(ErrorKind::kNotFound, "seq {} is older than the history that is kept: the oldest is {}", at.value,
                state.history_floor().value);
  }
  return {};
}

Error DatasetExists(std::string_view name) {
  return {ErrorKind::kConflict,
          fmt::format("there is a dataset \"{}\" already; append to it or replace it", name),
          std::nullopt,
          {}};
}

Error NoSuchDataset(std::string_view name) {
  return Error{ErrorKind::kNotFound, fmt::format("no dataset is named \"{}\"", name), std::nullopt, {}};
}

Error NoSuchVersion(const DatasetState& dataset, DatasetVersion version) {
  uint64_t first = 0;
  dataset.versions().VisitFromBack([&first](const VersionPtr& kept) {
    if (!kept->is_drop) first = kept->version.value;
    return true;
  });
  return Error{ErrorKind::kNotFound,
               fmt::format("dataset \"{}\" keeps no version {}: the oldest kept is {}, the newest {}", dataset.name,
                           version.value, first, dataset.last_version.value),
               std::nullopt,
               {}};
}

}  // namespace lakehouse::catalog
