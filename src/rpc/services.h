// gRPC's services, each a translator over one service interface. Private to rpc/. REQUIRES: host and service outlive
// what is made.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "rpc/host.h"

namespace lakehouse::rpc {

std::unique_ptr<grpc::Service> MakeStorageService(Host& host, service::Storage& storage);
std::unique_ptr<grpc::Service> MakeCatalogService(Host& host, service::Catalog& catalog);
std::unique_ptr<grpc::Service> MakeIngestService(Host& host, service::Ingest& ingest);
std::unique_ptr<grpc::Service> MakeQueryService(Host& host, service::Query& query);
// `loads`: nullptr where datasets cannot be loaded.
std::unique_ptr<grpc::Service> MakeVectorsService(Host& host, service::Vectors& vectors, service::VectorLoads* loads);

}  // namespace lakehouse::rpc
