// Bound parameters: an Arrow batch as the engine's values, row by row. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <vector>

#include "base/result.h"
#include "query/engine.h"

namespace lakehouse::flight {

// Adds the batch's rows. kInvalid naming the column whose type no parameter can have.
// REQUIRES: the batch has been validated.
Status AppendParameterRows(const arrow::RecordBatch& batch, std::vector<std::vector<query::Parameter>>& rows);

}  // namespace lakehouse::flight
