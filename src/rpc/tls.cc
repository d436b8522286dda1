#include "rpc/tls.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/mutex.h"

namespace lakehouse::rpc {
namespace {

// gRPC's C++ interface takes a certificate once, or watches files that it does not check; its C interface asks for one
// at each handshake.
class FileCredentials final : public grpc::ServerCredentials {
 public:
  explicit FileCredentials(std::shared_ptr<net::TlsFiles> files)
      : files_(std::move(files)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
                         grpc_ssl_server_credentials_create_options_using_config_fetcher(
                             GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, Fetch, this)),
                     grpc_server_credentials_release) {}

  // Keys are checked where calls begin (call.cc).
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_.get());
  }

  static grpc_ssl_certificate_config_reload_status Fetch(void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<FileCredentials*>(self)->Show(config);
  }

  grpc_ssl_certificate_config_reload_status Show(grpc_ssl_server_certificate_config** config) LH_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    auto pair = files_->Current();
    if (pair == shown_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pem{pair->key.c_str(), pair->certificate.c_str()};
    // gRPC 1.51 wants roots here whether clients are asked for certificates or not; they are not.
    *config = grpc_ssl_server_certificate_config_create(pair->certificate.c_str(), &pem, 1);
    shown_ = std::move(pair);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<net::TlsFiles> files_;
  const std::unique_ptr<grpc_server_credentials, void (*)(grpc_server_credentials*)> credentials_;
  Mutex mutex_;
  std::shared_ptr<const net::TlsPair> shown_ LH_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(std::shared_ptr<net::TlsFiles> files) {
  return std::make_shared<FileCredentials>(std::move(files));
}

}  // namespace lakehouse::rpc
