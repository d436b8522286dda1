#include "cli/result_table.h"

#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/json_value.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

bool IsNumeric(std::string_view type) {
  for (const std::string_view name : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
                                      "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE"}) {
    if (type == name) return true;
  }
  return type.starts_with("DECIMAL");
}

std::optional<std::string> CellOf(const json::value& value) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_double()) {
    std::string text;
    AppendJsonDouble(text, value.get_double());
    return text;
  }
  return json::serialize(value);
}

Error NoAnswer(std::string_view why) {
  return Error{
      ErrorKind::kUpstream, fmt::format("the server's answer is no result of a query: {}", why), std::nullopt, {}};
}

Result<std::vector<TableColumn>> ColumnsOf(const JsonFields& answer) {
  const auto items = answer.Array("columns");
  if (!items) return Fail(NoAnswer(items.error().detail));
  std::vector<TableColumn> columns;
  for (const json::value& item : **items) {
    const auto column = JsonFields::Of(item, "a column");
    if (!column) return Fail(NoAnswer(column.error().detail));
    const bool numeric = IsNumeric(column->String("type").value_or(""));
    columns.push_back({column->String("name").value_or(""), numeric ? Align::kRight : Align::kLeft});
  }
  return columns;
}

}  // namespace

Result<ResultTable> TableOfResult(std::string_view answer, uint64_t max_rows) {
  const auto parsed = ParseJson(answer);
  if (!parsed) return Fail(NoAnswer(parsed.error().detail));
  const auto fields = JsonFields::Of(*parsed, "the answer");
  if (!fields) return Fail(NoAnswer(fields.error().detail));
  LH_ASSIGN(auto columns, ColumnsOf(*fields));
  const size_t width = columns.size();
  const auto rows = fields->Array("rows");
  if (!rows) return Fail(NoAnswer(rows.error().detail));
  ResultTable result{Table(std::move(columns)), (*rows)->size()};
  for (const json::value& row : **rows) {
    if (max_rows != 0 && result.table.rows() == max_rows) break;
    if (!row.is_array() || row.get_array().size() != width)
      return Fail(NoAnswer("a row has another number of columns"));
    std::vector<std::optional<std::string>> cells;
    for (const json::value& value : row.get_array()) cells.push_back(CellOf(value));
    result.table.AddRow(cells);
  }
  return result;
}

}  // namespace lakehouse::cli
