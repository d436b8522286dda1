// Statements: what they give, and their rows.
#pragma once

#include <arrow/flight/server.h>
#include <arrow/type_fwd.h>

#include <memory>

#include "flight/call.h"
#include "flight/command.h"
#include "flight/state.h"

namespace lakehouse::flight {

// What a query gives, and the lake that this was found on.
struct Planned {
  std::shared_ptr<arrow::Schema> schema;
  Seq seq;
};
Result<Planned> Plan(State& state, Call& call, const pb::CommandStatementQuery& command);
// With what is bound to it, where parameters decide the types.
Result<Planned> Plan(State& state, Call& call, const pb::CommandPreparedStatementQuery& command);

// Runs the query of a ticket and sends its rows.
Result<std::unique_ptr<arrow::flight::FlightDataStream>> Run(State& state, Call& call,
                                                             const arrow::flight::ServerCallContext& context,
                                                             const Ticket& ticket,
                                                             const pb::CommandStatementQuery& command);
Result<std::unique_ptr<arrow::flight::FlightDataStream>> Run(State& state, Call& call,
                                                             const arrow::flight::ServerCallContext& context,
                                                             const Ticket& ticket,
                                                             const pb::CommandPreparedStatementQuery& command);

// Prepared statements: made, bound through DoPut, closed.
Result<pb::ActionCreatePreparedStatementResult> Prepare(State& state, Call& call,
                                                        const pb::ActionCreatePreparedStatementRequest& request);
Status BindParameters(State& state, Call& call, const pb::CommandPreparedStatementQuery& command,
                      arrow::flight::FlightMessageReader& reader);

}  // namespace lakehouse::flight
