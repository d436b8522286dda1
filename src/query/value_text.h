// Values of DuckDB vectors as text, column by column: what JSON, NDJSON and CSV are made of. See result_writer.h for
// the rules. Used by one thread.
#pragma once

#include <memory>

#include "query/duckdb_internal.h"
#include "query/text_buffer.h"

namespace lakehouse::query {

// Appends values of one column. Attach it to a vector, then append rows in any order.
class ValueText {
 public:
  virtual ~ValueText() = default;
  // REQUIRES: the vector outlives the appending of its rows.
  virtual void Attach(duckdb::Vector& vector, duckdb::idx_t count) = 0;
  // The value at `row` as JSON; null for NULL.
  virtual void AppendJson(TextBuffer& out, duckdb::idx_t row) const = 0;
  // The value at `row` as plain text. REQUIRES: it is not NULL.
  virtual void AppendText(TextBuffer& out, duckdb::idx_t row) const = 0;
  virtual bool IsNull(duckdb::idx_t row) const = 0;
  // True when AppendText never gives a text that CSV would have to quote.
  virtual bool IsPlain() const { return false; }

  static std::unique_ptr<ValueText> For(const duckdb::LogicalType& type);
};

}  // namespace lakehouse::query
