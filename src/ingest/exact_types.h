// Columns of Parquet uploads whose types are more than CSV can give: as what they are stored, and what DuckDB calls
// that. Pure; callable from any thread. Includes Arrow: for this folder's Parquet files alone.
#pragma once

#include <arrow/api.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "ingest/field_rules.h"

namespace lakehouse::ingest {

struct ExactType {
  std::string name;  // as DuckDB reads it: DECIMAL(9,2), FLOAT[], STRUCT("a" BIGINT, "b" VARCHAR[])
  std::shared_ptr<arrow::DataType> stored;
};

// kUnprocessable, naming the part, for a type that DuckDB or Parquet does not have, and beyond 32 levels.
Result<ExactType> ExactTypeOf(const arrow::DataType& type);

// As what a column of one of the simple types is stored.
std::shared_ptr<arrow::DataType> StoredType(ColumnType type);

}  // namespace lakehouse::ingest
