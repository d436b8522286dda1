// What every role of a process shares. Made once, outlives all parts.
#pragma once

#include <memory>
#include <string>

#include "auth/access.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/secrets.h"
#include "config/settings.h"
#include "net/http_client.h"
#include "net/tls_files.h"
#include "observe/metrics.h"

namespace lakehouse::server {

struct Process {
  const config::Settings& settings;
  const config::Environment& environment;
  const config::SecretsProvider& secrets;
  const std::string role_token;
  const Clock& clock;
  const Logger& log;
  observe::Metrics& metrics;
  net::HttpClient& http;
  auth::Access& access;
  const auth::Audit& audit;
  const std::shared_ptr<net::TlsFiles> tls{};  // nullptr: no listener speaks TLS
};

// Work of the process itself, on nobody's behalf.
inline RequestContext InternalContext(Deadline deadline = {}) {
  RequestContext context;
  context.internal = true;
  context.deadline = deadline;
  return context;
}

}  // namespace lakehouse::server
