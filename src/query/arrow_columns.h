// One column of DuckDB's chunks, gathered in Arrow's layout: the plain types, whole chunks at a time. Used by one
// thread.
#pragma once

#include <cstdint>
#include <memory>

#include "query/duckdb_internal.h"

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace lakehouse::query {

class ArrowColumn {
 public:
  // nullptr where the type is none of the plain ones: numbers of up to 64 bits, booleans, dates, times, timestamps and
  // texts. `expected_rows`: of a whole batch, to be ready for.
  static std::unique_ptr<ArrowColumn> For(const duckdb::LogicalType& type, std::shared_ptr<arrow::DataType> stored,
                                          uint64_t expected_rows);
  virtual ~ArrowColumn() = default;
  // Throws what DuckDB throws when a column of texts passes 2 GiB.
  virtual void Append(duckdb::Vector& values, duckdb::idx_t count) = 0;
  virtual uint64_t bytes() const = 0;
  // What came since the last call.
  virtual std::shared_ptr<arrow::Array> Take() = 0;
};

}  // namespace lakehouse::query
