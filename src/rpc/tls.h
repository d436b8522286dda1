// TLS for the gRPC listener: what clients are shown is the process's certificate at the moment of their handshake.
// Private to rpc/.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "net/tls_files.h"

namespace lakehouse::rpc {

// REQUIRES: it outlives the server that listens with it.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(std::shared_ptr<net::TlsFiles> files);

}  // namespace lakehouse::rpc
