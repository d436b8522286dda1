// What all calls of a server share. Thread-safe as its parts are.
#pragma once

#include <optional>

#include "flight/active_queries.h"
#include "flight/prepared.h"
#include "flight/server.h"
#include "flight/session.h"
#include "flight/ticket.h"

namespace lakehouse::flight {

struct State {
  State(Options chosen, const Clock& clock)
      : options(std::move(chosen)), tickets(options.ticket_lifetime, clock), sessions(clock), prepared(clock) {}
  const Options options;
  std::optional<Services> services;  // there before the first call is let in
  TicketOffice tickets;
  Sessions sessions;
  PreparedStatements prepared;
  ActiveQueries active;
};

}  // namespace lakehouse::flight
