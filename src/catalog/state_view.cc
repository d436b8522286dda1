#include "catalog/state_view.h"

namespace lakehouse::catalog {
namespace {

constexpr size_t kMaxManifests = 20'000;

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
    for (auto at = dataset->versions.rbegin(); at != dataset->versions.rend(); ++at) {
      if (!(*at)->is_drop && (*at)->seq <= at_) snapshots.push_back(ToSnapshot(**at));
    }
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
    if (const auto found = slots_.find(version.get()); found != slots_.end()) return found->second.manifest;
  }
  auto manifest = std::make_shared<const Manifest>(ToManifest(*dataset, *version));
  MutexLock lock(mutex_);
  if (slots_.size() >= kMaxManifests) slots_.clear();
  slots_[version.get()] = Slot{version, manifest};
  return manifest;
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

Error NoSuchDataset(std::string_view name) {
  return Error{ErrorKind::kNotFound, fmt::format("no dataset is named \"{}\"", name), std::nullopt, {}};
}

Error NoSuchVersion(const DatasetState& dataset, DatasetVersion version) {
  uint64_t first = 0;
  for (const VersionPtr& kept : dataset.versions) {
    if (!kept->is_drop && first == 0) first = kept->version.value;
  }
  return Error{ErrorKind::kNotFound,
               fmt::format("dataset \"{}\" keeps no version {}: the oldest kept is {}, the newest {}", dataset.name,
                           version.value, first, dataset.last_version.value),
               std::nullopt,
               {}};
}

}  // namespace lakehouse::catalog
