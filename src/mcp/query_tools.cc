// query and explain_query.

#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/hash.h"
#include "mcp/names.h"
#include "mcp/rows.h"
#include "mcp/telling_progress.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr uint64_t kMostRows = 10000;

// Where a cut answer goes on: the same statement over the same lake, past the rows that were given.
struct Continuation {
  uint64_t skip = 0, seq = 0;
};

// Ties a continuation to its statement.
std::string StatementMark(std::string_view sql) { return ToHex(Sha256Of(sql)).substr(0, 12); }

std::string WriteContinuation(const Continuation& at, std::string_view sql) {
  return fmt::format("{}.{}.{}", at.seq, at.skip, StatementMark(sql));
}

Result<Continuation> ReadContinuation(std::string_view text, std::string_view sql) {
  Continuation at;
  const char* end = text.data() + text.size();
  const auto seq = std::from_chars(text.data(), end, at.seq);
  if (seq.ec == std::errc() && seq.ptr != end && *seq.ptr == '.') {
    const auto skip = std::from_chars(seq.ptr + 1, end, at.skip);
    if (skip.ec == std::errc() && skip.ptr != end && *skip.ptr == '.') {
      if (std::string_view(skip.ptr + 1, end) == StatementMark(sql)) return at;
      return Fail(ErrorKind::kInvalid, "argument \"next\" belongs to another statement: repeat that one unchanged");
    }
  }
  return Fail(ErrorKind::kInvalid, "argument \"next\" is none that an earlier answer gave");
}

Result<std::vector<query::Parameter>> ReadParameters(const json::value* given) {
  std::vector<query::Parameter> parameters;
  if (given == nullptr) return parameters;
  if (!given->is_array()) return Fail(ErrorKind::kInvalid, "argument \"params\" must be an array");
  for (const json::value& value : given->get_array()) {
    if (value.is_null()) {
      parameters.emplace_back(std::monostate());
    } else if (value.is_bool()) {
      parameters.emplace_back(value.get_bool());
    } else if (value.is_int64()) {
      parameters.emplace_back(value.get_int64());
    } else if (value.is_double()) {
      parameters.emplace_back(value.get_double());
    } else if (value.is_string()) {
      parameters.emplace_back(std::string(value.get_string()));
    } else if (value.is_uint64()) {
      return Fail(ErrorKind::kInvalid, "a parameter is past the 64-bit integers: pass it as text and cast it");
    } else {
      parameters.emplace_back(query::JsonText{json::serialize(value)});
    }
  }
  return parameters;
}

// DuckDB says what it missed; the datasets there are help to mend it.
Error WithDatasets(Error error, service::Catalog* catalog, const RequestContext& context) {
  const bool is_missing_table =
      error.kind == ErrorKind::kInvalid && error.detail.find("Table with name") != std::string::npos;
  if (!is_missing_table || catalog == nullptr) return error;
  const auto names = DatasetNames(*catalog, context);
  if (names) error.detail.append("\nThe datasets are: " + ListNames(*names));
  return error;
}

Result<ToolResult> RunQuery(const Services& services, const Budget& budget, const Call& call, const json::object& given,
                            Spent& spent) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"sql", "params", "max_rows", "at_seq", "next"}));
  query::QueryRequest request;
  LH_ASSIGN(request.sql, arguments.Text("sql"));
  LH_ASSIGN(request.parameters, ReadParameters(arguments.Find("params")));
  RowLimits limits;
  limits.max_bytes = budget.max_bytes;
  LH_ASSIGN(limits.max_rows, arguments.Count("max_rows", budget.max_rows, std::max(budget.max_rows, kMostRows)));
  limits.max_rows = std::min(limits.max_rows, budget.max_rows);
  LH_ASSIGN(const auto at_seq, arguments.OptionalUint("at_seq"));
  if (at_seq) request.at_seq = Seq(*at_seq);
  LH_ASSIGN(const auto next, arguments.OptionalText("next"));
  if (next) {
    LH_ASSIGN(const Continuation at, ReadContinuation(*next, request.sql));
    request.at_seq = Seq(at.seq);
    limits.skip = at.skip;
  }
  LH_ASSIGN(auto* query, Need(services.query, "SQL"));
  request.timeout = call.context.deadline.Remaining();
  const std::string sql = request.sql;
  auto rows = TellingProgress(call, "seconds that the query runs",
                              [&] { return ReadRows(*query, call.context, std::move(request), limits); });
  if (!rows) return Fail(WithDatasets(std::move(rows.error()), services.catalog, call.context));
  spent.rows = rows->rows.size();
  spent.bytes = rows->bytes;
  std::string text = RowsAsText(*rows);
  json::object structured{{"columns", rows->columns},
                          {"rows", rows->rows},
                          {"row_count", rows->rows.size()},
                          {"seq", rows->seq.value},
                          {"truncated", rows->cut}};
  if (rows->cut) {
    const std::string token = WriteContinuation({limits.skip + rows->rows.size(), rows->seq.value}, sql);
    structured["next"] = token;
    text.append(
        fmt::format("\nCut after {} rows; there are more. For those call query again with the same sql and "
                    "next=\"{}\", or aggregate in SQL.\n",
                    rows->rows.size(), token));
  } else {
    text.append(fmt::format("\n{} rows.\n", rows->rows.size()));
  }
  return TextResult(text, std::move(structured));
}

