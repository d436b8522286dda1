// One column of one row group, as values in memory. What readers fill and the Parquet encoder takes. Memory is reused.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/field_rules.h"

namespace lakehouse::ingest {

struct ColumnData {
  ColumnType type = ColumnType::kVarchar;
  uint64_t rows = 0;
  uint64_t nulls = 0;
  std::vector<uint8_t> valid;  // a byte a row; 0: NULL
  // Values of the rows that are not NULL, in the vector of the type.
  std::vector<int64_t> ints;            // BIGINT, TIMESTAMP, TIMESTAMPTZ
  std::vector<double> doubles;          // DOUBLE
  std::vector<int32_t> dates;           // DATE
  std::vector<uint8_t> booleans;        // BOOLEAN
  std::vector<std::string_view> texts;  // VARCHAR; into the file, or into `kept`
  std::deque<std::string> kept;

  void Clear(ColumnType new_type) {
    type = new_type;
    rows = nulls = 0;
    valid.clear();
    ints.clear();
    doubles.clear();
    dates.clear();
    booleans.clear();
    texts.clear();
    kept.clear();
  }
  void AddNull() {
    valid.push_back(0);
    ++rows;
    ++nulls;
  }
  void AddValid() {
    valid.push_back(1);
    ++rows;
  }
};

}  // namespace lakehouse::ingest
