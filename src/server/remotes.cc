#include "server/remotes.h"

#include "http/proxy.h"
#include "object/remote_store.h"
#include "rpc/remote.h"
#include "service/catalog_remote.h"
#include "service/ingest_remote.h"
#include "service/query_remote.h"
#include "service/vectors_remote.h"

namespace lakehouse::server {
namespace {

// Where a role is: who asks, whom, and at which URL.
struct Target {
  const Process& process;
  std::string field, name;
  const std::string& url;
};

Target TargetOf(const Process& process, const std::string& section, const char* name, const std::string& url) {
  return {process, fmt::format("[{}] {}_url", section, name), name, url};
}

rpc::RemoteOptions OverGrpc(const Target& to) {
  return {to.field, to.name, to.url, to.process.role_token, to.process.settings.tls.ca_file};
}

// Over gRPC or over HTTP, as the URL says.
template <typename Interface, typename OverHttp>
Result<std::unique_ptr<Interface>> Open(const Target& to,
                                        Result<std::unique_ptr<Interface>> (*over_grpc)(const rpc::RemoteOptions&),
                                        OverHttp over_http) {
  if (rpc::IsGrpcUrl(to.url)) return over_grpc(OverGrpc(to));
  LH_TRY(http::ParseUpstreamUrl(to.field, to.url));
  return over_http();
}

template <typename Remote, typename Interface>
Result<std::unique_ptr<Interface>> OpenRole(
    const Target& to, Result<std::unique_ptr<Interface>> (*over_grpc)(const rpc::RemoteOptions&)) {
  return Open(to, over_grpc, [&]() -> std::unique_ptr<Interface> {
    return std::make_unique<Remote>(service::RemoteRole(to.process.http, to.name, to.url, to.process.role_token));
  });
}

}  // namespace

Result<std::unique_ptr<object::ObjectStore>> OpenStoraged(const Process& process, const std::string& section,
                                                          const std::string& url) {
  return Open(
      TargetOf(process, section, "storaged", url), rpc::OpenRemoteStore, [&]() -> std::unique_ptr<object::ObjectStore> {
        return std::make_unique<object::RemoteStore>(process.http, object::RemoteStoreOptions{url, process.role_token});
      });
}

Result<std::unique_ptr<service::Catalog>> OpenCatalogd(const Process& process, const std::string& section,
                                                       const std::string& url) {
  return OpenRole<service::RemoteCatalog>(TargetOf(process, section, "catalogd", url), rpc::OpenRemoteCatalog);
}

Result<std::unique_ptr<service::Ingest>> OpenIngestd(const Process& process, const std::string& section,
                                                     const std::string& url) {
  return OpenRole<service::RemoteIngest>(TargetOf(process, section, "ingestd", url), rpc::OpenRemoteIngest);
}

Result<std::unique_ptr<service::Query>> OpenQueryd(const Process& process, const std::string& section,
                                                   const std::string& url) {
  return OpenRole<service::RemoteQuery>(TargetOf(process, section, "queryd", url), rpc::OpenRemoteQuery);
}

Result<std::unique_ptr<service::Vectors>> OpenVectord(const Process& process, const std::string& section,
                                                      const std::string& url) {
  return OpenRole<service::RemoteVectors>(TargetOf(process, section, "vectord", url), rpc::OpenRemoteVectors);
}

Result<std::unique_ptr<service::VectorLoads>> OpenVectordLoads(const Process& process, const std::string& section,
                                                               const std::string& url) {
  return rpc::OpenRemoteVectorLoads(OverGrpc(TargetOf(process, section, "vectord", url)));
}

}  // namespace lakehouse::server
