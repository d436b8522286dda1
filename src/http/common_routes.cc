#include <algorithm>

#include "base/json.h"
#include "http/api_schemas.h"
#include "http/openapi.h"
#include "http/routes.h"
#include "version.h"

namespace lakehouse::http {
namespace {

constexpr std::chrono::seconds kReadyDeadline{5};

constexpr std::string_view kFrontPage = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lakehouse</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}
pre{background:#f4f4f4;padding:1rem;overflow:auto}</style></head><body>
<h1>Lakehouse</h1>
<p>This server turns files into tables and answers SQL.</p>
<pre>lakehouse ingest trips.csv --name trips
lakehouse sql "SELECT count(*) FROM trips"

curl -T trips.csv -X POST -H 'Content-Type: text/csv' 'http://HOST/v1/ingest?name=trips'
curl http://HOST/v1/sql -d '{"sql":"SELECT count(*) FROM trips"}'</pre>
<p><a href="/v1/openapi.json">API description</a> &middot; <a href="/health">health</a> &middot;
<a href="/ready">readiness</a> &middot; <a href="/metrics">metrics</a></p>
</body></html>
)";

std::string HealthJson(std::string_view service) {
  std::string body;
  JsonWriter(body)
      .BeginObject()
      .Key("service")
      .String(service)
      .Key("status")
      .String("ok")
      .Key("version")
      .String(kVersion)
      .EndObject();
  return body;
}

std::string ReadyJson(std::string_view service) {
  std::string body;
  JsonWriter(body).BeginObject().Key("service").String(service).Key("status").String("ready").EndObject();
  return body;
}

// The router's routes, and those of the roles' that it has not itself.
Router WithRolesBehind(const Router& router) {
  Router roles;
  DescribeStorageRoutes(roles);
  DescribeCatalogRoutes(roles);
  DescribeIngestRoutes(roles);
  DescribeQueryRoutes(roles);
  DescribeVectorRoutes(roles);
  Router behind;
  behind.Mount("/v1", roles);
  Router all = router;
  for (const Route& route : behind.routes()) {
    const bool known = std::ranges::any_of(router.routes(), [&route](const Route& own) {
      return own.method == route.method && own.pattern == route.pattern;
    });
    if (!known) all.Add(route);
  }
  return all;
}

}  // namespace

void AddHealthRoutes(Router& router, const std::string& service, ReadyCheck ready, observe::Metrics& metrics) {
  router.Add({.method = "GET",
              .pattern = "/health",
              .handler = [body = HealthJson(service)](const RequestContext&, Request&,
                                                      Response& response) { return response.SendJson(200, body); },
              .summary = "The process is alive",
              .dispatch = Dispatch::kInline,
              .doc = {.answers = "200 application/json Health", .schemas = kHealthSchemas},
              .scope = kOpen});
  router.Add({.method = "GET",
              .pattern = "/ready",
              .handler = [body = ReadyJson(service), ready = std::move(ready)](const RequestContext& context, Request&,
                                                                               Response& response) -> Status {
                auto status = ready(context);
                if (!status) {
                  Error error{ErrorKind::kUnavailable, std::move(status.error().detail), std::chrono::seconds(1), {}};
                  return Fail(std::move(error));
                }
                return response.SendJson(200, body);
              },
              .summary = "The role can serve; 503 with the reason until then",
              .deadline = kReadyDeadline,
              .doc = {.answers = "200 application/json Health", .schemas = kHealthSchemas},
              .scope = kOpen});
  router.Add({.method = "GET",
              .pattern = "/metrics",
              .handler =
                  [&metrics](const RequestContext&, Request&, Response& response) {
                    return response.Send(200, "text/plain; version=0.0.4; charset=utf-8", metrics.Render());
                  },
              .summary = "Prometheus text",
              .doc = {.answers = "200 text/plain text"},
              .scope = auth::Scope::kRead});
}

void AddGatewayPages(Router& router) {
  router.Add({.method = "GET",
              .pattern = "/",
              .handler =
                  [](const RequestContext&, Request&, Response& response) {
                    response.SetHeader("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
                    return response.Send(200, "text/html; charset=utf-8", kFrontPage);
                  },
              .summary = "A page that says what this is",
              .dispatch = Dispatch::kInline,
              .doc = {.answers = "200 text/html text"},
              .scope = kOpen});
  Route route{.method = "GET",
              .pattern = "/v1/openapi.json",
              .handler = {},
              .summary = "This API as an OpenAPI 3.1 document",
              .doc = {.answers = "200 application/json bytes"},
              .scope = kOpen};
  Router described = WithRolesBehind(router);
  described.Add(route);
  route.handler = [document = OpenApiJson(described, kVersion)](const RequestContext&, Request&, Response& response) {
    return response.SendJson(200, document);
  };
  router.Add(std::move(route));
}

}  // namespace lakehouse::http
