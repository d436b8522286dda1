// For the fuzz targets of text imports: the outcome does not depend on how the file is cut or on threads.
#pragma once

#include <cstdlib>
#include <vector>

#include "ingest/table_import.h"

namespace lakehouse::ingest {

// Keeps what the outcome is made of.
class CountingTarget final : public ImportTarget {
 public:
  Status Begin(const ImportSchema& schema) override {
    types.clear();
    rows = 0;
    for (const FileColumn& column : schema.columns) types.push_back(column.type);
    return {};
  }
  Status Add(const EncodedRowGroup& group) override {
    rows += group.rows;
    return {};
  }
  std::vector<ColumnType> types;
  int64_t rows = 0;
};

// Aborts where `import` (a Status from options and a target) makes another outcome of small blocks than of one.
template <typename ImportInto>
void CheckCuts(const ImportInto& import) {
  ImportOptions options;
  options.threads = 1;
  options.block_bytes = 64;
  CountingTarget cut, whole;
  const Status in_blocks = import(options, cut);
  options.block_bytes = size_t{1} << 20;
  const Status at_once = import(options, whole);
  if (in_blocks.has_value() != at_once.has_value()) std::abort();
  if (!in_blocks) return;
  if (cut.rows != whole.rows || cut.types != whole.types) std::abort();
}

}  // namespace lakehouse::ingest
