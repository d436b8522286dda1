#include "mcp/rows.h"

#include <boost/json/serialize.hpp>

#include "base/json_value.h"
#include "base/utf8.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr size_t kMaxCell = 200;

std::string Cell(const json::value& value) {
  std::string text = value.is_null()     ? "NULL"
                     : value.is_string() ? std::string(value.get_string())
                                         : json::serialize(value);
  if (text.size() > kMaxCell) {
    size_t end = kMaxCell;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    text.append("…");
  }
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return text;
}

}  // namespace

RowCutter::Step RowCutter::EndRow() {
  const bool skipped = seen_rows_++ < limits_.skip;
  if (skipped) {
    row_.clear();
    return Step::kOn;
  }
  if (kept_bytes_ + row_.size() > limits_.max_bytes) {
    cut_ = true;
    too_large_ = kept_rows_ == 0;
    return Step::kEnough;
  }
  if (kept_rows_++ > 0) kept_.push_back(',');
  kept_.append(row_);
  kept_bytes_ += row_.size();
  row_.clear();
  return Step::kOn;
}

// The result is {"columns":[…],"rows":[[…],…],…}: rows are the arrays inside the second array.
RowCutter::Step RowCutter::Take(char c) {
  const bool in_row = in_rows_ && depth_ >= 3;
  if (!in_rows_ && !after_rows_) head_.push_back(c);
  if (in_row && seen_rows_ >= limits_.skip) row_.push_back(c);
  if (in_text_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_text_ = false;
    }
    return Step::kOn;
  }
  switch (c) {
    case '"':
      in_text_ = true;
      return Step::kOn;
    case '[':
    case '{':
      ++depth_;
      if (c == '[' && depth_ == 2 && ++arrays_ == 2) in_rows_ = true;
      if (in_rows_ && depth_ == 3) {
        if (kept_rows_ == limits_.max_rows) {
          cut_ = true;
          return Step::kEnough;
        }
        row_.assign(1, '[');
      }
      return Step::kOn;
    case ']':
    case '}':
      --depth_;
      if (in_rows_ && depth_ == 2) return EndRow();
      if (in_rows_ && depth_ == 1) {
        in_rows_ = false;
        after_rows_ = true;
      }
      return Step::kOn;
    default:
      return Step::kOn;
  }
}

Status RowCutter::Write(std::string_view bytes) {
  for (const char c : bytes) {
    if (Take(c) == Step::kEnough) return Fail(ErrorKind::kCancelled, "enough rows");
    // A row that alone is past the budget is not collected to its end.
    if (row_.size() > limits_.max_bytes) {
      cut_ = true;
      too_large_ = kept_rows_ == 0;
      return Fail(ErrorKind::kCancelled, "enough rows");
    }
  }
  return {};
}

std::string RowCutter::Json() const { return head_ + kept_ + "]}"; }

Result<Rows> ReadRows(service::Query& query, const RequestContext& context, query::QueryRequest request,
                      const RowLimits& limits) {
  request.format = query::ResultFormat::kJson;
  LH_ASSIGN(const auto stream, query.Run(context, request));
  RowCutter cutter(limits);
  const Status written = stream->WriteTo(cutter);
  if (!written && !cutter.cut()) return Fail(written.error());
  if (cutter.too_large()) {
    return Fail(ErrorKind::kTooLarge,
                "one row is larger than the {} bytes that an answer may have: select fewer columns", limits.max_bytes);
  }
  LH_ASSIGN(const json::value parsed, ParseJson(cutter.Json()));
  LH_ASSIGN(const auto fields, JsonFields::Of(parsed, "the result"));
  Rows rows;
  LH_ASSIGN(const auto* columns, fields.Array("columns"));
  LH_ASSIGN(const auto* values, fields.Array("rows"));
  rows.columns = *columns;
  rows.rows = *values;
  rows.seq = stream->seq();
  rows.cut = cutter.cut();
  rows.bytes = cutter.bytes();
  return rows;
}

std::string RowsAsText(const Rows& rows) {
  std::string text;
  for (const json::value& column : rows.columns) {
    text.append(text.empty() ? "" : " | ").append(Cell(column.at("name")));
  }
  text.append("\n");
  for (const json::value& row : rows.rows) {
    bool first = true;
    for (const json::value& value : row.get_array()) {
      text.append(std::exchange(first, false) ? "" : " | ").append(Cell(value));
    }
    text.append("\n");
  }
  return text;
}

std::string QuoteName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

std::string QuoteText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

}  // namespace lakehouse::mcp
