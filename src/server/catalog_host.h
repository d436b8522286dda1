// service::Catalog that answers kUnavailable with the reason until the catalog behind it has been opened.
#pragma once

#include "service/catalog.h"

namespace lakehouse::server {

class CatalogHost : public service::Catalog {
 public:
  // The catalog behind this, or why it is not there yet.
  virtual Result<service::Catalog*> Opened() const = 0;

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
};

}  // namespace lakehouse::server
