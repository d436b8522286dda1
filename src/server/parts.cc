#include "server/parts.h"

#include <thread>

#include "base/file.h"
#include "base/uuid.h"
#include "catalog/lake_catalog.h"
#include "catalog/replica.h"
#include "embed/openai_provider.h"
#include "http/routes.h"
#include "object/block_cache.h"
#include "object/local_store.h"
#include "object/memory_store.h"
#include "query/engine.h"
#include "server/retrying_start.h"
#include "service/catalog_local.h"
#include "service/ingest_local.h"
#include "service/query_local.h"
#include "service/storage_local.h"
#include "service/vector_source.h"
#include "service/vectors_local.h"

namespace lakehouse::server {
namespace {

constexpr std::chrono::seconds kStartDeadline{60};
constexpr std::chrono::seconds kLastCheckpointDeadline{5};

// Backend trouble that no waiting mends.
bool IsHopeless(ErrorKind kind) {
  return kind == ErrorKind::kNotFound || kind == ErrorKind::kForbidden || kind == ErrorKind::kUnauthenticated ||
         kind == ErrorKind::kInvalid || kind == ErrorKind::kConflict;
}

// Views of a lake that may not have been read yet.
class PendingLake final : public catalog::LakeSource {
 public:
  explicit PendingLake(const RetryingStart<catalog::LakeSource>& start) : start_(start) {}
  Result<std::shared_ptr<const catalog::LakeView>> Current(const RequestContext& context) override {
    LH_ASSIGN(auto* lake, start_.Get());
    return lake->Current(context);
  }
  Result<std::shared_ptr<const catalog::LakeView>> At(const RequestContext& context, Seq seq) override {
    LH_ASSIGN(auto* lake, start_.Get());
    return lake->At(context, seq);
  }

 private:
  const RetryingStart<catalog::LakeSource>& start_;
};

}  // namespace

Result<std::unique_ptr<object::ObjectStore>> OpenBackend(const Process& process) {
  const config::Settings& settings = process.settings;
  if (settings.storaged.backend == "memory") return std::make_unique<object::MemoryStore>(process.clock);
  if (settings.storaged.backend == "s3") return OpenS3Backend(process);
  object::LocalStoreOptions options;
  options.root = settings.server.data_dir / "store";
  return object::OpenLocalStore(options, process.clock);
}

service::StorageLimits StorageLimitsOf(const config::Settings& settings) {
  service::StorageLimits limits;
  limits.max_body = settings.storaged.max_body;
  limits.put_slots = static_cast<uint32_t>(settings.storaged.put_slots);
  limits.max_list_results = static_cast<uint32_t>(settings.storaged.max_list_results);
  return limits;
}

bool OwnsLog(const Process& process) { return process.settings.storaged.backend != "s3"; }

Result<std::unique_ptr<StoragePart>> StoragePart::Open(const Process& process) {
  std::unique_ptr<StoragePart> part(new StoragePart());
  LH_ASSIGN(part->store_, OpenBackend(process));
  const Status checked = part->store_->Check(InternalContext(Deadline::After(kStartDeadline)));
  if (!checked && IsHopeless(checked.error().kind)) return Fail(checked.error());
  if (!checked) process.log.Warn("the object store does not answer yet", {{"reason", checked.error().detail}});
  part->service_ =
      std::make_unique<service::LocalStorage>(*part->store_, StorageLimitsOf(process.settings), process.metrics);
  return part;
}

StoragePart::~StoragePart() = default;
void StoragePart::AddRoutes(http::Router& router) { http::AddStorageRoutes(router, *service_); }
Status StoragePart::Ready(const RequestContext& context) { return service_->Ready(context); }

// The catalog once it is read: what requests see of it, and what keeps it alive.
struct CatalogPart::Impl {
  struct OpenedLake final : catalog::LakeSource {
    explicit OpenedLake(std::unique_ptr<catalog::LakeCatalog> lake_catalog)
        : lake(std::move(lake_catalog)), local(*lake) {}
    Result<std::shared_ptr<const catalog::LakeView>> Current(const RequestContext& context) override {
      return lake->Current(context);
    }
    Result<std::shared_ptr<const catalog::LakeView>> At(const RequestContext& context, Seq seq) override {
      return lake->At(context, seq);
    }
    std::unique_ptr<catalog::LakeCatalog> lake;
    service::LocalCatalog local;
  };

