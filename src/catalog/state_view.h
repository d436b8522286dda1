// LakeView over an immutable state. Manifests are made when they are first asked for and shared by all views.
#pragma once

#include <unordered_map>

#include "base/mutex.h"
#include "catalog/lake_view.h"
#include "catalog/state.h"

namespace lakehouse::catalog {

// Manifests by version object; bounded. Thread-safe.
class ManifestCache {
 public:
  std::shared_ptr<const Manifest> Get(const DatasetPtr& dataset, const VersionPtr& version);

 private:
  struct Slot {
    VersionPtr version;  // keeps the address that is the key from being used again
    std::shared_ptr<const Manifest> manifest;
  };
  Mutex mutex_;
  std::unordered_map<const VersionState*, Slot> slots_ LH_GUARDED_BY(mutex_);
};

// `at` may lie before the state's own seq.
std::shared_ptr<const LakeView> MakeView(std::shared_ptr<const LakeState> state, Seq at,
                                         std::shared_ptr<ManifestCache> cache);

// kNotFound naming the seqs that can be read.
Status CheckSeqIsKept(const LakeState& state, Seq at);
// kNotFound with the versions that are kept.
Error NoSuchVersion(const DatasetState& dataset, DatasetVersion version);
Error NoSuchDataset(std::string_view name);

}  // namespace lakehouse::catalog