Result<ToolResult> Explain(const Services& services, const Budget& budget, const Call& call,
                           const json::object& given) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"sql", "params"}));
  LH_ASSIGN(const std::string sql, arguments.Text("sql"));
  query::QueryRequest request;
  request.sql = "EXPLAIN " + sql;
  LH_ASSIGN(request.parameters, ReadParameters(arguments.Find("params")));
  request.timeout = call.context.deadline.Remaining();
  LH_ASSIGN(auto* query, Need(services.query, "SQL"));
  auto rows = ReadRows(*query, call.context, std::move(request), {.max_rows = 10, .max_bytes = budget.max_bytes});
  if (!rows) return Fail(WithDatasets(std::move(rows.error()), services.catalog, call.context));
  std::string plan;
  for (const json::value& row : rows->rows) {
    const json::array& values = row.get_array();
    if (!values.empty() && values.back().is_string()) plan.append(values.back().get_string()).append("\n");
  }
  return TextResult(plan, json::object{{"plan", plan}});
}

}  // namespace

void AddQueryTools(std::vector<Tool>& tools, const Services& services, const Budget& budget) {
  tools.push_back(
      {.name = "query",
       .title = "Run SQL",
       .description = fmt::format(
           "Runs one SQL statement that reads (DuckDB's dialect; SELECT, WITH, DESCRIBE, SUMMARIZE, SHOW) over the "
           "datasets, which are tables by their names; snapshot('name', 3) is a version. At most {} rows or {} bytes "
           "come back, and the answer says when it was cut and how to go on; with ORDER BY the pages fit together. "
           "Prefer aggregates over many rows.",
           budget.max_rows, budget.max_bytes),
       .input_schema = R"({"type":"object","properties":{
         "sql":{"type":"string","description":"One statement; ? or $1 for parameters"},
         "params":{"type":"array","description":"Values of the parameters"},
         "max_rows":{"type":"integer","minimum":1},
         "at_seq":{"type":"integer","minimum":0,"description":"Read the lake as it was at this seq"},
         "next":{"type":"string","description":"From a cut answer to the same sql: the rows after those"}},
         "required":["sql"],"additionalProperties":false})",
       .output_schema = R"({"type":"object","properties":{
         "columns":{"type":"array","items":{"type":"object","properties":{
           "name":{"type":"string"},"type":{"type":"string"}},"required":["name","type"]}},
         "rows":{"type":"array","items":{"type":"array"}},
         "row_count":{"type":"integer"},"seq":{"type":"integer"},"truncated":{"type":"boolean"},
         "next":{"type":"string"}},"required":["columns","rows","row_count","seq","truncated"]})",
       .run = [services, budget](const Call& call, const json::object& arguments, Spent& spent) {
         return RunQuery(services, budget, call, arguments, spent);
       }});
  tools.push_back({.name = "explain_query",
                   .title = "Explain SQL",
                   .description = "The plan of a statement, without running it. Also tells whether it is valid.",
                   .input_schema = R"({"type":"object","properties":{"sql":{"type":"string"},
                     "params":{"type":"array"}},"required":["sql"],"additionalProperties":false})",
                   .output_schema = R"({"type":"object","properties":{"plan":{"type":"string"}},"required":["plan"]})",
                   .run = [services, budget](const Call& call, const json::object& arguments, Spent&) {
                     return Explain(services, budget, call, arguments);
                   }});
}

}  // namespace lakehouse::mcp
