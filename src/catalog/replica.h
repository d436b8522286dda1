// The lake as another process's catalogd commits it, followed through the object store: what a queryd of its own reads.
//
// Before each view it asks for the newest seq and reads the log objects it lacks. While nobody answers that question,
// views may be as old as `refresh_every`; after that it looks for the next log object by itself. Thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "base/mutex.h"
#include "catalog/lake_view.h"
#include "catalog/log_reader.h"
#include "catalog/state_view.h"

namespace lakehouse::catalog {

class Replica final : public LakeSource {
 public:
  using NewestSeq = std::function<Result<Seq>(const RequestContext&)>;
  // Reads the log. REQUIRES: the store outlives the replica.
  static Result<std::unique_ptr<Replica>> Open(const RequestContext& context, object::ObjectStore& store,
                                               NewestSeq newest_seq, std::chrono::milliseconds refresh_every);

  Result<std::shared_ptr<const LakeView>> Current(const RequestContext& context) override;
  Result<std::shared_ptr<const LakeView>> At(const RequestContext& context, Seq seq) override;

 private:
  Replica(object::ObjectStore& store, NewestSeq newest_seq, std::chrono::milliseconds refresh_every, LakeState state);
  Result<std::shared_ptr<const LakeState>> Fresh(const RequestContext& context);
  Result<std::shared_ptr<const LakeState>> Follow(const RequestContext& context,
                                                  const std::shared_ptr<const LakeState>& known);

  const LogReader reader_;
  const NewestSeq newest_seq_;
  const std::chrono::milliseconds refresh_every_;
  const std::shared_ptr<ManifestCache> manifests_ = std::make_shared<ManifestCache>();
  Mutex mutex_;
  std::shared_ptr<const LakeState> state_ LH_GUARDED_BY(mutex_);
  MonotonicTime fresh_at_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::catalog