  Impl(const Process& owner, object::ObjectStore& store, bool owns_log)
      : process(owner),
        start(
            "the catalog", [this, &store, owns_log](const std::stop_token&) { return Open(process, store, owns_log); },
            process.log),
        host(start),
        pending(start) {}

  // The next start reads a checkpoint instead of the log since the last one.
  ~Impl() {
    const auto opened = start.Get();
    if (!opened) return;
    const RequestContext context = InternalContext(Deadline::After(kLastCheckpointDeadline));
    const Status written = static_cast<OpenedLake*>(*opened)->lake->Checkpoint(context);
    if (!written)
      process.log.Warn("no checkpoint at the end; the log is complete without it",
                       {{"reason", written.error().detail}});
  }

  static Result<std::unique_ptr<catalog::LakeSource>> Open(const Process& process, object::ObjectStore& store,
                                                           bool owns_log) {
    const config::CatalogdSettings& settings = process.settings.catalogd;
    catalog::LakeCatalogOptions options;
    options.shared_log = !owns_log;
    options.keep_versions = settings.keep_versions;
    options.keep_age = settings.keep_age;
    options.checkpoint_every = settings.checkpoint_every;
    options.gc_min_age_floor = settings.gc_min_age;
    options.gc_min_age = settings.gc_min_age;
    options.gc_every = settings.gc_every;
    const RequestContext context = InternalContext(Deadline::After(kStartDeadline));
    LH_ASSIGN(auto lake,
              catalog::LakeCatalog::Open(context, store, process.clock, process.log, process.metrics, options));
    return std::make_unique<OpenedLake>(std::move(lake));
  }

  // service::Catalog of whatever has been opened.
  class Host final : public CatalogHost {
   public:
    explicit Host(const RetryingStart<catalog::LakeSource>& start) : start_(start) {}
    Result<service::Catalog*> Opened() const override {
      LH_ASSIGN(auto* lake, start_.Get());
      return &static_cast<OpenedLake*>(lake)->local;
    }

   private:
    const RetryingStart<catalog::LakeSource>& start_;
  };

