// What the files that know Arrow share.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/table.h>

#include "vector/index.h"

namespace lakehouse::vector {

inline Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return {};
  return Fail(status.IsOutOfMemory() ? ErrorKind::kExhausted : ErrorKind::kInvalid, "Arrow: {}", status.message());
}

template <typename T>
Result<T> FromArrow(arrow::Result<T> result) {
  if (result.ok()) return std::move(result).ValueUnsafe();
  LH_TRY(FromArrow(result.status()));
  return Fail(ErrorKind::kInternal, "Arrow answered neither with a value nor with an error");
}

// In one piece; nullptr when the table has no such column.
Result<std::shared_ptr<arrow::Array>> ColumnOf(const arrow::Table& table, const std::string& name);
// Row `row` of a column of lists of float or double. kInvalid naming the row.
Status AppendVector(const arrow::Array& column, int64_t row, uint32_t dimension, std::vector<float>& out);
// kInvalid naming the column or the row; checked as any batch is.
Result<Batch> BatchOf(const IndexOptions& options, const arrow::Table& table);

}  // namespace lakehouse::vector
