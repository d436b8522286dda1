#include "server/offline_keys.h"

#include "object/local_guest.h"
#include "server/parts.h"

namespace lakehouse::server {
namespace {

// What a backend wants of its process, on nobody's behalf.
class Keys final : public OfflineKeys {
 public:
  Keys(const config::Settings& settings, const config::Environment& environment)
      : secrets_(environment, settings.server.data_dir),
        access_({}, SystemClock()),
        audit_(auth::Audit::Which::kOff, Logger::Silent()),
        process_{settings,         environment, secrets_, "",      SystemClock(),
                 Logger::Silent(), metrics_,    http_,    access_, audit_} {}

  Status OpenStore() {
    const config::Settings& settings = process_.settings;
    if (settings.storaged.backend == "memory") {
      return Fail(ErrorKind::kInvalid,
                  "[storaged] backend is \"memory\": only its server has the keys; ask it with --url");
    }
    if (settings.storaged.backend == "s3") {
      LH_ASSIGN(store_, OpenS3Backend(process_));
    } else {
      LH_ASSIGN(store_, object::OpenLocalGuest(settings.server.data_dir / "store", process_.clock));
    }
    keys_ = std::make_unique<auth::KeyStore>(*store_, process_.clock);
    return {};
  }

  auth::KeyStore& keys() override { return *keys_; }

 private:
  const config::SecretsProvider secrets_;
  observe::Metrics metrics_;
  net::HttpClient http_{net::HttpClientOptions{}};
  auth::Access access_;
  const auth::Audit audit_;
  const Process process_;
  std::unique_ptr<object::ObjectStore> store_;
  std::unique_ptr<auth::KeyStore> keys_;
};

}  // namespace

Result<std::unique_ptr<OfflineKeys>> OfflineKeys::Open(const config::Settings& settings,
                                                       const config::Environment& environment) {
  auto keys = std::make_unique<Keys>(settings, environment);
  LH_TRY(keys->OpenStore());
  return keys;
}

}  // namespace lakehouse::server
