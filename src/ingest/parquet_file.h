// A Parquet file from encoded row groups: header, row groups in the order they come, footer. One writer at a time.
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
};

class ParquetFile {
 public:
  // REQUIRES: the sink outlives the file.
  ParquetFile(std::vector<FileColumn> columns, ByteSink& sink) : columns_(std::move(columns)), sink_(sink) {}

  Status Add(const EncodedRowGroup& group);
  Status Finish();

  uint64_t bytes() const { return bytes_; }
  uint64_t rows() const { return rows_; }
  // Of each column over all row groups, for the catalog.
  std::vector<catalog::ColumnStats> Stats() const;

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
