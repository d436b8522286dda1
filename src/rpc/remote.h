// Another role over gRPC, as the interfaces that its callers know: what *_remote of service/ and object/ are over HTTP.
//
// What is opened connects when it is first called, and again when the role comes back. Errors keep the role's kind,
// words and members; one that cannot be reached is kUnavailable naming the role, one that breaks off is kAmbiguous.
// Reads are repeated by the one retry policy (net/retry.h). Callable from any thread; blocking, with the context's
// deadline; a context that is cancelled ends its calls at the role too.
#pragma once

#include <memory>
#include <string>

#include "object/object_store.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/query.h"
#include "service/vector_load.h"
#include "service/vectors.h"

namespace lakehouse::rpc {

struct RemoteOptions {
  std::string field;       // the setting that has the URL, in messages: "[queryd] storaged_url"
  std::string name;        // of the role, in messages: "storaged"
  std::string url;         // grpc://host:port, or grpcs:// for TLS
  std::string role_token;  // shows that we are a role
  std::string ca_file{};   // PEM file of the authorities that grpcs servers are believed by; empty: the system's
};

// A URL that asks for gRPC; who opens it says what is wrong with it.
bool IsGrpcUrl(std::string_view url);

// kInvalid naming the field for a URL that is no grpc(s)://host:port.
Result<std::unique_ptr<object::ObjectStore>> OpenRemoteStore(const RemoteOptions& options);
Result<std::unique_ptr<service::Catalog>> OpenRemoteCatalog(const RemoteOptions& options);
Result<std::unique_ptr<service::Ingest>> OpenRemoteIngest(const RemoteOptions& options);
Result<std::unique_ptr<service::Query>> OpenRemoteQuery(const RemoteOptions& options);
Result<std::unique_ptr<service::Vectors>> OpenRemoteVectors(const RemoteOptions& options);
Result<std::unique_ptr<service::VectorLoads>> OpenRemoteVectorLoads(const RemoteOptions& options);

}  // namespace lakehouse::rpc
