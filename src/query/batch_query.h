// Results as Arrow batches, and what a statement looks like before it runs.
#pragma once

#include <memory>

#include "query/query_run.h"

namespace lakehouse::query {

// Plans the first run of the statement. `bounded` has the query's own deadline. REQUIRES: shared outlives the stream.
Result<std::unique_ptr<BatchStream>> StartBatchQuery(EngineShared& shared, RequestContext bounded,
                                                     const BatchRequest& request,
                                                     duckdb::unique_ptr<duckdb::SQLStatement> statement,
                                                     std::shared_ptr<const catalog::LakeView> view);

// REQUIRES: the run has started.
Result<StatementShape> DescribeStatement(QueryRun& run, duckdb::unique_ptr<duckdb::SQLStatement> statement);

}  // namespace lakehouse::query
