// A Parquet file from Arrow batches, for columns that ParquetEncoder does not know: lists, structs, maps, decimals,
// binaries. Arrow's own writer makes it; the bytes depend on the batches alone. One writer at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/stream.h"
#include "ingest/parquet_file.h"

namespace arrow {
class RecordBatch;
}

namespace lakehouse::ingest {

// Whether a file of these columns is made of batches.
bool HasExactTypes(const std::vector<FileColumn>& columns);

class ArrowParquetFile final : public ParquetOutput {
 public:
  // REQUIRES: the sink outlives the file.
  ArrowParquetFile(std::vector<FileColumn> columns, ByteSink& sink);
  ~ArrowParquetFile() override;

  // A row group. REQUIRES: as many columns as the file has, each of the type that it is stored in.
  Status Add(const arrow::RecordBatch& rows);
  // REQUIRES: at least one row group.
  Status Finish() override;

  uint64_t bytes() const override;
  uint64_t rows() const override;
  // Nested columns have none; those of an exact type have a count of NULLs. After Finish.
  std::vector<catalog::ColumnStats> Stats() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::ingest
