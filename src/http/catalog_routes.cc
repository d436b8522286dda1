#include <charconv>

#include "base/json.h"
#include "config/units.h"
#include "http/api_schemas.h"
#include "http/routes.h"
#include "service/catalog_json.h"

namespace lakehouse::http {
namespace {

// A manifest may name very many objects; past this a register must be split into appends.
constexpr uint64_t kMaxRegisterBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxGcBodyBytes = 64 << 10;
constexpr uint32_t kMaxListLimit = 10000;
constexpr std::chrono::milliseconds kMaxWait{60000};

Result<uint64_t> ParseUint(std::string_view text, std::string_view name) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(ErrorKind::kInvalid, "{} must be a whole number, not \"{}\"", name, text);
  }
  return value;
}

Result<DatasetVersion> ParseVersion(std::string_view text) {
  LH_ASSIGN(const uint64_t value, ParseUint(text, "version"));
  if (value == 0) return Fail(ErrorKind::kInvalid, "versions start at 1");
  return DatasetVersion(value);
}

Status SendNothing(Response& response) {
  LH_TRY(response.Start(204, 0));
  return response.Finish();
}

Status SendManifest(Response& response, const catalog::Manifest& manifest) {
  std::string body;
  JsonWriter json(body);
  service::AppendManifest(json, manifest);
  return response.SendJson(200, body);
}

Status Register(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxRegisterBytes));
  LH_ASSIGN(const auto parsed, service::ParseRegisterRequest(body));
  LH_ASSIGN(const auto result, catalog.Register(context, parsed));
  return response.SendJson(result.existing ? 200 : 201, service::RegisterResultJson(result));
}

Status List(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(request.OnlyQuery({"limit", "token"}));
  catalog::ListRequest list;
  if (const std::string* limit = request.query("limit")) {
    LH_ASSIGN(const uint64_t number, ParseUint(*limit, "limit"));
    if (number == 0) return Fail(ErrorKind::kInvalid, "limit must be 1 or more");
    list.limit = static_cast<uint32_t>(std::min<uint64_t>(number, kMaxListLimit));
  }
  if (const std::string* token = request.query("token")) list.token = *token;
  LH_ASSIGN(const auto page, catalog.List(context, list));
  return response.SendJson(200, service::ManifestPageJson(page));
}

Status Get(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(request.OnlyQuery({"version"}));
  std::optional<DatasetVersion> version;
  if (const std::string* text = request.query("version")) {
    LH_ASSIGN(version, ParseVersion(*text));
  }
  LH_ASSIGN(const auto manifest, catalog.Get(context, request.capture("name"), version));
  return SendManifest(response, manifest);
}

Status Drop(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(catalog.Drop(context, request.capture("name")));
  return SendNothing(response);
}

Status Snapshots(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const auto snapshots, catalog.Snapshots(context, request.capture("name")));
  return response.SendJson(200, service::SnapshotsJson(snapshots));
}

Status SetPin(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response,
              bool pinned) {
  LH_ASSIGN(const auto version, ParseVersion(request.capture("version")));
  LH_TRY(catalog.SetPin(context, request.capture("name"), version, pinned));
  return SendNothing(response);
}

Status FindSource(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(request.OnlyQuery({"mode"}));
  const std::string* mode_name = request.query("mode");
  LH_ASSIGN(const auto mode, service::ParseWriteMode(mode_name == nullptr ? "replace" : *mode_name));
  LH_ASSIGN(const auto found, catalog.FindSource(context, request.capture("name"), request.capture("sha256"), mode));
  if (!found)
    return Fail(ErrorKind::kNotFound, "no kept content of \"{}\" came from this source", request.capture("name"));
  return SendManifest(response, *found);
}

Status Epoch(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(request.OnlyQuery({"wait", "since"}));
  std::optional<Seq> since;
  std::chrono::milliseconds wait{0};
  if (const std::string* text = request.query("since")) {
    LH_ASSIGN(const uint64_t value, ParseUint(*text, "since"));
    since = Seq(value);
  }
  if (const std::string* text = request.query("wait")) {
    LH_ASSIGN(wait, config::ParseDuration(*text));
    wait = std::min(wait, kMaxWait);
  }
  LH_ASSIGN(const Seq seq, catalog.Epoch(context, since, wait));
  const std::string etag = fmt::format("\"{}\"", seq.value);
  response.SetHeader("ETag", etag);
  const std::string* known = request.header("If-None-Match");
  if (known != nullptr && *known == etag) {
    LH_TRY(response.Start(304, 0));
    return response.Finish();
  }
  return response.SendJson(200, fmt::format("{{\"seq\":{}}}", seq.value));
}

