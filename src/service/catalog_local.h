// service::Catalog over a catalog in this process. Callable from any thread. REQUIRES: the catalog outlives this.
#pragma once

#include "catalog/lake_catalog.h"
#include "service/catalog.h"

namespace lakehouse::service {

class LocalCatalog final : public Catalog {
 public:
  explicit LocalCatalog(catalog::LakeCatalog& catalog) : catalog_(catalog) {}

  Result<catalog::RegisterResult> Register(const RequestContext& context,
                                           const catalog::RegisterRequest& request) override {
    return catalog_.Register(context, request);
  }
  Result<catalog::ManifestPage> List(const RequestContext& context, const catalog::ListRequest& request) override {
    return catalog_.List(context, request);
  }
  Result<catalog::Manifest> Get(const RequestContext& context, std::string_view name,
                                std::optional<DatasetVersion> version) override {
    return catalog_.Get(context, name, version);
  }
  Status Drop(const RequestContext& context, std::string_view name) override { return catalog_.Drop(context, name); }
  Result<std::vector<catalog::Snapshot>> Snapshots(const RequestContext& context, std::string_view name) override {
    return catalog_.Snapshots(context, name);
  }
  Status SetPin(const RequestContext& context, std::string_view name, DatasetVersion version, bool pinned) override {
    return catalog_.SetPin(context, name, version, pinned);
  }
  Result<Seq> Epoch(const RequestContext& context, std::optional<Seq> since, std::chrono::milliseconds wait) override {
    return catalog_.Epoch(context, since, wait);
  }
  Result<catalog::GcReport> Gc(const RequestContext& context, const catalog::GcRequest& request) override {
    return catalog_.Gc(context, request);
  }
  Result<std::optional<catalog::Manifest>> FindSource(const RequestContext& context, std::string_view name,
                                                      std::string_view source_sha256,
                                                      catalog::WriteMode mode) override {
    return catalog_.FindSource(context, name, source_sha256, mode);
  }
  Status Ready(const RequestContext&) override { return {}; }

 private:
  catalog::LakeCatalog& catalog_;
};

}  // namespace lakehouse::service
