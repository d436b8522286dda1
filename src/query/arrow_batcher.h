// DuckDB's chunks gathered into Arrow batches. Used by one thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "query/arrow_columns.h"
#include "query/duckdb_internal.h"

namespace arrow {
class Schema;
}

namespace lakehouse::query {

struct BatchLimits {  // a batch ends with the chunk that reaches either
  uint64_t rows = 0, bytes = 0;
};

class ArrowBatcher {
 public:
  // REQUIRES: the connection that `properties` are of outlives this. `limits`: of its batches, to be ready for them.
  // kInvalid naming what Arrow has no type for.
  static Result<std::unique_ptr<ArrowBatcher>> Make(const duckdb::vector<std::string>& names,
                                                    const duckdb::vector<duckdb::LogicalType>& types,
                                                    const duckdb::ClientProperties& properties, BatchLimits limits);
  ~ArrowBatcher();

  // An empty one for the same columns.
  std::unique_ptr<ArrowBatcher> Another() const;
  Status ExportSchema(ArrowSchema* out) const;
  // Copies the chunk's rows to the end of the batch. kInvalid when one column passes what a batch can hold (2 GiB).
  Status Append(duckdb::DataChunk& chunk);
  uint64_t rows() const { return rows_; }
  uint64_t bytes() const;  // about what the batch takes
  // The batch so far; the next one begins. REQUIRES: rows() > 0.
  Status Take(ArrowArray* out);

 private:
  // What all batchers of a result have in common.
  struct Shape {
    duckdb::vector<duckdb::LogicalType> types;
    duckdb::ClientProperties properties;
    uint64_t expected_rows;  // in a batch
    std::shared_ptr<arrow::Schema> schema;
    // Of the columns that DuckDB's own appender gathers: those without an ArrowColumn.
    std::vector<size_t> other;
    duckdb::vector<duckdb::LogicalType> other_types;
    std::shared_ptr<arrow::Schema> other_schema;
    std::unordered_map<duckdb::idx_t, const duckdb::shared_ptr<duckdb::ArrowTypeExtensionData>> extensions;
  };
  explicit ArrowBatcher(std::shared_ptr<const Shape> shape);
  void AppendOthers(duckdb::DataChunk& chunk);

  const std::shared_ptr<const Shape> shape_;
  std::vector<std::unique_ptr<ArrowColumn>> columns_;  // nullptr: one of the others
  std::unique_ptr<duckdb::ArrowAppender> others_;
  uint64_t rows_ = 0;
  uint64_t other_bytes_ = 0;
};

}  // namespace lakehouse::query
