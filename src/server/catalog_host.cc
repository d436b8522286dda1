#include "server/catalog_host.h"

namespace lakehouse::server {

Result<catalog::RegisterResult> CatalogHost::Register(const RequestContext& context,
                                                      const catalog::RegisterRequest& request) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->Register(context, request);
}

Result<catalog::ManifestPage> CatalogHost::List(const RequestContext& context, const catalog::ListRequest& request) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->List(context, request);
}

Result<catalog::Manifest> CatalogHost::Get(const RequestContext& context, std::string_view name,
                                           std::optional<DatasetVersion> version) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->Get(context, name, version);
}

Status CatalogHost::Drop(const RequestContext& context, std::string_view name) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->Drop(context, name);
}

Result<std::vector<catalog::Snapshot>> CatalogHost::Snapshots(const RequestContext& context, std::string_view name) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->Snapshots(context, name);
}

Status CatalogHost::SetPin(const RequestContext& context, std::string_view name, DatasetVersion version, bool pinned) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->SetPin(context, name, version, pinned);
}

Result<Seq> CatalogHost::Epoch(const RequestContext& context, std::optional<Seq> since,
                               std::chrono::milliseconds wait) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->Epoch(context, since, wait);
}

Result<catalog::GcReport> CatalogHost::Gc(const RequestContext& context, const catalog::GcRequest& request) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->Gc(context, request);
}

Result<std::optional<catalog::Manifest>> CatalogHost::FindSource(const RequestContext& context, std::string_view name,
                                                                 std::string_view source_sha256,
                                                                 catalog::WriteMode mode) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->FindSource(context, name, source_sha256, mode);
}

Status CatalogHost::Ready(const RequestContext& context) {
  LH_ASSIGN(auto* catalog, Opened());
  return catalog->Ready(context);
}

}  // namespace lakehouse::server
