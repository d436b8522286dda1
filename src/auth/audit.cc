#include "auth/audit.h"

#include <fmt/core.h>

#include <string>

namespace lakehouse::auth {

void Audit::Write(const Principal& caller, const AuditedCall& call) const {
  if (!Wants(caller)) return;
  log_.Info("audit", {{"door", std::string(call.door)},
                      {"key", caller.key_id},
                      {"name", caller.name},
                      {"call", std::string(call.call)},
                      {"status", std::string(call.status)},
                      {"request_id", std::string(call.request_id)},
                      {"bytes_in", std::to_string(call.bytes_in)},
                      {"bytes_out", std::to_string(call.bytes_out)},
                      {"ms", fmt::format("{:.3f}", call.took.count() * 1e3)}});
}

}  // namespace lakehouse::auth
