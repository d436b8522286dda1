#include "rpc/server.h"

#include <arpa/inet.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "rpc/host.h"
#include "rpc/readiness.h"
#include "rpc/services.h"
#include "rpc/tls.h"
#include "rpc/tune.h"

namespace lakehouse::rpc {
namespace {

struct HostPort {
  std::string host, port;
};

Result<HostPort> Split(std::string_view bind) {
  const size_t colon = bind.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == bind.size())
    return Fail(ErrorKind::kInvalid, "'{}' is not host:port", bind);
  std::string host(bind.substr(0, colon));
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return HostPort{host, std::string(bind.substr(colon + 1))};
}

// Binds once and lets go: gRPC itself does not say why it could not.
Status Probe(std::string_view bind) {
  LH_ASSIGN(const HostPort at, Split(bind));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(at.host.c_str(), at.port.c_str(), &hints, &found); failed != 0)
    return Fail(ErrorKind::kInvalid, "{}", gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  const FileDescriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.valid()) setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!socket.valid() || ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || listen(socket.get(), 1) != 0) {
    const int why = errno;
    return Fail(ErrorKind::kInvalid, "{}",
                why == EADDRINUSE ? "the port is in use; is another lakehouse running?" : std::strerror(why));
  }
  return {};
}

Error CannotListen(const ServerOptions& options, std::string_view why) {
  return {ErrorKind::kInvalid,
          fmt::format("{} cannot listen for gRPC on {} ([grpc] bind): {}", options.service, options.bind, why),
          std::nullopt,
          {}};
}

class GrpcServer final : public Server {
 public:
  GrpcServer(ServerOptions options, const Logger& log, observe::Metrics& metrics)
      : host_(std::move(options), log, metrics) {}
  ~GrpcServer() override { Stop(Deadline::After(std::chrono::seconds(0))); }

  Status Start(const Services& services) override;
  std::string address() const override { return address_; }
  void Stop(Deadline drain) override;

 private:
  template <typename Service, typename Make>
  void Add(const char* name, Service* service, Make make) {
    if (service == nullptr) return;
    services_.push_back(make(host_, *service));
    watched_.push_back({fmt::format("lakehouse.v1.{}", name),
                        [service](const RequestContext& context) { return service->Ready(context); }});
  }
  void Configure(grpc::ServerBuilder& builder) const;
  void WatchReadiness();

  Host host_;
  std::string address_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::vector<Readiness::Watched> watched_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Readiness> readiness_;
};

void GrpcServer::Configure(grpc::ServerBuilder& builder) const {
  const ServerOptions& options = host_.options;
  builder.SetMaxReceiveMessageSize(static_cast<int>(std::min<uint64_t>(options.max_message_bytes, INT32_MAX)));
  builder.SetMaxSendMessageSize(-1);
  builder.SetResourceQuota(grpc::ResourceQuota("lakehouse").Resize(options.memory_bytes));
  // A second server must not share the port without a word.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A peer that is gone without a word is found out.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

Status GrpcServer::Start(const Services& services) {
  Add("Storage", services.storage, MakeStorageService);
  Add("Catalog", services.catalog, MakeCatalogService);
  Add("Ingest", services.ingest, MakeIngestService);
  Add("Query", services.query, MakeQueryService);
  Add("Vectors", services.vectors,
      [&services](Host& host, service::Vectors& vectors) { return MakeVectorsService(host, vectors, services.loads); });
  LH_ASSIGN(const HostPort at, Split(host_.options.bind));
  grpc::ServerBuilder builder;
  Configure(builder);
  int port = 0;
  credentials_ = host_.options.tls != nullptr ? TlsCredentials(host_.options.tls) : grpc::InsecureServerCredentials();
  builder.AddListeningPort(host_.options.bind, credentials_, &port);
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) return Fail(CannotListen(host_.options, "another program took the port"));
  address_ = fmt::format("{}:{}", host_.options.bind.substr(0, host_.options.bind.rfind(':')), port);
  WatchReadiness();
  return {};
}

void GrpcServer::WatchReadiness() {
  auto* const health = server_->GetHealthCheckService();
  health->SetServingStatus("", false);
  for (const auto& one : watched_) health->SetServingStatus(one.name, false);
  readiness_ = std::make_unique<Readiness>(
      watched_, [health](const std::string& name, bool serving) { health->SetServingStatus(name, serving); });
}

void GrpcServer::Stop(Deadline drain) {
  if (server_ == nullptr) return;
  readiness_.reset();
  server_->GetHealthCheckService()->SetServingStatus(false);
  server_->Shutdown(std::chrono::system_clock::now() + drain.Remaining());
  server_->Wait();
  server_.reset();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Bind(ServerOptions options, const Logger& log, observe::Metrics& metrics) {
  if (const Status probed = Probe(options.bind); !probed) return Fail(CannotListen(options, probed.error().detail));
  TuneGrpc();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  return std::make_unique<GrpcServer>(std::move(options), log, metrics);
}

}  // namespace lakehouse::rpc
