#include "query/statement.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "query/errors.h"

namespace lakehouse::query {
namespace {

constexpr std::string_view kAllowed =
    "only SELECT, FROM, WITH, VALUES, TABLE, DESCRIBE, SUMMARIZE, SHOW and EXPLAIN of these are allowed here";

Status CheckText(const std::string& sql) {
  if (sql.size() > kMaxSqlBytes) {
    return Fail(ErrorKind::kInvalid, "the SQL text is {} bytes long; at most {} are allowed", sql.size(), kMaxSqlBytes);
  }
  if (const auto at = FindInvalidUtf8(sql)) {
    return Fail(
        Error{ErrorKind::kInvalid, fmt::format("the SQL text is not UTF-8 at byte {}", *at), std::nullopt, {}}.With(
            "position", std::to_string(*at)));
  }
  if (const size_t at = sql.find('\0'); at != std::string::npos) {
    return Fail(Error{ErrorKind::kInvalid, fmt::format("the SQL text has a NUL at byte {}", at), std::nullopt, {}}.With(
        "position", std::to_string(at)));
  }
  return {};
}

bool OnlyReads(const duckdb::SQLStatement& statement) {
  switch (statement.type) {
    case duckdb::StatementType::SELECT_STATEMENT:
      return true;
    case duckdb::StatementType::EXPLAIN_STATEMENT:
      return statement.Cast<duckdb::ExplainStatement>().stmt->type == duckdb::StatementType::SELECT_STATEMENT;
    default:
      return false;
  }
}

}  // namespace

Result<duckdb::unique_ptr<duckdb::SQLStatement>> ParseReadStatement(const std::string& sql,
                                                                    const duckdb::ParserOptions& options) {
  LH_TRY(CheckText(sql));
  duckdb::Parser parser(options);
  try {
    parser.ParseQuery(sql);
  } catch (const std::exception& caught) {
    return Fail(FromDuckDb(duckdb::ErrorData(caught), sql, ""));
  }
  if (parser.statements.empty()) return Fail(ErrorKind::kInvalid, "there is no statement in the SQL text");
  if (parser.statements.size() > 1) {
    return Fail(ErrorKind::kInvalid, "there are {} statements in the SQL text; one request runs one statement",
                parser.statements.size());
  }
  auto statement = std::move(parser.statements.front());
  if (!OnlyReads(*statement)) {
    return Fail(ErrorKind::kInvalid, "{} is refused: {}", duckdb::StatementTypeToString(statement->type), kAllowed);
  }
  // DuckDB would copy the text into its errors and lose the position; FromDuckDb does both.
  statement->query.clear();
  return statement;
}

bool IsFromNowhere(const duckdb::SQLStatement& statement) {
  if (statement.type != duckdb::StatementType::SELECT_STATEMENT) return false;
  const duckdb::QueryNode& node = *statement.Cast<duckdb::SelectStatement>().node;
  if (node.type != duckdb::QueryNodeType::SELECT_NODE || !node.cte_map.map.empty() || !node.modifiers.empty())
    return false;
  const auto& select = node.Cast<duckdb::SelectNode>();
  if (select.from_table->type != duckdb::TableReferenceType::EMPTY_FROM || select.where_clause ||
      !select.groups.grouping_sets.empty() || select.having || select.qualify || select.sample) {
    return false;
  }
  return std::ranges::none_of(select.select_list, [](const auto& value) { return value->HasSubquery(); });
}

}  // namespace lakehouse::query