Status Gc(service::Catalog& catalog, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxGcBodyBytes));
  LH_ASSIGN(const auto parsed, service::ParseGcRequest(body));
  LH_ASSIGN(const auto report, catalog.Gc(context, parsed));
  return response.SendJson(200, service::GcReportJson(report));
}

// The catalog may be nullptr as long as no route is called.
void AddCatalogRoutesTo(Router& router, service::Catalog* catalog) {
  const auto bind = [catalog](auto function) {
    return [catalog, function](const RequestContext& context, Request& request, Response& response) {
      return function(*catalog, context, request, response);
    };
  };
  const auto pin = [catalog](bool pinned) {
    return [catalog, pinned](const RequestContext& context, Request& request, Response& response) {
      return SetPin(*catalog, context, request, response, pinned);
    };
  };
  constexpr const char* kManifest = "/catalog/manifest/{name}";
  constexpr const char* kPin = "/catalog/manifest/{name}/pins/{version}";
  router.Add({.method = "POST",
              .pattern = "/catalog/register",
              .handler = bind(Register),
              .summary = "Commit a dataset's objects as a new version",
              .doc = {.body = "application/json Register",
                      .answers = "200 application/json Registered, 201 application/json Registered",
                      .schemas = kCatalogSchemas},
              .scope = auth::Scope::kWrite});
  router.Add({.method = "GET",
              .pattern = "/catalog/list",
              .handler = bind(List),
              .summary = "Datasets by name, a page at a time",
              .doc = {.query = "limit:positive token",
                      .answers = "200 application/json ManifestPage",
                      .schemas = kCatalogSchemas},
              .scope = auth::Scope::kRead});
  router.Add(
      {.method = "GET",
       .pattern = kManifest,
       .handler = bind(Get),
       .summary = "A dataset's manifest, now or at a version",
       .doc = {.query = "version:positive", .answers = "200 application/json Manifest", .schemas = kCatalogSchemas},
       .scope = auth::Scope::kRead});
  router.Add({.method = "DELETE",
              .pattern = kManifest,
              .handler = bind(Drop),
              .summary = "Drop a dataset",
              .doc = {.answers = "204"},
              .scope = auth::Scope::kWrite});
  router.Add({.method = "GET",
              .pattern = "/catalog/manifest/{name}/snapshots",
              .handler = bind(Snapshots),
              .summary = "A dataset's kept versions, newest first",
              .doc = {.answers = "200 application/json Snapshots", .schemas = kCatalogSchemas},
              .scope = auth::Scope::kRead});
  router.Add({.method = "POST",
              .pattern = kPin,
              .handler = pin(true),
              .summary = "Keep a version whatever retention says",
              .doc = {.path = "version:positive", .answers = "204"},
              .scope = auth::Scope::kWrite});
  router.Add({.method = "DELETE",
              .pattern = kPin,
              .handler = pin(false),
              .summary = "Leave a version to retention again",
              .doc = {.path = "version:positive", .answers = "204"},
              .scope = auth::Scope::kWrite});
  router.Add(
      {.method = "GET",
       .pattern = "/catalog/manifest/{name}/sources/{sha256}",
       .handler = bind(FindSource),
       .summary = "The manifest whose content came from a source",
       .doc = {.query = "mode:replace|append", .answers = "200 application/json Manifest", .schemas = kCatalogSchemas},
       .scope = auth::Scope::kRead});
  router.Add({.method = "GET",
              .pattern = "/catalog/epoch",
              .handler = bind(Epoch),
              .summary = "The lake's newest seq; long-polls with wait and since",
              .deadline = kMaxWait + std::chrono::seconds(10),
              .doc = {.query = "wait:duration since:integer",
                      .headers = "If-None-Match",
                      .answers = "200 application/json Epoch, 304",
                      .schemas = kCatalogSchemas},
              .scope = auth::Scope::kRead});
  router.Add({.method = "POST",
              .pattern = "/catalog/gc",
              .handler = bind(Gc),
              .summary = "Remove objects that no kept version names",
              .deadline = std::chrono::minutes(30),
              .doc = {.body = "?application/json Collect",
                      .answers = "200 application/json Collected",
                      .schemas = kCatalogSchemas},
              .scope = auth::Scope::kAdmin});
}

}  // namespace

void AddCatalogRoutes(Router& router, service::Catalog& catalog) { AddCatalogRoutesTo(router, &catalog); }
void DescribeCatalogRoutes(Router& router) { AddCatalogRoutesTo(router, nullptr); }

}  // namespace lakehouse::http
