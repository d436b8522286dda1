#include "server/grpc.h"

#include "server/roles.h"

namespace lakehouse::server {

const std::string& GrpcBindOf(Role role, const config::Settings& settings) {
  switch (role) {
    case Role::kServe:
    case Role::kGateway:
      return settings.grpc.bind;
    case Role::kStoraged:
      return settings.storaged.grpc_bind;
    case Role::kCatalogd:
      return settings.catalogd.grpc_bind;
    case Role::kIngestd:
      return settings.ingestd.grpc_bind;
    case Role::kQueryd:
      return settings.queryd.grpc_bind;
    case Role::kVectord:
      return settings.vectord.grpc_bind;
  }
  return settings.grpc.bind;
}

Result<std::unique_ptr<rpc::Server>> BindGrpc(Role role, const Process& process) {
  const config::Settings& settings = process.settings;
  rpc::ServerOptions options;
  options.bind = GrpcBindOf(role, settings);
  if (options.bind == "off") return nullptr;
  options.service = RoleName(role);
  options.max_calls = static_cast<unsigned>(settings.server.max_requests);
  options.max_streams = static_cast<unsigned>(settings.grpc.max_streams);
  options.max_message_bytes = settings.grpc.max_message;
  // Messages on their way share the process's memory with everything else.
  options.memory_bytes = std::max<uint64_t>(settings.server.memory_limit / 8, 4 * settings.grpc.max_message);
  options.access = &process.access;
  options.audit = &process.audit;
  options.tls = process.tls;
  const bool at_the_edge = role == Role::kServe || role == Role::kGateway;
  options.search_in_place = role != Role::kGateway;
  if (!at_the_edge) options.role_token = process.role_token;
  return rpc::Server::Bind(std::move(options), process.log, process.metrics);
}

}  // namespace lakehouse::server
