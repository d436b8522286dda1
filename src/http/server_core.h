// What the loops, the handler threads and the exchanges of one server share. Private to http/.
#pragma once

#include <atomic>
#include <map>

#include "http/server.h"
#include "http/server_access.h"
#include "http/tls.h"
#include "observe/metrics.h"
#include "observe/request_id.h"

namespace lakehouse::http {

// The figures of one route. Routes are counted by pattern: paths would make a series for every key.
struct RouteMetrics {
  observe::Counter* by_class[6] = {};  // 2xx at [2] … 5xx at [5]
  observe::Histogram* seconds = nullptr;
};

struct ServerMetrics {
  observe::Counter* bytes_in;
  observe::Counter* bytes_out;
  observe::Gauge* in_flight;
  observe::Gauge* connections;
  observe::Gauge* handler_threads;
  observe::Counter* refused;  // connections past max_connections
  RouteMetrics no_route;      // refused before a route was found
  std::map<const Route*, RouteMetrics> routes;
};

struct ServerCore {
  ServerCore(ServerOptions server_options, const Logger& logger, observe::Metrics& registry)
      : options(std::move(server_options)), log(logger), metrics_registry(registry), access(options) {}

  const ServerOptions options;
  const Logger& log;
  observe::Metrics& metrics_registry;
  const AccessRules access;
  std::unique_ptr<TlsSessions> tls;  // nullptr: plain; set before Start, then const
  Router router;                     // set by Start, then const
  ServerMetrics metrics;             // set by Start, then const
  observe::RequestIds request_ids;
  std::atomic<bool> stopping{false};
  std::atomic<unsigned> in_flight{0};
  std::atomic<unsigned> connections{0};
  std::atomic<size_t> lingering{0};  // handler threads that wait for a connection's next request

  // One of max_handlers places; each true is given back with Leave.
  bool TryEnter() {
    if (in_flight.fetch_add(1, std::memory_order_acq_rel) < options.max_handlers) return true;
    in_flight.fetch_sub(1, std::memory_order_acq_rel);
    return false;
  }
  void Leave() { in_flight.fetch_sub(1, std::memory_order_acq_rel); }
};

}  // namespace lakehouse::http
