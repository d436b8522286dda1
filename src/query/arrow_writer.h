// Results as Arrow IPC streams and Parquet files, from batches that are in Arrow's layout already.
#pragma once

#include <memory>

#include "query/engine.h"

namespace lakehouse::query {

// A query that writes what the batches hold. REQUIRES: format is kArrowStream or kParquet.
std::unique_ptr<QueryStream> MakeArrowQuery(ResultFormat format, std::unique_ptr<BatchStream> batches);

}  // namespace lakehouse::query
