#include "server/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "server/data_folder.h"
#include "server/flight.h"
#include "server/grpc.h"
#include "server/roles.h"
#include "server/signals.h"

namespace lakehouse::server {
namespace {

bool IsLoopback(std::string_view bind) {
  return bind.starts_with("127.") || bind.starts_with("localhost:") || bind.starts_with("[::1]:");
}

constexpr std::chrono::seconds kFirstKeys{5};

// Every address that this role listens on.
std::vector<std::string> ListenersOf(Role role, const config::Settings& settings) {
  std::vector<std::string> listeners = {BindOf(role, settings), GrpcBindOf(role, settings),
                                        FlightBindOf(role, settings)};
  std::erase(listeners, "off");
  return listeners;
}

// What other machines reach has keys, or says that it has none.
Status CheckExposure(std::string_view bind, bool has_fixed_keys, auth::Keys& keys, const Process& process) {
  if (IsLoopback(bind)) return {};
  if (has_fixed_keys) return {};
  const auto usable = keys.CountUsable(Deadline::After(kFirstKeys));
  if (usable && *usable > 0) return {};
  if (process.settings.server.insecure) {
    process.log.Warn("INSECURE: without API keys everyone who reaches this address may read and change everything",
                     {{"address", std::string(bind)}});
    return {};
  }
  if (!usable) {
    process.log.Warn("callers are refused until the API keys can be read", {{"reason", usable.error().detail}});
    return {};
  }
  return Fail(ErrorKind::kInvalid,
              "{} can be reached from other machines, and there are no API keys: make one with 'lakehouse keys create "
              "NAME --scope admin', bind a loopback address, or say --insecure",
              bind);
}

// As many open files as this machine grants: what a shell starts with is for programs with a handful.
uint64_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

http::ServerOptions ServerOptionsOf(Role role, const Process& process, uint64_t most_files) {
  const config::Settings& settings = process.settings;
  http::ServerOptions options;
  options.bind = BindOf(role, settings);
  options.service = RoleName(role);
  options.io_threads = static_cast<unsigned>(settings.server.io_threads);
  options.max_handlers = static_cast<unsigned>(settings.server.max_requests);
  // A quarter is left for files and for connections to others.
  options.max_connections = static_cast<unsigned>(std::min<uint64_t>(options.max_connections, most_files / 4 * 3));
  options.hosts = settings.gateway.hosts;
  options.access = &process.access;
  options.audit = &process.audit;
  options.tls = process.tls;
  options.role_token = process.role_token;
  options.strip_role_token = role == Role::kServe || role == Role::kGateway;
  return options;
}

auth::Access::Options AccessOptionsOf(Role role, const config::Settings& settings,
                                      std::vector<std::string> fixed_keys) {
  auth::Access::Options options;
  options.fixed_keys = std::move(fixed_keys);
  options.has_store = true;
  options.must_have_key = !std::ranges::all_of(ListenersOf(role, settings), IsLoopback) && !settings.server.insecure;
  options.default_limits = {.calls_per_second = static_cast<uint32_t>(settings.auth.rate),
                            .concurrent_calls = static_cast<uint32_t>(settings.auth.concurrency)};
  return options;
}

// nullptr: no TLS.
Result<std::shared_ptr<net::TlsFiles>> LoadTls(const config::TlsSettings& settings, const Logger& log) {
  if (settings.cert.empty() && settings.key.empty()) return nullptr;
  return net::TlsFiles::Load(settings.cert, settings.key, log, SystemClock());
}

auth::Audit::Which AuditOf(const config::Settings& settings) {
  if (settings.audit.calls == "off") return auth::Audit::Which::kOff;
  return settings.audit.calls == "all" ? auth::Audit::Which::kAll : auth::Audit::Which::kWithKey;
}

// Everything between the settings and the wait for a signal.
Status RunUntilSignal(Role role, const Process& process, bool has_fixed_keys, const StopSignals& signals) {
  LH_ASSIGN(const auto server,
            http::Server::Bind(ServerOptionsOf(role, process, RaiseFileLimit()), process.log, process.metrics));
  LH_ASSIGN(const auto grpc, BindGrpc(role, process));
  LH_ASSIGN(const auto flight, BindFlight(role, process));
  LH_ASSIGN(RunningRole running, MakeRole(role, process));
  for (const std::string& bind : ListenersOf(role, process.settings)) {
    LH_TRY(CheckExposure(bind, has_fixed_keys, *running.keys, process));
  }
  if (grpc != nullptr) {
    LH_TRY(grpc->Start(running.services));
    process.log.Info("listening for gRPC", {{"address", grpc->address()}});
  }
  if (flight != nullptr && running.flight) {
    flight->Start(*running.flight);
    process.log.Info("listening for Arrow Flight SQL", {{"address", flight->address()}});
  }
  server->Start(std::move(running.router));
  process.log.Info("listening", {{"address", server->address()}});
  const int signal = signals.Wait();
  process.log.Info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  if (running.before_stop) running.before_stop();
  const Deadline drain = Deadline::After(process.settings.server.drain_timeout);
  server->Stop(drain);
  if (grpc != nullptr) grpc->Stop(drain);
  if (flight != nullptr) flight->Stop(drain);
  running.kept.Release();
  process.log.Info("stopped");
  return {};
}

}  // namespace

int Run(Role role, const config::LoadedSettings& loaded, const config::Environment& environment) {
  const StopSignals signals;
  const config::Settings& settings = loaded.settings;
  const Logger log(std::string(RoleName(role)), settings.server.log_level, settings.server.log_format);
  for (const std::string& warning : loaded.warnings) log.Warn(warning);
  const auto fail = [&log](const Error& error) {
    log.Error("cannot start: " + error.detail);
    return 1;
  };
  if (const auto made = MakeDataFolder(settings.server.data_dir); !made) return fail(made.error());
  const config::SecretsProvider secrets(environment, settings.server.data_dir);
  const auto token = secrets.RoleToken();
  if (!token) return fail(token.error());
  observe::Metrics metrics;
  net::HttpClient http({.ca_file = settings.tls.ca_file});
  auto fixed_keys = secrets.ApiKeys();
  if (!fixed_keys) return fail(fixed_keys.error());
  const bool has_fixed_keys = !fixed_keys->empty();
  auth::Access access(AccessOptionsOf(role, settings, std::move(*fixed_keys)), SystemClock());
  const auth::Audit audit(AuditOf(settings), log);
  auto tls = LoadTls(settings.tls, log);
  if (!tls) return fail(tls.error());
  const Process process{settings, environment, secrets, *token, SystemClock(),  log,
                        metrics,  http,        access,  audit,  std::move(*tls)};
  const Status ran = RunUntilSignal(role, process, has_fixed_keys, signals);
  return ran ? 0 : fail(ran.error());
}

}  // namespace lakehouse::server
