// Which parts each role runs, and what its address is. The one table of roles.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/keys.h"
#include "flight/server.h"
#include "http/routes.h"
#include "http/server.h"
#include "rpc/server.h"
#include "server/parts.h"
#include "server/process.h"
#include "server/server.h"

namespace lakehouse::server {

std::string_view RoleName(Role role);  // as in /health: "gateway" for serve too
const std::string& BindOf(Role role, const config::Settings& settings);

// The parts of a role. Each may use those before it, so the last goes first, also where a start has failed halfway.
class KeptParts {
 public:
  KeptParts() = default;
  KeptParts(KeptParts&&) noexcept = default;
  KeptParts& operator=(KeptParts&&) = delete;
  ~KeptParts() { Release(); }

  void Add(std::shared_ptr<void> part) { parts_.push_back(std::move(part)); }
  void Release() {
    while (!parts_.empty()) parts_.pop_back();
  }

 private:
  std::vector<std::shared_ptr<void>> parts_;
};

// What a role runs. Destroyed in the reverse order of its making.
struct RunningRole {
  KeptParts kept;
  http::Router router;
  // What is served over gRPC, where that is on.
  rpc::Services services{};
  // What is served over Arrow Flight SQL, where that is on.
  std::optional<flight::Services> flight{};
  // Where callers' keys come from; among `kept`.
  auth::Keys* keys = nullptr;
  // Ends what would otherwise keep a stopping server waiting, such as open event streams. May be empty.
  std::function<void()> before_stop{};
  // Of an embedded lake: whether it serves already.
  http::ReadyCheck ready{};
};

// kInvalid, kNotFound, … with one line for a person when the role can never work as it is set up.
Result<RunningRole> MakeRole(Role role, const Process& process);
// All that serve has and agents use, listening nowhere; the router holds /mcp.
Result<RunningRole> MakeEmbedded(const Process& process);

}  // namespace lakehouse::server
