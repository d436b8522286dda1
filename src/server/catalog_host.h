// service::Catalog that answers kUnavailable with the reason until the catalog behind it has been opened.
#pragma once

#include "server/retrying_start.h"
#include "service/catalog.h"

namespace lakehouse::server {

class CatalogHost final : public service::Catalog {
 public:
  using Start = RetryingStart<service::Catalog>;
  // REQUIRES: `start` outlives this.
  explicit CatalogHost(const Start& start) : start_(start) {}

  Result<catalog::RegisterResult> Register(const RequestContext& context,
                                           const catalog::RegisterRequest& request) override;
  Result<catalog::ManifestPage> List(const RequestContext& context, const catalog::ListRequest& request) override;
  Result<catalog::Manifest> Get(const RequestContext& context, std::string_view name,
                                std::optional<DatasetVersion> version) override;
  Status Drop(const RequestContext& context, std::string_view name) override;
  Result<std::vector<catalog::Snapshot>> Snapshots(const RequestContext& context, std::string_view name) override;
  Status SetPin(const RequestContext& context, std::string_view name, DatasetVersion version, bool pinned) override;
  Result<Seq> Epoch(const RequestContext& context, std::optional<Seq> since, std::chrono::milliseconds wait) override;
  Result<catalog::GcReport> Gc(const RequestContext& context, const catalog::GcRequest& request) override;
  Result<std::optional<catalog::Manifest>> FindSource(const RequestContext& context, std::string_view name,
                                                      std::string_view source_sha256, catalog::WriteMode mode) override;
  Status Ready(const RequestContext& context) override;

 private:
  const Start& start_;
};

}  // namespace lakehouse::server
