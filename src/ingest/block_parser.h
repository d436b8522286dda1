// One block of a CSV file as typed columns. One parser a thread; memory is reused from block to block.
#pragma once

#include <optional>
#include <vector>

#include "ingest/column_data.h"
#include "ingest/csv_file.h"

namespace lakehouse::ingest {

class BlockParser {
 public:
  BlockParser(const CsvFile& file, std::vector<ColumnType> types)
      : reader_(file), file_(file), types_(std::move(types)) {}

  // A value that its column's type does not take.
  struct Misfit {
    size_t column = 0;
    size_t offset = 0;  // of its record in the file
    std::string_view kind;
  };
  // The misfit that stopped the block, if one did; `columns()` is then incomplete.
  Result<std::optional<Misfit>> Parse(size_t block);
  const std::vector<ColumnData>& columns() const { return columns_; }

 private:
  RecordReader reader_;
  const CsvFile& file_;
  const std::vector<ColumnType> types_;
  std::vector<ColumnData> columns_;
};

}  // namespace lakehouse::ingest
