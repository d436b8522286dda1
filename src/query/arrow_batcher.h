// DuckDB's chunks gathered into Arrow batches. Used by one thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

class ArrowBatcher {
 public:
  // REQUIRES: the connection that `properties` are of outlives this. kInvalid naming what Arrow has no type for.
  static Result<std::unique_ptr<ArrowBatcher>> Make(const duckdb::vector<std::string>& names,
                                                    duckdb::vector<duckdb::LogicalType> types,
                                                    duckdb::ClientProperties properties);

  Status ExportSchema(ArrowSchema* out);
  // Copies the chunk's rows to the end of the batch. kInvalid when one column passes what a batch can hold (2 GiB).
  Status Append(duckdb::DataChunk& chunk, uint64_t batch_rows);
  uint64_t rows() const { return rows_; }
  uint64_t bytes() const { return bytes_; }  // about what the batch takes
  // The batch so far; the next one begins. REQUIRES: rows() > 0.
  Status Take(ArrowArray* out);

 private:
  ArrowBatcher(const duckdb::vector<std::string>& names, duckdb::vector<duckdb::LogicalType> types,
               duckdb::ClientProperties properties)
      : names_(names), types_(std::move(types)), properties_(std::move(properties)) {}

  const duckdb::vector<std::string> names_;
  const duckdb::vector<duckdb::LogicalType> types_;
  duckdb::ClientProperties properties_;
  std::unordered_map<duckdb::idx_t, const duckdb::shared_ptr<duckdb::ArrowTypeExtensionData>> extensions_;
  std::unique_ptr<duckdb::ArrowAppender> appender_;
  uint64_t rows_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace lakehouse::query
