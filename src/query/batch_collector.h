// The end of a plan that turns rows into Arrow on the threads that scan them, instead of handing chunks to one that
// does.
#pragma once

#include <memory>

#include "query/arrow_batcher.h"
#include "query/batch_queue.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

// What DuckDB makes of a plan whose result goes to `queue`: as many threads as the plan's order of rows allows. The
// query's own result is empty.
duckdb::get_result_collector_t CollectInto(std::shared_ptr<BatchQueue> queue, BatchLimits limits);

}  // namespace lakehouse::query
