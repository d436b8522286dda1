// The Arrow Flight SQL listener of a process, out of the settings.
#pragma once

#include <memory>
#include <string>

#include "flight/server.h"
#include "server/process.h"
#include "server/server.h"

namespace lakehouse::server {

// "off" where this role has none.
std::string FlightBindOf(Role role, const config::Settings& settings);
// nullptr where it is off. Errors as flight::Server::Bind's.
Result<std::unique_ptr<flight::Server>> BindFlight(Role role, const Process& process);

}  // namespace lakehouse::server
