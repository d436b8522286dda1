// The catalog: register, read, drop, pin, list, retention and garbage collection over the commit log of one lake.
// Thread-safe; blocking. What callers get is a copy or immutable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/request_context.h"
#include "catalog/lake_view.h"
#include "catalog/types.h"
#include "object/object_store.h"
#include "observe/metrics.h"

namespace lakehouse::catalog {

struct LakeCatalogOptions {
  bool shared_log = false;       // other catalogds write the same log
  uint64_t keep_versions = 100;  // of each dataset; whichever of the two keeps more
  std::chrono::seconds keep_age = std::chrono::hours(24 * 30);
  uint64_t checkpoint_every = 256;  // log objects
  // Log objects behind the kept checkpoints stay this long; far above any pause that a catalogd takes while it commits.
  std::chrono::seconds log_age = std::chrono::hours(1);
  std::chrono::seconds gc_min_age_floor = std::chrono::hours(2);
  // Retention and garbage collection by the catalog itself, every so often; 0: only when asked.
  std::chrono::milliseconds gc_every{0};
  std::chrono::seconds gc_min_age = std::chrono::hours(24);
};

class LakeCatalog : public LakeSource {
 public:
  // Reads the checkpoint and the log. REQUIRES: everything handed in outlives the catalog.
  static Result<std::unique_ptr<LakeCatalog>> Open(const RequestContext& context, object::ObjectStore& store,
                                                   const Clock& clock, const Logger& log, observe::Metrics& metrics,
                                                   LakeCatalogOptions options);
  ~LakeCatalog() override;

  // As service::Catalog documents them.
  Result<RegisterResult> Register(const RequestContext& context, const RegisterRequest& request);
  Result<ManifestPage> List(const RequestContext& context, const ListRequest& request);
  Result<Manifest> Get(const RequestContext& context, std::string_view name, std::optional<DatasetVersion> version);
  Status Drop(const RequestContext& context, std::string_view name);
  Result<std::vector<Snapshot>> Snapshots(const RequestContext& context, std::string_view name);
  Status SetPin(const RequestContext& context, std::string_view name, DatasetVersion version, bool pinned);
  Result<Seq> Epoch(const RequestContext& context, std::optional<Seq> since, std::chrono::milliseconds wait);
  Result<GcReport> Gc(const RequestContext& context, const GcRequest& request);
  Result<std::optional<Manifest>> FindSource(const RequestContext& context, std::string_view name,
                                             std::string_view source_sha256, WriteMode mode);

  // Writes a checkpoint of what has been committed since the last one, so that the next start has less to read.
  Status Checkpoint(const RequestContext& context);

  Result<std::shared_ptr<const LakeView>> Current(const RequestContext& context) override;
  Result<std::shared_ptr<const LakeView>> At(const RequestContext& context, Seq seq) override;

 private:
  struct Impl;
  explicit LakeCatalog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::catalog
