#include "server/roles.h"

#include <algorithm>

#include "http/proxy.h"
#include "http/routes.h"
#include "mcp/http_transport.h"
#include "rpc/remote.h"
#include "server/remotes.h"
#include "service/storage_local.h"

namespace lakehouse::server {
namespace {

using Parts = std::vector<Part*>;

http::ReadyCheck AllReady(Parts parts) {
  return [parts = std::move(parts)](const RequestContext& context) -> Status {
    for (Part* part : parts) LH_TRY(part->Ready(context));
    return {};
  };
}

template <typename T>
T& Keep(RunningRole& running, const std::shared_ptr<T>& part) {
  running.kept.Add(part);
  return *part;
}

template <typename T>
T& Keep(RunningRole& running, std::unique_ptr<T> part) {
  return Keep(running, std::shared_ptr<T>(std::move(part)));
}

// Ready once the parts are, and the keys are known.
http::ReadyCheck WithKeys(const RunningRole& running, http::ReadyCheck ready) {
  return [keys = running.keys, ready = std::move(ready)](const RequestContext& context) -> Status {
    LH_TRY(ready(context));
    return keys->Ready();
  };
}

void AddKeys(RunningRole& running, object::ObjectStore& store, const Process& process) {
  const auth::Keys::Options options{.refresh_every = process.settings.auth.refresh_every};
  running.keys =
      &Keep(running, std::make_shared<auth::Keys>(store, process.access, options, process.clock, process.log));
}

void AddRole(RunningRole& running, Role role, const Parts& parts, object::ObjectStore& store, const Process& process) {
  AddKeys(running, store, process);
  http::AddHealthRoutes(running.router, std::string(RoleName(role)), WithKeys(running, AllReady(parts)),
                        process.metrics);
  for (Part* part : parts) part->AddRoutes(running.router);
}

// POST /mcp and its streams, at the gateway.
void AddMcp(RunningRole& running, const mcp::Services& services, const Process& process) {
  const config::McpSettings& settings = process.settings.mcp;
  mcp::Options options;
  options.allow_writes = settings.allow_writes;
  options.conformance = settings.conformance;
  options.budget = {settings.max_rows, settings.max_bytes, settings.timeout};
  auto& transport = Keep(
      running, std::make_shared<mcp::HttpTransport>(services, options, process.clock, process.log, process.metrics));
  transport.AddRoutes(running.router);
  running.before_stop = [&transport] { transport.Stop(); };
}

// The parts of a whole lake in one process; the role keeps them.
struct LocalLake {
  StoragePart& storage;
  CatalogPart& catalog;
  IngestPart& ingest;
  VectorPart& vectors;
  QueryPart& query;

