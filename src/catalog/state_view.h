// LakeView over an immutable state. Manifests are made when they are first asked for and shared by all views.
#pragma once

#include <list>
#include <unordered_map>

#include "base/mutex.h"
#include "catalog/lake_view.h"
#include "catalog/state.h"

namespace lakehouse::catalog {

// Manifests by version object, within a budget of bytes (estimated); those least recently asked for go first.
// Thread-safe.
class ManifestCache {
 public:
  explicit ManifestCache(size_t max_bytes = size_t{64} << 20) : max_bytes_(max_bytes) {}
  std::shared_ptr<const Manifest> Get(const DatasetPtr& dataset, const VersionPtr& version);
  size_t bytes() const;

 private:
  struct Slot {
    VersionPtr version;  // keeps the address that is the key from being used again
    std::shared_ptr<const Manifest> manifest;
    size_t bytes = 0;
  };
  using Slots = std::list<Slot>;  // the most recently used first

  const size_t max_bytes_;
  mutable Mutex mutex_;
  Slots slots_ LH_GUARDED_BY(mutex_);
  std::unordered_map<const VersionState*, Slots::iterator> by_version_ LH_GUARDED_BY(mutex_);
  size_t bytes_ LH_GUARDED_BY(mutex_) = 0;
};

// `at` may lie before the state's own seq.
std::shared_ptr<const LakeView> MakeView(std::shared_ptr<const LakeState> state, Seq at,
                                         std::shared_ptr<ManifestCache> cache);

// kNotFound naming the seqs that can be read.
Status CheckSeqIsKept(const LakeState& state, Seq at);
// kNotFound with the versions that are kept.
Error NoSuchVersion(const DatasetState& dataset, DatasetVersion version);
Error NoSuchDataset(std::string_view name);
// Of a request that may only create one.
Error DatasetExists(std::string_view name);

}  // namespace lakehouse::catalog
