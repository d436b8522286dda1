// Which parts each role runs, and what its address is. The one table of roles.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/server.h"
#include "server/parts.h"
#include "server/process.h"
#include "server/server.h"

namespace lakehouse::server {

std::string_view RoleName(Role role);  // as in /health: "gateway" for serve too
const std::string& BindOf(Role role, const config::Settings& settings);

// What a role runs. Destroyed in the reverse order of its making.
struct RunningRole {
  std::vector<std::shared_ptr<void>> kept;
  http::Router router;
  // Ends what would otherwise keep a stopping server waiting, such as open event streams. May be empty.
  std::function<void()> before_stop{};
};

// kInvalid, kNotFound, … with one line for a person when the role can never work as it is set up.
Result<RunningRole> MakeRole(Role role, const Process& process);

}  // namespace lakehouse::server
