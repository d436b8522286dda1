// Arrow Flight SQL over service/. The public face of this folder: no Arrow or protobuf type appears here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "auth/access.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/tls_files.h"
#include "observe/metrics.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/query.h"

namespace lakehouse::flight {

// REQUIRES: all outlive the server.
struct Services {
  service::Query& query;
  service::Ingest& ingest;
  service::Catalog& catalog;
};

struct Options {
  std::string bind;                                // host:port; port 0: any
  std::shared_ptr<net::TlsFiles> tls{};            // nullptr: no TLS
  uint32_t max_calls = 256;                        // at once; the next is refused
  std::chrono::milliseconds query_timeout{60000};  // of a statement, its rows on their way included
  std::chrono::milliseconds ingest_timeout{3600000};
  std::chrono::milliseconds stall_timeout{30000};  // of a client that takes no row
  std::chrono::milliseconds ticket_lifetime{900000};
};

class Server {
 public:
  // Listens, on threads of its own, and answers UNAVAILABLE until Start. kInvalid or kUnavailable naming the address
  // when it cannot. REQUIRES: everything referred to outlives the server.
  static Result<std::unique_ptr<Server>> Bind(const Options& options, const auth::Access& access,
                                              const auth::Audit& audit, const Clock& clock, const Logger& log,
                                              observe::Metrics& metrics);
  // Stops as Stop does, without waiting for calls.
  ~Server();
  // Serves. REQUIRES: called once.
  void Start(Services services);
  const std::string& address() const;  // host:port as bound
  // Takes no further calls, waits for those that run until the deadline and ends the rest. Blocks.
  void Stop(Deadline deadline);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::flight