  const Process& process;
  RetryingStart<catalog::LakeSource> start;
  Host host;
  PendingLake pending;
};

CatalogPart::CatalogPart(const Process& process, object::ObjectStore& store, bool owns_log)
    : impl_(std::make_unique<Impl>(process, store, owns_log)) {}
CatalogPart::~CatalogPart() = default;
void CatalogPart::AddRoutes(http::Router& router) { http::AddCatalogRoutes(router, impl_->host); }
Status CatalogPart::Ready(const RequestContext& context) { return impl_->host.Ready(context); }
service::Catalog& CatalogPart::service() { return impl_->host; }
catalog::LakeSource& CatalogPart::lake() { return impl_->pending; }

struct IngestPart::Impl {
  std::unique_ptr<service::LocalIngest> service;
  std::chrono::milliseconds timeout;
};

IngestPart::IngestPart(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IngestPart::~IngestPart() = default;

Result<std::unique_ptr<IngestPart>> IngestPart::Open(const Process& process, object::ObjectStore& store,
                                                     service::Catalog& catalog) {
  const config::Settings& settings = process.settings;
  service::LocalIngestOptions options;
  options.spool_folder = settings.server.data_dir / "spool";
  options.spool_bytes = settings.server.spool_limit;
  options.max_concurrent = static_cast<uint32_t>(settings.ingestd.max_concurrent);
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  auto impl = std::make_unique<Impl>();
  impl->service = std::make_unique<service::LocalIngest>(options, store, catalog, process.metrics);
  impl->timeout = settings.ingestd.timeout;
  return std::unique_ptr<IngestPart>(new IngestPart(std::move(impl)));
}

void IngestPart::AddRoutes(http::Router& router) {
  http::AddIngestRoutes(router, *impl_->service, {.deadline = impl_->timeout});
}
service::Ingest& IngestPart::service() { return *impl_->service; }
Status IngestPart::Ready(const RequestContext& context) { return impl_->service->Ready(context); }

namespace {

// None when the settings want none.
Result<std::unique_ptr<embed::Provider>> MakeEmbeddingProvider(const Process& process) {
  const config::VectordSettings& settings = process.settings.vectord;
  if (settings.embedding_provider == "none") return nullptr;
  if (settings.embedding_provider == "hash") return embed::MakeHashProvider();
  if (settings.embedding_url.empty() || settings.embedding_model.empty()) {
    return Fail(ErrorKind::kInvalid,
                "[vectord] embedding_provider = \"openai\" needs embedding_url and embedding_model as well");
  }
  embed::OpenAiOptions options;
  options.url = settings.embedding_url;
  options.model = settings.embedding_model;
  options.dimension = static_cast<uint32_t>(settings.embedding_dimension);
  options.timeout = settings.embedding_timeout;
  LH_ASSIGN(const auto key, process.secrets.Find("EMBEDDING_API_KEY"));
  options.key = key.value_or("");
  return embed::MakeCachedProvider(embed::MakeOpenAiProvider(process.http, std::move(options)),
                                   settings.embedding_cache);
}

}  // namespace

struct VectorPart::Impl {
  Impl(const vector::VectorEnvironment& environment, std::unique_ptr<embed::Provider> embeddings,
       service::Catalog& catalog, const std::filesystem::path& folder)
      : indexes(environment),
        provider(std::move(embeddings)),
        service(indexes, provider.get()),
        loader(service, catalog, environment.store, folder) {}
  vector::IndexSet indexes;
  std::unique_ptr<embed::Provider> provider;
  service::LocalVectors service;
  service::VectorLoader loader;
};

VectorPart::VectorPart(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VectorPart::~VectorPart() = default;

Result<std::unique_ptr<VectorPart>> VectorPart::Open(const Process& process, object::ObjectStore& store,
                                                     service::Catalog& catalog) {
  const std::filesystem::path folder = process.settings.server.data_dir / "vectors";
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    return Fail(ErrnoError(failed.value(), "making the folder of vector indexes, " + folder.string()));
  }
  LH_ASSIGN(auto provider, MakeEmbeddingProvider(process));
  auto impl =
      std::make_unique<Impl>(vector::VectorEnvironment{.store = store,
                                                       .log = process.log,
                                                       .cache_folder = folder,
                                                       .threads = std::max(1U, std::thread::hardware_concurrency()),
                                                       .writer = RandomUuid(),
                                                       .memory_limit = process.settings.vectord.memory_limit},
                             std::move(provider), catalog, folder);
  process.metrics.GaugeFrom("lakehouse_vector_bytes", "Memory of all vector indexes", {},
                            [&indexes = impl->indexes] { return static_cast<double>(indexes.bytes()); });
  return std::unique_ptr<VectorPart>(new VectorPart(std::move(impl)));
}

void VectorPart::AddRoutes(http::Router& router) {
  http::AddVectorRoutes(router, impl_->service, {.loader = &impl_->loader});
}
service::Vectors& VectorPart::service() { return impl_->service; }
service::VectorLoads& VectorPart::loads() { return impl_->loader; }
Status VectorPart::Ready(const RequestContext& context) { return impl_->service.Ready(context); }

struct QueryPart::Impl {
  explicit Impl(service::Vectors& vectors) : sql_vectors(vectors) {}
  service::SqlVectors sql_vectors;
  std::unique_ptr<object::BlockCache> cache;
  std::unique_ptr<service::LocalQuery> service;
};

QueryPart::QueryPart(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
QueryPart::~QueryPart() = default;

Result<std::unique_ptr<QueryPart>> QueryPart::Open(const Process& process, object::ObjectStore& store,
                                                   bool remote_store, catalog::LakeSource& lake,
                                                   service::Vectors& vectors) {
  const config::QuerydSettings& settings = process.settings.queryd;
  auto impl = std::make_unique<Impl>(vectors);
  object::BlockCacheOptions cache;
  cache.memory_bytes = settings.cache_memory;
  cache.disk_bytes = settings.cache_disk;
  if (settings.cache_disk > 0) cache.disk_folder = process.settings.server.data_dir / "cache";
  impl->cache = std::make_unique<object::BlockCache>(store, cache);
  query::EngineOptions options;
  options.max_concurrent = static_cast<uint32_t>(settings.max_concurrent);
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  options.timeout = settings.timeout;
  options.queue_timeout = settings.queue_timeout;
  options.memory_bytes = settings.memory_limit;
  options.spill_folder = process.settings.server.data_dir / "spill";
  options.remote_store = remote_store;
  options.spill_bytes = settings.spill_limit;
  LH_ASSIGN(auto engine, query::Engine::Open(options, lake, *impl->cache, process.log, &impl->sql_vectors));
  impl->service = std::make_unique<service::LocalQuery>(std::move(engine), lake);
  Impl* parts = impl.get();
  const auto cache_figure = [&](const char* name, const char* help, uint64_t object::BlockCacheStats::* field) {
    process.metrics.CounterFrom(name, help, {},
                                [parts, field] { return static_cast<double>(parts->cache->stats().*field); });
  };
  cache_figure("lakehouse_cache_hits_total", "Reads that the block cache answered", &object::BlockCacheStats::hits);
  cache_figure("lakehouse_cache_misses_total", "Reads that went to the object store", &object::BlockCacheStats::misses);
  process.metrics.GaugeFrom("lakehouse_cache_bytes", "Bytes in the block cache", {{"tier", "memory"}},
                            [parts] { return static_cast<double>(parts->cache->stats().bytes_in_memory); });
  process.metrics.GaugeFrom("lakehouse_queries_running", "Queries that run now", {},
                            [parts] { return static_cast<double>(parts->service->stats().running); });
  process.metrics.GaugeFrom("lakehouse_queries_queued", "Queries that wait for their turn", {},
                            [parts] { return static_cast<double>(parts->service->stats().queued); });
  process.metrics.GaugeFrom("lakehouse_query_memory_bytes", "Memory that DuckDB holds", {},
                            [parts] { return static_cast<double>(parts->service->stats().memory_bytes); });
  return std::unique_ptr<QueryPart>(new QueryPart(std::move(impl)));
}

void QueryPart::AddRoutes(http::Router& router) { http::AddQueryRoutes(router, *impl_->service, {}); }
service::Query& QueryPart::service() { return *impl_->service; }
Status QueryPart::Ready(const RequestContext& context) { return impl_->service->Ready(context); }

struct ReplicaLake::Impl {
  Impl(const Process& process, object::ObjectStore& store, service::Catalog& catalog)
      : start(
            "the catalog's log",
            [&process, &store, &catalog](const std::stop_token&) { return Open(process, store, catalog); },
            process.log),
        pending(start) {}

  static Result<std::unique_ptr<catalog::LakeSource>> Open(const Process& process, object::ObjectStore& store,
                                                           service::Catalog& catalog) {
    const auto newest = [&catalog](const RequestContext& context) {
      RequestContext asking = context;
      asking.deadline = context.deadline.Sooner(Deadline::After(std::chrono::seconds(5)));
      return catalog.Epoch(asking, std::nullopt, std::chrono::milliseconds(0));
    };
    LH_ASSIGN(auto replica, catalog::Replica::Open(InternalContext(Deadline::After(kStartDeadline)), store, newest,
                                                   process.settings.queryd.refresh_every));
    return replica;
  }

  RetryingStart<catalog::LakeSource> start;
  PendingLake pending;
};

ReplicaLake::ReplicaLake(const Process& process, object::ObjectStore& store, service::Catalog& catalog)
    : impl_(std::make_unique<Impl>(process, store, catalog)) {}
ReplicaLake::~ReplicaLake() = default;
catalog::LakeSource& ReplicaLake::lake() { return impl_->pending; }

}  // namespace lakehouse::server
