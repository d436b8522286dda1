// Tables in: CommandStatementIngest through the ingest service.
#pragma once

#include <arrow/flight/server.h>

#include "flight/call.h"
#include "flight/command.h"
#include "flight/state.h"

namespace lakehouse::flight {

// Reads the client's batches to their end and makes them a dataset, or a part of one; the rows that were added.
// kForbidden without the scope `write`; kConflict where the table is there and may not be, or has other columns;
// kNotFound where it is missing and may not be; kInvalid for what the batches or the command get wrong.
Result<int64_t> Ingest(State& state, Call& call, const arrow::flight::ServerCallContext& context,
                       const pb::CommandStatementIngest& command, arrow::flight::FlightMessageReader& reader);

}  // namespace lakehouse::flight
