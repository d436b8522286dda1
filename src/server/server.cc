#include "server/server.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "server/roles.h"
#include "server/signals.h"

namespace lakehouse::server {
namespace {

Status MakeDataFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Fail(
        ErrnoError(error.value(), fmt::format("cannot make the data folder {} ([server] data_dir)", folder.string())));
  if (::access(folder.c_str(), W_OK) != 0) {
    return Fail(
        ErrnoError(errno, fmt::format("cannot write to the data folder {} ([server] data_dir)", folder.string())));
  }
  return {};
}

bool IsLoopback(std::string_view bind) {
  return bind.starts_with("127.") || bind.starts_with("localhost:") || bind.starts_with("[::1]:");
}

Status CheckExposure(std::string_view bind, bool has_keys, bool insecure) {
  if (IsLoopback(bind) || has_keys || insecure) return {};
  return Fail(ErrorKind::kInvalid,
              "{} can be reached from other machines, and no API keys are set up: set LAKEHOUSE_SECRET_API_KEYS, bind "
              "a loopback address, or say --insecure",
              bind);
}

http::ServerOptions ServerOptionsOf(Role role, const Process& process, std::vector<std::string> api_keys) {
  const config::Settings& settings = process.settings;
  http::ServerOptions options;
  options.bind = BindOf(role, settings);
  options.service = RoleName(role);
  options.io_threads = static_cast<unsigned>(settings.server.io_threads);
  options.max_handlers = static_cast<unsigned>(settings.server.max_requests);
  options.hosts = settings.gateway.hosts;
  options.api_keys = std::move(api_keys);
  options.role_token = process.role_token;
  options.strip_role_token = role == Role::kServe || role == Role::kGateway;
  return options;
}

// Everything between the settings and the wait for a signal.
Status RunUntilSignal(Role role, const Process& process, const StopSignals& signals) {
  LH_ASSIGN(auto api_keys, process.secrets.ApiKeys());
  const std::string& bind = BindOf(role, process.settings);
  LH_TRY(CheckExposure(bind, !api_keys.empty(), process.settings.server.insecure));
  LH_ASSIGN(const auto server,
            http::Server::Bind(ServerOptionsOf(role, process, std::move(api_keys)), process.log, process.metrics));
  LH_ASSIGN(RunningRole running, MakeRole(role, process));
  server->Start(std::move(running.router));
  process.log.Info("listening", {{"address", server->address()}});
  const int signal = signals.Wait();
  process.log.Info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  if (running.before_stop) running.before_stop();
  server->Stop(Deadline::After(process.settings.server.drain_timeout));
  while (!running.kept.empty()) running.kept.pop_back();
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
  net::HttpClient http({});
  const Process process{settings, environment, secrets, *token, SystemClock(), log, metrics, http};
  const Status ran = RunUntilSignal(role, process, signals);
  return ran ? 0 : fail(ran.error());
}

}  // namespace lakehouse::server
