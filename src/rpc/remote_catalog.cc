#include "lakehouse/v1/catalog.grpc.pb.h"
#include "rpc/convert.h"
#include "rpc/peer.h"

namespace lakehouse::rpc {
namespace {

class RemoteCatalog final : public service::Catalog {
 public:
  explicit RemoteCatalog(Peer peer) : peer_(std::move(peer)), stub_(v1::Catalog::NewStub(peer_.channel())) {}

  // Its caller knows whether it may be repeated: by the commit's id.
  Result<catalog::RegisterResult> Register(const RequestContext& context,
                                           const catalog::RegisterRequest& request) override {
    v1::RegisterRequest wanted;
    ToProto(request, wanted);
    LH_ASSIGN(const auto response, Ask(peer_, context, *stub_, &v1::Catalog::Stub::Register, wanted));
    return catalog::RegisterResult{FromProto(response.manifest()), response.existing(), response.replayed()};
  }

  Result<catalog::ManifestPage> List(const RequestContext& context, const catalog::ListRequest& request) override {
    v1::ListDatasetsRequest wanted;
    wanted.set_page_size(request.limit);
    wanted.set_page_token(request.token);
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Catalog::Stub::ListDatasets, wanted));
    catalog::ManifestPage page;
    for (const auto& manifest : response.datasets()) page.datasets.push_back(FromProto(manifest));
    if (!response.next_page_token().empty()) page.next_token = response.next_page_token();
    return page;
  }

  Result<catalog::Manifest> Get(const RequestContext& context, std::string_view name,
                                std::optional<DatasetVersion> version) override {
    v1::GetManifestRequest wanted;
    wanted.set_name(std::string(name));
    if (version) wanted.set_version(version->value);
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Catalog::Stub::GetManifest, wanted));
    return FromProto(response.manifest());
  }

  Status Drop(const RequestContext& context, std::string_view name) override {
    v1::DropDatasetRequest wanted;
    wanted.set_name(std::string(name));
    LH_TRY(Ask(peer_, context, *stub_, &v1::Catalog::Stub::DropDataset, wanted));
    return {};
  }

  Result<std::vector<catalog::Snapshot>> Snapshots(const RequestContext& context, std::string_view name) override {
    v1::ListSnapshotsRequest wanted;
    wanted.set_name(std::string(name));
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Catalog::Stub::ListSnapshots, wanted));
    std::vector<catalog::Snapshot> snapshots;
    for (const auto& one : response.snapshots()) {
      LH_ASSIGN(auto snapshot, FromProto(one));
      snapshots.push_back(std::move(snapshot));
    }
    return snapshots;
  }

  Status SetPin(const RequestContext& context, std::string_view name, DatasetVersion version, bool pinned) override {
    v1::SetPinRequest wanted;
    wanted.set_name(std::string(name));
    wanted.set_version(version.value);
    wanted.set_pinned(pinned);
    LH_TRY(Ask(peer_, context, *stub_, &v1::Catalog::Stub::SetPin, wanted));
    return {};
  }

  // Not repeated: it is asked before every query, and who asks has a plan for a catalog that does not answer.
  Result<Seq> Epoch(const RequestContext& context, std::optional<Seq> since, std::chrono::milliseconds wait) override {
    v1::GetEpochRequest wanted;
    if (since) {
      wanted.set_since(since->value);
      SetDuration(wait, wanted.mutable_wait());
    }
    LH_ASSIGN(const auto response, Ask(peer_, context, *stub_, &v1::Catalog::Stub::GetEpoch, wanted));
    return Seq(response.seq());
  }

  Result<catalog::GcReport> Gc(const RequestContext& context, const catalog::GcRequest& request) override {
    v1::CollectGarbageRequest wanted;
    wanted.set_remove(!request.dry_run);
    SetDuration(request.min_age, wanted.mutable_min_age());
    LH_ASSIGN(const auto response, Ask(peer_, context, *stub_, &v1::Catalog::Stub::CollectGarbage, wanted));
    catalog::GcReport report;
    for (const auto& removed : response.removed())
      report.removed.push_back({removed.key(), removed.size(), removed.why()});
    report.bytes = response.bytes();
    return report;
  }

  Result<std::optional<catalog::Manifest>> FindSource(const RequestContext& context, std::string_view name,
                                                      std::string_view source_sha256,
                                                      catalog::WriteMode mode) override {
    v1::FindSourceRequest wanted;
    wanted.set_name(std::string(name));
    wanted.set_source_sha256(std::string(source_sha256));
    wanted.set_mode(ToProto(mode));
    const auto response = AskAgain(peer_, context, *stub_, &v1::Catalog::Stub::FindSource, wanted);
    if (response) return FromProto(response->manifest());
    if (response.error().kind == ErrorKind::kNotFound) return std::nullopt;
    return Fail(response.error());
  }

  Status Ready(const RequestContext& context) override { return peer_.Ready(context, "lakehouse.v1.Catalog"); }

 private:
  const Peer peer_;
  const std::unique_ptr<v1::Catalog::Stub> stub_;
};

}  // namespace

Result<std::unique_ptr<service::Catalog>> OpenRemoteCatalog(const RemoteOptions& options) {
  LH_ASSIGN(Peer peer, Peer::Open(options));
  return std::make_unique<RemoteCatalog>(std::move(peer));
}

}  // namespace lakehouse::rpc
