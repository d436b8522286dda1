// The gRPC listener of a process: where, over what, with which limits, out of the settings.
#pragma once

#include <memory>
#include <string>

#include "rpc/server.h"
#include "server/process.h"
#include "server/server.h"

namespace lakehouse::server {

// "off" where this role has none.
const std::string& GrpcBindOf(Role role, const config::Settings& settings);
// nullptr where it is off. Errors as rpc::Server::Bind's.
Result<std::unique_ptr<rpc::Server>> BindGrpc(Role role, const Process& process);

}  // namespace lakehouse::server
