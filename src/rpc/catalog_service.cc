#include <algorithm>

#include "lakehouse/v1/catalog.grpc.pb.h"
#include "rpc/convert.h"
#include "rpc/reactors.h"
#include "rpc/services.h"

namespace lakehouse::rpc {
namespace {

constexpr uint32_t kPage = 1000, kMaxPage = 10000;
constexpr std::chrono::milliseconds kMaxWait{60000};

using Context = grpc::CallbackServerContext;
using Unit = grpc::ServerUnaryReactor;
using Asked = RequestContext;

class CatalogService final : public v1::Catalog::CallbackService {
 public:
  CatalogService(Host& host, service::Catalog& catalog)
      : host_(host),
        catalog_(catalog),
        register_(host.AddMethod("Catalog/Register", auth::Scope::kWrite)),
        list_(host.AddMethod("Catalog/ListDatasets", auth::Scope::kRead)),
        get_(host.AddMethod("Catalog/GetManifest", auth::Scope::kRead)),
        drop_(host.AddMethod("Catalog/DropDataset", auth::Scope::kWrite)),
        snapshots_(host.AddMethod("Catalog/ListSnapshots", auth::Scope::kRead)),
        pin_(host.AddMethod("Catalog/SetPin", auth::Scope::kWrite)),
        epoch_(host.AddMethod("Catalog/GetEpoch", auth::Scope::kRead, kMaxWait + std::chrono::seconds(10))),
        gc_(host.AddMethod("Catalog/CollectGarbage", auth::Scope::kAdmin, std::chrono::minutes(30))),
        source_(host.AddMethod("Catalog/FindSource", auth::Scope::kRead)) {}

  Unit* Register(Context* context, const v1::RegisterRequest* request, v1::RegisterResponse* response) override {
    return Unary(host_, register_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto parsed, FromProto(*request));
      LH_ASSIGN(const auto result, catalog_.Register(asked, parsed));
      ToProto(result.manifest, *response->mutable_manifest());
      response->set_existing(result.existing);
      response->set_replayed(result.replayed);
      return {};
    });
  }

  Unit* ListDatasets(Context* context, const v1::ListDatasetsRequest* request,
                     v1::ListDatasetsResponse* response) override {
    return Unary(host_, list_, context, [this, request, response](const Asked& asked) -> Status {
      catalog::ListRequest list;
      list.limit = request->page_size() == 0 ? kPage : std::min(request->page_size(), kMaxPage);
      list.token = request->page_token();
      LH_ASSIGN(const auto page, catalog_.List(asked, list));
      for (const auto& manifest : page.datasets) ToProto(manifest, *response->add_datasets());
      response->set_next_page_token(page.next_token.value_or(""));
      return {};
    });
  }

  Unit* GetManifest(Context* context, const v1::GetManifestRequest* request,
                    v1::GetManifestResponse* response) override {
    return Unary(host_, get_, context, [this, request, response](const Asked& asked) -> Status {
      std::optional<DatasetVersion> version;
      if (request->has_version()) {
        LH_ASSIGN(version, VersionOf(request->version()));
      }
      LH_ASSIGN(const auto manifest, catalog_.Get(asked, request->name(), version));
      ToProto(manifest, *response->mutable_manifest());
      return {};
    });
  }

  Unit* DropDataset(Context* context, const v1::DropDatasetRequest* request, v1::DropDatasetResponse*) override {
    return Unary(host_, drop_, context,
                 [this, request](const Asked& asked) { return catalog_.Drop(asked, request->name()); });
  }

  Unit* ListSnapshots(Context* context, const v1::ListSnapshotsRequest* request,
                      v1::ListSnapshotsResponse* response) override {
    return Unary(host_, snapshots_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto snapshots, catalog_.Snapshots(asked, request->name()));
      for (const auto& snapshot : snapshots) ToProto(snapshot, *response->add_snapshots());
      return {};
    });
  }

  Unit* SetPin(Context* context, const v1::SetPinRequest* request, v1::SetPinResponse*) override {
    return Unary(host_, pin_, context, [this, request](const Asked& asked) -> Status {
      LH_ASSIGN(const auto version, VersionOf(request->version()));
      return catalog_.SetPin(asked, request->name(), version, request->pinned());
    });
  }

  Unit* GetEpoch(Context* context, const v1::GetEpochRequest* request, v1::GetEpochResponse* response) override {
    return Unary(host_, epoch_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto wait, DurationOf(request->wait(), "wait"));
      const auto since = request->has_since() ? std::optional(Seq(request->since())) : std::nullopt;
      LH_ASSIGN(const Seq seq, catalog_.Epoch(asked, since, std::min(wait, kMaxWait)));
      response->set_seq(seq.value);
      return {};
    });
  }

  Unit* CollectGarbage(Context* context, const v1::CollectGarbageRequest* request,
                       v1::CollectGarbageResponse* response) override {
    return Unary(host_, gc_, context, [this, request, response](const Asked& asked) -> Status {
      catalog::GcRequest gc;
      gc.dry_run = !request->remove();
      if (request->has_min_age()) {
        LH_ASSIGN(const auto age, DurationOf(request->min_age(), "min_age"));
        gc.min_age = std::chrono::ceil<std::chrono::seconds>(age);
      }
      LH_ASSIGN(const auto report, catalog_.Gc(asked, gc));
      for (const auto& removal : report.removed) {
        auto& removed = *response->add_removed();
        removed.set_key(removal.key);
        removed.set_size(removal.size);
        removed.set_why(removal.why);
      }
      response->set_bytes(report.bytes);
      return {};
    });
  }

  Unit* FindSource(Context* context, const v1::FindSourceRequest* request, v1::FindSourceResponse* response) override {
    return Unary(host_, source_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto mode, FromProto(request->mode()));
      LH_ASSIGN(const auto found, catalog_.FindSource(asked, request->name(), request->source_sha256(), mode));
      if (!found) return Fail(ErrorKind::kNotFound, "no kept content of \"{}\" came from this source", request->name());
      ToProto(*found, *response->mutable_manifest());
      return {};
    });
  }

 private:
  static Result<DatasetVersion> VersionOf(uint64_t version) {
    if (version == 0) return BadField("version", "versions start at 1");
    return DatasetVersion(version);
  }

  Host& host_;
  service::Catalog& catalog_;
  const Method &register_, &list_, &get_, &drop_, &snapshots_, &pin_, &epoch_, &gc_, &source_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCatalogService(Host& host, service::Catalog& catalog) {
  return std::make_unique<CatalogService>(host, catalog);
}

}  // namespace lakehouse::rpc
