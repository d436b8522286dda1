// Rows on their way to a client: an active query as the stream that Flight writes from.
#pragma once

#include <arrow/flight/server.h>

#include <memory>

#include "flight/active_queries.h"
#include "flight/call.h"

namespace lakehouse::flight {

// Runs a query and begins to send its rows to the call's client, under the ticket's id, by which it can be cancelled
// from here on. REQUIRES: `call`, `context` and `active` outlive what comes back; what `run` starts is cancelled by the
// call's stop source.
Result<std::unique_ptr<arrow::flight::FlightDataStream>> SendRows(Call& call,
                                                                  const arrow::flight::ServerCallContext& context,
                                                                  ActiveQueries& active, const std::string& ticket,
                                                                  const ActiveQuery::Run& run,
                                                                  ActiveQuery::Limits limits);

// Batches that are in memory already.
std::unique_ptr<arrow::flight::FlightDataStream> SendTable(Call& call, std::shared_ptr<arrow::RecordBatch> batch);

}  // namespace lakehouse::flight
