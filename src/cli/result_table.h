// The answer of POST /v1/sql as a table. Callable from any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cli/table.h"

namespace lakehouse::cli {

struct ResultTable {
  Table table;
  uint64_t row_count = 0;  // also of the rows that were left out
};

// At most `max_rows` rows (0: all). kUpstream for text that is no such answer.
Result<ResultTable> TableOfResult(std::string_view answer, uint64_t max_rows);

}  // namespace lakehouse::cli
