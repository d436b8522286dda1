// The other roles of a role alone, as its settings say: over HTTP for an http:// or https:// URL, over gRPC for
// grpc://. Who gets one cannot tell. REQUIRES: the process outlives what is opened.
#pragma once

#include <memory>
#include <string>

#include "object/object_store.h"
#include "server/process.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/query.h"
#include "service/vector_load.h"
#include "service/vectors.h"

namespace lakehouse::server {

// kInvalid naming the setting "[section] <role>_url" when the URL is none that leads to a role.
Result<std::unique_ptr<object::ObjectStore>> OpenStoraged(const Process& process, const std::string& section,
                                                          const std::string& url);
Result<std::unique_ptr<service::Catalog>> OpenCatalogd(const Process& process, const std::string& section,
                                                       const std::string& url);
Result<std::unique_ptr<service::Ingest>> OpenIngestd(const Process& process, const std::string& section,
                                                     const std::string& url);
Result<std::unique_ptr<service::Query>> OpenQueryd(const Process& process, const std::string& section,
                                                   const std::string& url);
Result<std::unique_ptr<service::Vectors>> OpenVectord(const Process& process, const std::string& section,
                                                      const std::string& url);
// Only for a grpc URL: over HTTP a gateway passes such requests on.
Result<std::unique_ptr<service::VectorLoads>> OpenVectordLoads(const Process& process, const std::string& section,
                                                               const std::string& url);

}  // namespace lakehouse::server
