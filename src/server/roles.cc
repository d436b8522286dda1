#include "server/roles.h"

#include <algorithm>

#include "http/proxy.h"
#include "http/routes.h"
#include "mcp/http_transport.h"
#include "service/catalog_remote.h"
#include "service/vectors_remote.h"

namespace lakehouse::server {
namespace {

using Parts = std::vector<Part*>;

http::ReadyCheck AllReady(Parts parts) {
  return [parts = std::move(parts)](const RequestContext& context) -> Status {
    for (Part* part : parts) LH_TRY(part->Ready(context));
    return {};
  };
}

service::RemoteRole RemoteOf(const Process& process, std::string name, const std::string& url) {
  return service::RemoteRole(process.http, std::move(name), url, process.role_token);
}

template <typename T>
T& Keep(RunningRole& running, const std::shared_ptr<T>& part) {
  running.kept.push_back(part);
  return *part;
}

template <typename T>
T& Keep(RunningRole& running, std::unique_ptr<T> part) {
  return Keep(running, std::shared_ptr<T>(std::move(part)));
}

void AddRole(RunningRole& running, Role role, const Parts& parts, const Process& process) {
  http::AddHealthRoutes(running.router, std::string(RoleName(role)), AllReady(parts), process.metrics);
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

Result<RunningRole> MakeServe(const Process& process) {
  RunningRole running;
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
  const Parts parts = {&storage, &catalog, &ingest, &query, &vectors};
  http::Router inner;
  for (Part* part : parts) part->AddRoutes(inner);
  http::AddHealthRoutes(running.router, std::string(RoleName(Role::kServe)), AllReady(parts), process.metrics);
  running.router.Mount("/v1", inner);
  AddMcp(running,
         {.catalog = &catalog.service(),
          .query = &query.service(),
          .ingest = &ingest.service(),
          .vectors = &vectors.service()},
         process);
  http::AddGatewayPages(running.router);
  return running;
}

Result<RunningRole> MakeStoraged(const Process& process) {
  RunningRole running;
  LH_ASSIGN(auto opened, StoragePart::Open(process));
  AddRole(running, Role::kStoraged, {&Keep(running, std::move(opened))}, process);
  return running;
}

Result<RunningRole> MakeCatalogd(const Process& process) {
  RunningRole running;
  auto& store = Keep(running, RemoteStorage(process, process.settings.catalogd.storaged_url));
  // Another catalogd may stand on the same storaged, or the same bucket.
  AddRole(running, Role::kCatalogd, {&Keep(running, std::make_shared<CatalogPart>(process, store, false))}, process);
  return running;
}

Result<RunningRole> MakeIngestd(const Process& process) {
  RunningRole running;
  const config::IngestdSettings& settings = process.settings.ingestd;
  auto& store = Keep(running, RemoteStorage(process, settings.storaged_url));
  auto& catalog =
      Keep(running, std::make_shared<service::RemoteCatalog>(RemoteOf(process, "catalogd", settings.catalogd_url)));
  LH_ASSIGN(auto opened, IngestPart::Open(process, store, catalog));
  AddRole(running, Role::kIngestd, {&Keep(running, std::move(opened))}, process);
  return running;
}

Result<RunningRole> MakeQueryd(const Process& process) {
  RunningRole running;
  const config::QuerydSettings& settings = process.settings.queryd;
  auto& store = Keep(running, RemoteStorage(process, settings.storaged_url));
  auto& catalog =
      Keep(running, std::make_shared<service::RemoteCatalog>(RemoteOf(process, "catalogd", settings.catalogd_url)));
  auto& replica = Keep(running, std::make_shared<ReplicaLake>(process, store, catalog));
  auto& vectors =
      Keep(running, std::make_shared<service::RemoteVectors>(RemoteOf(process, "vectord", settings.vectord_url)));
  LH_ASSIGN(auto opened, QueryPart::Open(process, store, true, replica.lake(), vectors));
  AddRole(running, Role::kQueryd, {&Keep(running, std::move(opened))}, process);
  return running;
}

Result<RunningRole> MakeVectord(const Process& process) {
  RunningRole running;
  const config::VectordSettings& settings = process.settings.vectord;
  auto& store = Keep(running, RemoteStorage(process, settings.storaged_url));
  auto& catalog =
      Keep(running, std::make_shared<service::RemoteCatalog>(RemoteOf(process, "catalogd", settings.catalogd_url)));
  LH_ASSIGN(auto opened, VectorPart::Open(process, store, catalog));
  AddRole(running, Role::kVectord, {&Keep(running, std::move(opened))}, process);
  return running;
}

struct Upstream {
  const char* name;
  const char* prefix;
  std::string config::GatewaySettings::* url;
};
constexpr Upstream kUpstreams[] = {{"storaged", "/v1/storage", &config::GatewaySettings::storaged_url},
                                   {"catalogd", "/v1/catalog", &config::GatewaySettings::catalogd_url},
                                   {"ingestd", "/v1/ingest", &config::GatewaySettings::ingestd_url},
                                   {"queryd", "/v1/sql", &config::GatewaySettings::queryd_url},
                                   {"vectord", "/v1/vectors", &config::GatewaySettings::vectord_url}};

Result<RunningRole> MakeGateway(const Process& process) {
  RunningRole running;
  std::vector<service::RemoteRole> needed;
  for (const Upstream& upstream : kUpstreams) {
    const std::string& url = process.settings.gateway.*upstream.url;
    LH_ASSIGN(const auto parsed, http::ParseUpstreamUrl(fmt::format("[gateway] {}_url", upstream.name), url));
    http::Route route;
    route.summary = fmt::format("Passed on to {}", upstream.name);
    route.deadline = std::chrono::hours(1);
    route.handler = http::MakeProxy(parsed);
    running.router.AddPrefix(upstream.prefix, std::move(route));
    needed.push_back(RemoteOf(process, upstream.name, url));
  }
  const http::ReadyCheck ready = [needed = std::move(needed)](const RequestContext& context) -> Status {
    for (const auto& role : needed) LH_TRY(role.Ready(context));
    return {};
  };
  http::AddHealthRoutes(running.router, std::string(RoleName(Role::kGateway)), ready, process.metrics);
  const config::GatewaySettings& gateway = process.settings.gateway;
  auto& catalog =
      Keep(running, std::make_shared<service::RemoteCatalog>(RemoteOf(process, "catalogd", gateway.catalogd_url)));
  auto& vectors =
      Keep(running, std::make_shared<service::RemoteVectors>(RemoteOf(process, "vectord", gateway.vectord_url)));
  AddMcp(running, {.catalog = &catalog, .vectors = &vectors}, process);
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

}  // namespace lakehouse::server
