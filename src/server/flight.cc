#include "server/flight.h"

namespace lakehouse::server {

std::string FlightBindOf(Role role, const config::Settings& settings) {
  return role == Role::kServe || role == Role::kGateway ? settings.flight.bind : "off";
}

Result<std::unique_ptr<flight::Server>> BindFlight(Role role, const Process& process) {
  const config::Settings& settings = process.settings;
  flight::Options options;
  options.bind = FlightBindOf(role, settings);
  if (options.bind == "off") return nullptr;
  options.tls = process.tls;
  options.max_calls = static_cast<uint32_t>(settings.server.max_requests);
  options.query_timeout = settings.queryd.timeout;
  options.ingest_timeout = settings.ingestd.timeout;
  options.stall_timeout = settings.flight.stall_timeout;
  options.ticket_lifetime = settings.flight.ticket_lifetime;
  return flight::Server::Bind(options, process.access, process.audit, process.clock, process.log, process.metrics);
}

}  // namespace lakehouse::server
