#include "server/embedded_lake.h"

#include <optional>
#include <thread>

#include "observe/request_id.h"
#include "server/data_folder.h"
#include "server/roles.h"

namespace lakehouse::server {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kPause{5};

class Lake final : public EmbeddedLake {
 public:
  Lake(config::LoadedSettings loaded, const config::Environment& environment)
      : loaded_(std::move(loaded)),
        environment_(environment),
        log_("mcp", loaded_.settings.server.log_level, loaded_.settings.server.log_format),
        secrets_(environment_, loaded_.settings.server.data_dir),
        http_({.ca_file = loaded_.settings.tls.ca_file}),
        access_({}, SystemClock()),
        audit_(auth::Audit::Which::kOff, log_),
        process_{loaded_.settings, environment_, secrets_, "", SystemClock(), log_, metrics_, http_, access_, audit_} {}
  ~Lake() override {
    if (!running_) return;
    Stop();
    running_->kept.Release();
  }

  Status Open() {
    for (const std::string& warning : loaded_.warnings) log_.Warn(warning);
    LH_TRY(MakeDataFolder(loaded_.settings.server.data_dir));
    LH_ASSIGN(auto running, MakeEmbedded(process_));
    running_.emplace(std::move(running));
    const Deadline patience = Deadline::After(kPatience);
    while (true) {
      const Status ready = running_->ready(InternalContext(patience));
      if (ready || ready.error().kind != ErrorKind::kUnavailable || patience.HasPassed()) return ready;
      std::this_thread::sleep_for(kPause);
    }
  }

  Status Serve(const RequestContext& context, const http::DirectRequest& request, http::DirectAnswer& answer) override {
    RequestContext named = context;
    named.request_id = request_ids_.Make();
    return http::Serve(running_->router, named, request, answer);
  }
  void Stop() override { running_->before_stop(); }

 private:
  const config::LoadedSettings loaded_;
  const config::Environment environment_;
  const Logger log_;
  const config::SecretsProvider secrets_;
  observe::Metrics metrics_;
  net::HttpClient http_;
  auth::Access access_;
  const auth::Audit audit_;
  observe::RequestIds request_ids_;
  const Process process_;
  std::optional<RunningRole> running_;
};

}  // namespace

Result<std::unique_ptr<EmbeddedLake>> EmbeddedLake::Open(config::LoadedSettings loaded,
                                                         const config::Environment& environment) {
  auto lake = std::make_unique<Lake>(std::move(loaded), environment);
  LH_TRY(lake->Open());
  return lake;
}

}  // namespace lakehouse::server
