// Parquet files in the making: header, row groups in the order they come, footer. One writer at a time.
#pragma once

#include <string>
#include <vector>

#include "base/stream.h"
#include "catalog/types.h"
#include "ingest/parquet_encoder.h"

namespace lakehouse::ingest {

struct FileColumn {
  std::string name;
  ColumnType type = ColumnType::kVarchar;
  int32_t field_id = 0;
  // DuckDB's name of a type that only a Parquet upload can give: FLOAT[], DECIMAL(9,2), STRUCT("a" BIGINT). Empty:
  // `type`.
  std::string exact{};
  std::string_view type_name() const { return exact.empty() ? TypeName(type) : exact; }
};

class ParquetOutput {
 public:
  virtual ~ParquetOutput() = default;
  virtual Status Finish() = 0;
  virtual uint64_t bytes() const = 0;
  virtual uint64_t rows() const = 0;
  // Of each column over all row groups, for the catalog.
  virtual std::vector<catalog::ColumnStats> Stats() const = 0;
};

// The facts of one column's chunks in one; their bounds are plain values of the column's simple type.
catalog::ColumnStats StatsOf(const FileColumn& column, const std::vector<const EncodedChunk*>& chunks);

// From encoded row groups. REQUIRES: no column has an exact type.
class ParquetFile final : public ParquetOutput {
 public:
  // REQUIRES: the sink outlives the file.
  ParquetFile(std::vector<FileColumn> columns, ByteSink& sink) : columns_(std::move(columns)), sink_(sink) {}

  Status Add(const EncodedRowGroup& group);
  Status Finish() override;

  uint64_t bytes() const override { return bytes_; }
  uint64_t rows() const override { return rows_; }
  std::vector<catalog::ColumnStats> Stats() const override;

 private:
  struct Group {
    int64_t offset = 0, rows = 0, bytes = 0;
    std::vector<EncodedChunk> chunks;
  };
  Status Write(std::string_view bytes);
  std::string Footer() const;

  const std::vector<FileColumn> columns_;
  ByteSink& sink_;
  std::vector<Group> groups_;
  uint64_t bytes_ = 0;
  uint64_t rows_ = 0;
};

}  // namespace lakehouse::ingest
