// The routes of each role, over the service interfaces. Each function adds a role's routes to a table; patterns are the
// internal ones of docs/contract.md, and the gateway mounts the same table under /v1.
// REQUIRES: what is handed in outlives the server that serves the router.
#pragma once

#include <functional>
#include <string>

#include "auth/keys.h"
#include "http/server.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/query.h"
#include "service/storage.h"
#include "service/vector_load.h"
#include "service/vectors.h"

namespace lakehouse::http {

void AddStorageRoutes(Router& router, service::Storage& storage);
void AddCatalogRoutes(Router& router, service::Catalog& catalog);

struct IngestRouteOptions {
  std::chrono::milliseconds deadline{std::chrono::hours(1)};
};
void AddIngestRoutes(Router& router, service::Ingest& ingest, IngestRouteOptions options);

struct QueryRouteOptions {
  // The longest a query may run; the route itself may take longer while a slow client reads.
  std::chrono::milliseconds deadline{std::chrono::hours(1)};
};
void AddQueryRoutes(Router& router, service::Query& query, QueryRouteOptions options);

// The same routes without anything that could answer them, for descriptions: none of them may be called.
void DescribeStorageRoutes(Router& router);
void DescribeCatalogRoutes(Router& router);
void DescribeIngestRoutes(Router& router);
void DescribeQueryRoutes(Router& router);
void DescribeVectorRoutes(Router& router);

struct VectorRouteOptions {
  std::chrono::milliseconds deadline{std::chrono::minutes(10)};
  std::chrono::milliseconds load_deadline{std::chrono::hours(1)};  // of adds, which may read a whole dataset
  service::VectorLoads* loader = nullptr;
};
void AddVectorRoutes(Router& router, service::Vectors& vectors, VectorRouteOptions options = {});

// /v1/keys, at the gateway: whole patterns, not mounted.
void AddKeyRoutes(Router& router, auth::Keys& keys);

// GET /health, /ready and /metrics. `ready` may block until its deadline.
using ReadyCheck = std::function<Status(const RequestContext&)>;
void AddHealthRoutes(Router& router, const std::string& service, ReadyCheck ready, observe::Metrics& metrics);

// GET /v1/openapi.json and GET / (a page that says what this is). The document has `router`'s routes as they are now,
// and those of the roles behind it: a gateway alone describes what one process with all roles does.
void AddGatewayPages(Router& router);

}  // namespace lakehouse::http
