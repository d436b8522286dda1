// A row group's columns as Parquet column chunks: definition levels; values by dictionary, as deltas or plain; Snappy
// where it makes a chunk smaller by a tenth; page headers. One encoder a thread; row groups are independent, so many
// are encoded at once. The bytes depend on the values alone. https://github.com/apache/parquet-format
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ingest/column_data.h"

namespace lakehouse::ingest {

// By Parquet's numbers.
enum class ValueEncoding { kPlain = 0, kDelta = 5, kDictionary = 8 };

struct EncodedChunk {
  ColumnType type = ColumnType::kVarchar;
  int64_t values = 0;  // rows, NULLs included
  int64_t nulls = 0;
  ValueEncoding encoding = ValueEncoding::kPlain;
  bool snappy = true;  // false: stored as it is
  int64_t uncompressed_bytes = 0;
  int64_t compressed_bytes = 0;
  std::optional<int64_t> dictionary_offset;  // in the row group's bytes
  int64_t data_offset = 0;
  // Plain-encoded, without a length for texts; absent where there is none or it would be long.
  std::optional<std::string> min, max;
};

struct EncodedRowGroup {
  std::string bytes;
  int64_t rows = 0;
  std::vector<EncodedChunk> chunks;
};

class ParquetEncoder {
 public:
  ParquetEncoder();
  ~ParquetEncoder();
  ParquetEncoder(const ParquetEncoder&) = delete;
  ParquetEncoder& operator=(const ParquetEncoder&) = delete;

  // REQUIRES: every column has the same number of rows, at least one.
  Result<EncodedRowGroup> Encode(const std::vector<ColumnData>& columns);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::ingest
