// Wiring: which parts a role is made of, in what order they start and stop, and what signals do.
#pragma once

#include "config/secrets.h"
#include "config/settings.h"

namespace lakehouse::server {

enum class Role { kServe, kGateway, kStoraged, kCatalogd, kIngestd, kQueryd, kVectord };

// Runs a role until SIGTERM or SIGINT and returns the process's exit status: 0 after a clean stop, 1 when it could not
// start (one clear line has been logged). Blocks. REQUIRES: called once, from the main thread, before other threads
// start.
int Run(Role role, const config::LoadedSettings& loaded, const config::Environment& environment);

}  // namespace lakehouse::server
