// The rows of a query, cut to a budget while they stream. Callable from any thread.
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <string>

#include "base/request_context.h"
#include "service/query.h"

namespace lakehouse::mcp {

struct RowLimits {
  uint64_t skip = 0;
  uint64_t max_rows = 200;
  uint64_t max_bytes = 256 << 10;  // of the kept rows as JSON
};

struct Rows {
  boost::json::array columns;  // {"name","type"}
  boost::json::array rows;     // arrays
  Seq seq;
  bool cut = false;  // there are more
  uint64_t bytes = 0;
};

// Runs the statement and reads as many rows as the limits let; the rest of the query is cancelled. kTooLarge when not
// even one row fits.
Result<Rows> ReadRows(service::Query& query, const RequestContext& context, query::QueryRequest request,
                      const RowLimits& limits);

// The rows as a table of text, values cut at 200 characters.
std::string RowsAsText(const Rows& rows);

// "trips" with quotes as SQL wants names.
std::string QuoteName(std::string_view name);
std::string QuoteText(std::string_view text);

// Splits a JSON result as it comes. Visible for its test.
class RowCutter final : public ByteSink {
 public:
  explicit RowCutter(const RowLimits& limits) : limits_(limits) {}
  // kCancelled once enough has come: see cut().
  Status Write(std::string_view bytes) override;
  bool cut() const { return cut_; }
  bool too_large() const { return too_large_; }
  uint64_t rows() const { return kept_rows_; }
  uint64_t bytes() const { return kept_bytes_; }
  // {"columns":…,"rows":[…]} with the rows that were kept.
  std::string Json() const;

 private:
  enum class Step { kOn, kEnough };
  Step Take(char c);
  Step EndRow();

  const RowLimits limits_;
  std::string head_, row_, kept_;
  uint64_t seen_rows_ = 0, kept_rows_ = 0, kept_bytes_ = 0;
  int depth_ = 0, arrays_ = 0;  // arrays: of the outermost object, so far
  bool in_rows_ = false, after_rows_ = false, in_text_ = false, escaped_ = false;
  bool cut_ = false, too_large_ = false;
};

}  // namespace lakehouse::mcp