  Parts parts() const { return {&storage, &catalog, &ingest, &query, &vectors}; }
  mcp::Services agents() const {
    return {.catalog = &catalog.service(),
            .query = &query.service(),
            .ingest = &ingest.service(),
            .vectors = &vectors.service()};
  }
};

Result<LocalLake> OpenLake(RunningRole& running, const Process& process) {
  LH_ASSIGN(auto opened_storage, StoragePart::Open(process));
  auto& storage = Keep(running, std::move(opened_storage));
  auto& catalog = Keep(running, std::make_shared<CatalogPart>(process, storage.store(), OwnsLog(process)));
  LH_ASSIGN(auto opened_ingest, IngestPart::Open(process, storage.store(), catalog.service()));
  auto& ingest = Keep(running, std::move(opened_ingest));
  LH_ASSIGN(auto opened_vectors, VectorPart::Open(process, storage.store(), catalog.service()));
  auto& vectors = Keep(running, std::move(opened_vectors));
  LH_ASSIGN(auto opened_query,
            QueryPart::Open(process, storage.store(), !OwnsLog(process), catalog.lake(), vectors.service()));
  auto& query = Keep(running, std::move(opened_query));
  return LocalLake{storage, catalog, ingest, vectors, query};
}

Result<RunningRole> MakeServe(const Process& process) {
  RunningRole running;
  LH_ASSIGN(const LocalLake lake, OpenLake(running, process));
  const auto& [storage, catalog, ingest, vectors, query] = lake;
  const Parts parts = lake.parts();
  AddKeys(running, storage.store(), process);
  http::Router inner;
  for (Part* part : parts) part->AddRoutes(inner);
  http::AddHealthRoutes(running.router, std::string(RoleName(Role::kServe)), WithKeys(running, AllReady(parts)),
                        process.metrics);
  http::AddKeyRoutes(running.router, *running.keys);
  running.router.Mount("/v1", inner);
  AddMcp(running, lake.agents(), process);
  running.flight.emplace(query.service(), ingest.service(), catalog.service());
  running.services = {.storage = &storage.service(),
                      .catalog = &catalog.service(),
                      .ingest = &ingest.service(),
                      .query = &query.service(),
                      .vectors = &vectors.service(),
                      .loads = &vectors.loads()};
  http::AddGatewayPages(running.router);
  return running;
}

Result<RunningRole> MakeStoraged(const Process& process) {
  RunningRole running;
  LH_ASSIGN(auto opened, StoragePart::Open(process));
  auto& storage = Keep(running, std::move(opened));
  running.services.storage = &storage.service();
  AddRole(running, Role::kStoraged, {&storage}, storage.store(), process);
  return running;
}

Result<RunningRole> MakeCatalogd(const Process& process) {
  RunningRole running;
  LH_ASSIGN(auto opened_store, OpenStoraged(process, "catalogd", process.settings.catalogd.storaged_url));
  auto& store = Keep(running, std::move(opened_store));
  // Another catalogd may stand on the same storaged, or the same bucket.
  auto& part = Keep(running, std::make_shared<CatalogPart>(process, store, false));
  running.services.catalog = &part.service();
  AddRole(running, Role::kCatalogd, {&part}, store, process);
  return running;
}

Result<RunningRole> MakeIngestd(const Process& process) {
  RunningRole running;
  const config::IngestdSettings& settings = process.settings.ingestd;
  LH_ASSIGN(auto opened_store, OpenStoraged(process, "ingestd", settings.storaged_url));
  auto& store = Keep(running, std::move(opened_store));
  LH_ASSIGN(auto opened_catalog, OpenCatalogd(process, "ingestd", settings.catalogd_url));
  auto& catalog = Keep(running, std::move(opened_catalog));
  LH_ASSIGN(auto opened, IngestPart::Open(process, store, catalog));
  auto& part = Keep(running, std::move(opened));
  running.services.ingest = &part.service();
  AddRole(running, Role::kIngestd, {&part}, store, process);
  return running;
}

Result<RunningRole> MakeQueryd(const Process& process) {
  RunningRole running;
  const config::QuerydSettings& settings = process.settings.queryd;
  LH_ASSIGN(auto opened_store, OpenStoraged(process, "queryd", settings.storaged_url));
  auto& store = Keep(running, std::move(opened_store));
  LH_ASSIGN(auto opened_catalog, OpenCatalogd(process, "queryd", settings.catalogd_url));
  auto& catalog = Keep(running, std::move(opened_catalog));
  auto& replica = Keep(running, std::make_shared<ReplicaLake>(process, store, catalog));
  LH_ASSIGN(auto opened_vectors, OpenVectord(process, "queryd", settings.vectord_url));
  auto& vectors = Keep(running, std::move(opened_vectors));
  LH_ASSIGN(auto opened, QueryPart::Open(process, store, true, replica.lake(), vectors));
  auto& part = Keep(running, std::move(opened));
  running.services.query = &part.service();
  AddRole(running, Role::kQueryd, {&part}, store, process);
  return running;
}

Result<RunningRole> MakeVectord(const Process& process) {
  RunningRole running;
  const config::VectordSettings& settings = process.settings.vectord;
  LH_ASSIGN(auto opened_store, OpenStoraged(process, "vectord", settings.storaged_url));
  auto& store = Keep(running, std::move(opened_store));
  LH_ASSIGN(auto opened_catalog, OpenCatalogd(process, "vectord", settings.catalogd_url));
  auto& catalog = Keep(running, std::move(opened_catalog));
  LH_ASSIGN(auto opened, VectorPart::Open(process, store, catalog));
  auto& part = Keep(running, std::move(opened));
  running.services.vectors = &part.service();
  running.services.loads = &part.loads();
  AddRole(running, Role::kVectord, {&part}, store, process);
  return running;
}

// What a gateway alone reaches of the other roles.
struct RolesBehind {
  object::ObjectStore* store;
  service::Storage* storage;
  service::Catalog* catalog;
  service::Ingest* ingest;
  service::Query* query;
  service::Vectors* vectors;
  service::VectorLoads* loads = nullptr;  // over gRPC alone
};

Result<RolesBehind> ReachRoles(RunningRole& running, const Process& process) {
  const config::GatewaySettings& urls = process.settings.gateway;
  LH_ASSIGN(auto opened_store, OpenStoraged(process, "gateway", urls.storaged_url));
  LH_ASSIGN(auto catalog, OpenCatalogd(process, "gateway", urls.catalogd_url));
  LH_ASSIGN(auto ingest, OpenIngestd(process, "gateway", urls.ingestd_url));
  LH_ASSIGN(auto query, OpenQueryd(process, "gateway", urls.queryd_url));
  LH_ASSIGN(auto vectors, OpenVectord(process, "gateway", urls.vectord_url));
  auto& store = Keep(running, std::move(opened_store));
  // storaged takes the gateway for the role that it is: what clients may do to objects is decided here.
  const service::StorageLimits limits = StorageLimitsOf(process.settings);
  auto& storage = Keep(running, std::make_shared<service::LocalStorage>(store, limits, process.metrics));
  RolesBehind roles{&store,
                    &storage,
                    &Keep(running, std::move(catalog)),
                    &Keep(running, std::move(ingest)),
                    &Keep(running, std::move(query)),
                    &Keep(running, std::move(vectors))};
  if (rpc::IsGrpcUrl(urls.vectord_url)) {
    LH_ASSIGN(auto loads, OpenVectordLoads(process, "gateway", urls.vectord_url));
    roles.loads = &Keep(running, std::move(loads));
  }
  return roles;
}

// One role behind the gateway: its requests are passed on as they are over HTTP; over gRPC its routes are answered
// here.
struct Upstream {
  const char* name;
  const char* prefix;
  std::string config::GatewaySettings::* url;
  Status (*ready)(const RolesBehind&, const RequestContext&);
  void (*add_routes)(http::Router&, const RolesBehind&);
};
constexpr Upstream kUpstreams[] = {
    {"storaged", "/v1/storage", &config::GatewaySettings::storaged_url,
     [](const RolesBehind& roles, const RequestContext& context) { return roles.store->Check(context); },
     [](http::Router& router, const RolesBehind& roles) { http::AddStorageRoutes(router, *roles.storage); }},
    {"catalogd", "/v1/catalog", &config::GatewaySettings::catalogd_url,
     [](const RolesBehind& roles, const RequestContext& context) { return roles.catalog->Ready(context); },
     [](http::Router& router, const RolesBehind& roles) { http::AddCatalogRoutes(router, *roles.catalog); }},
    {"ingestd", "/v1/ingest", &config::GatewaySettings::ingestd_url,
     [](const RolesBehind& roles, const RequestContext& context) { return roles.ingest->Ready(context); },
     [](http::Router& router, const RolesBehind& roles) { http::AddIngestRoutes(router, *roles.ingest, {}); }},
    {"queryd", "/v1/sql", &config::GatewaySettings::queryd_url,
     [](const RolesBehind& roles, const RequestContext& context) { return roles.query->Ready(context); },
     [](http::Router& router, const RolesBehind& roles) { http::AddQueryRoutes(router, *roles.query, {}); }},
    {"vectord", "/v1/vectors", &config::GatewaySettings::vectord_url,
     [](const RolesBehind& roles, const RequestContext& context) { return roles.vectors->Ready(context); },
     [](http::Router& router, const RolesBehind& roles) {
       http::AddVectorRoutes(router, *roles.vectors, {.loader = roles.loads});
     }}};

http::Route PassOn(const Upstream& upstream, http::UpstreamUrl url, const Process& process,
                   std::shared_ptr<const auth::Voucher> voucher) {
  http::Route route;
  route.summary = fmt::format("Passed on to {}", upstream.name);
  route.deadline = std::chrono::hours(1);
  // The role behind knows its routes, and what each needs.
  route.scope = auth::Scope::kRead;
  route.handler =
      http::MakeProxy(std::move(url), {.ca_file = process.settings.tls.ca_file, .voucher = std::move(voucher)});
  return route;
}

Status AddUpstreams(RunningRole& running, const RolesBehind& roles, const Process& process) {
  const auto voucher = std::make_shared<const auth::Voucher>(process.role_token, process.clock);
  http::Router answered_here;
  for (const Upstream& upstream : kUpstreams) {
    const std::string& url = process.settings.gateway.*upstream.url;
    if (rpc::IsGrpcUrl(url)) {
      upstream.add_routes(answered_here, roles);
    } else {
      LH_ASSIGN(auto parsed, http::ParseUpstreamUrl(fmt::format("[gateway] {}_url", upstream.name), url));
      running.router.AddPrefix(upstream.prefix, PassOn(upstream, std::move(parsed), process, voucher));
    }
  }
  running.router.Mount("/v1", answered_here);
  return {};
}

Result<RunningRole> MakeGateway(const Process& process) {
  RunningRole running;
  LH_ASSIGN(const RolesBehind roles, ReachRoles(running, process));
  LH_TRY(AddUpstreams(running, roles, process));
  const http::ReadyCheck ready = [roles](const RequestContext& context) -> Status {
    for (const Upstream& upstream : kUpstreams) LH_TRY(upstream.ready(roles, context));
    return {};
  };
  AddKeys(running, *roles.store, process);
  http::AddHealthRoutes(running.router, std::string(RoleName(Role::kGateway)), WithKeys(running, ready),
                        process.metrics);
  http::AddKeyRoutes(running.router, *running.keys);
  AddMcp(running, {.catalog = roles.catalog, .query = roles.query, .ingest = roles.ingest, .vectors = roles.vectors},
         process);
  running.flight.emplace(*roles.query, *roles.ingest, *roles.catalog);
  running.services = {.storage = roles.storage,
                      .catalog = roles.catalog,
                      .ingest = roles.ingest,
                      .query = roles.query,
                      .vectors = roles.vectors,
                      .loads = roles.loads};
  http::AddGatewayPages(running.router);
  return running;
}

struct RoleRow {
  Role role;
  std::string_view name;
  const std::string& (*bind)(const config::Settings&);
  Result<RunningRole> (*make)(const Process&);
};
const RoleRow kRoles[] = {
    {Role::kServe, "gateway", [](const config::Settings& s) -> const std::string& { return s.gateway.bind; },
     MakeServe},
    {Role::kGateway, "gateway", [](const config::Settings& s) -> const std::string& { return s.gateway.bind; },
     MakeGateway},
    {Role::kStoraged, "storaged", [](const config::Settings& s) -> const std::string& { return s.storaged.bind; },
     MakeStoraged},
    {Role::kCatalogd, "catalogd", [](const config::Settings& s) -> const std::string& { return s.catalogd.bind; },
     MakeCatalogd},
    {Role::kIngestd, "ingestd", [](const config::Settings& s) -> const std::string& { return s.ingestd.bind; },
     MakeIngestd},
    {Role::kQueryd, "queryd", [](const config::Settings& s) -> const std::string& { return s.queryd.bind; },
     MakeQueryd},
    {Role::kVectord, "vectord", [](const config::Settings& s) -> const std::string& { return s.vectord.bind; },
     MakeVectord},
};

const RoleRow& RowOf(Role role) { return *std::ranges::find(kRoles, role, &RoleRow::role); }

}  // namespace

std::string_view RoleName(Role role) { return RowOf(role).name; }
const std::string& BindOf(Role role, const config::Settings& settings) { return RowOf(role).bind(settings); }
Result<RunningRole> MakeRole(Role role, const Process& process) { return RowOf(role).make(process); }

Result<RunningRole> MakeEmbedded(const Process& process) {
  RunningRole running;
  LH_ASSIGN(const LocalLake lake, OpenLake(running, process));
  AddMcp(running, lake.agents(), process);
  running.ready = AllReady(lake.parts());
  return running;
}

}  // namespace lakehouse::server
