// profile_dataset: what the values of each column look like.

#include <boost/json/serialize.hpp>

#include "mcp/names.h"
#include "mcp/rows.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr size_t kMaxColumns = 50;
constexpr uint64_t kTopValues = 5;
constexpr uint64_t kAnswerBytes = 4 << 20;

bool IsNumber(std::string_view type) {
  return type == "BIGINT" || type == "DOUBLE" || type == "INTEGER" || type == "FLOAT" || type == "HUGEINT" ||
         type == "SMALLINT" || type == "TINYINT" || type == "UBIGINT" || type.starts_with("DECIMAL");
}

// One row: count, then for every column its distinct values, nulls, quantiles.
std::string FiguresSql(const std::vector<catalog::Column>& columns, const std::string& relation) {
  std::string sql = "SELECT count(*)";
  for (const catalog::Column& column : columns) {
    const std::string name = QuoteName(column.name);
    sql.append(fmt::format(", count({0}), approx_count_distinct({0})", name));
    sql.append(IsNumber(column.type) ? fmt::format(", approx_quantile({}::DOUBLE, [0.0, 0.25, 0.5, 0.75, 1.0])", name)
                                     : ", NULL");
  }
  return sql + " FROM " + relation;
}

std::string TopSql(const catalog::Column& column, const std::string& relation) {
  return fmt::format(
      "SELECT left({0}::VARCHAR, 200), count(*) FROM {1} WHERE {0} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {2}",
      QuoteName(column.name), relation, kTopValues);
}

Result<Rows> Read(service::Query& query, const Call& call, std::string sql, uint64_t rows) {
  query::QueryRequest request;
  request.sql = std::move(sql);
  request.timeout = call.context.deadline.Remaining();
  return ReadRows(query, call.context, std::move(request), {.max_rows = rows, .max_bytes = kAnswerBytes});
}

json::object ColumnProfile(const catalog::Column& column, const json::array& figures, size_t at, const Rows& top) {
  json::object profile{{"name", column.name}, {"type", column.type}};
  profile["nulls"] = figures[0].to_number<int64_t>() - figures[at].to_number<int64_t>();
  profile["distinct"] = figures[at + 1];
  if (figures[at + 2].is_array()) profile["quantiles"] = figures[at + 2];
  json::array values;
  for (const json::value& row : top.rows) {
    values.push_back(json::object{{"value", row.at(0)}, {"count", row.at(1)}});
  }
  profile["top"] = std::move(values);
  return profile;
}

std::string ProfileText(const json::object& profile) {
  std::string text = fmt::format("{} ({}): {} nulls, about {} distinct", profile.at("name").get_string().c_str(),
                                 profile.at("type").get_string().c_str(), json::serialize(profile.at("nulls")),
                                 json::serialize(profile.at("distinct")));
  if (const json::value* quantiles = profile.if_contains("quantiles"); quantiles != nullptr) {
    text.append("; min, quartiles, max: ").append(json::serialize(*quantiles));
  }
  text.append("; most frequent: ");
  bool first = true;
  for (const json::value& value : profile.at("top").get_array()) {
    text.append(std::exchange(first, false) ? "" : ", ").append(json::serialize(value.at("value")));
    text.append(" ×").append(json::serialize(value.at("count")));
  }
  return text + "\n";
}

Result<ToolResult> Profile(const Services& services, const Call& call, const json::object& given, Spent& spent) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"name"}));
  LH_ASSIGN(const std::string name, arguments.Text("name"));
  LH_ASSIGN(auto* catalog, Need(services.catalog, "the catalog"));
  LH_ASSIGN(auto* query, Need(services.query, "SQL"));
  LH_ASSIGN(auto manifest, FindDataset(*catalog, call.context, name, std::nullopt));
  spent.dataset = manifest.name;
  const size_t all_columns = manifest.schema.size();
  if (all_columns > kMaxColumns) manifest.schema.resize(kMaxColumns);
  const std::string relation = fmt::format("snapshot({}, {})", QuoteText(manifest.name), manifest.version.value);
  const double steps = static_cast<double>(manifest.schema.size()) + 1;
  call.Progress(0, steps, "reading all columns");
  LH_ASSIGN(const Rows figures, Read(*query, call, FiguresSql(manifest.schema, relation), 1));
  if (figures.rows.empty()) return Fail(ErrorKind::kInternal, "an aggregate without a row");
  json::array columns;
  std::string text =
      fmt::format("{}, version {}: {} rows\n", manifest.name, manifest.version.value, manifest.row_count);
  for (size_t i = 0; i < manifest.schema.size(); ++i) {
    call.Progress(static_cast<double>(i) + 1, steps);
    LH_ASSIGN(const Rows top, Read(*query, call, TopSql(manifest.schema[i], relation), kTopValues));
    json::object profile = ColumnProfile(manifest.schema[i], figures.rows[0].get_array(), 1 + 3 * i, top);
    text.append(ProfileText(profile));
    columns.push_back(std::move(profile));
  }
  spent.rows = columns.size();
  if (all_columns > kMaxColumns)
    text.append(fmt::format("{} more columns were left out.\n", all_columns - kMaxColumns));
  return TextResult(text, json::object{{"name", manifest.name},
                                       {"version", manifest.version.value},
                                       {"row_count", manifest.row_count},
                                       {"columns", std::move(columns)},
                                       {"columns_left_out", all_columns - manifest.schema.size()}});
}

}  // namespace

void AddProfileTool(std::vector<Tool>& tools, const Services& services) {
  tools.push_back({.name = "profile_dataset",
                   .title = "Profile a dataset",
                   .description = "For every column of a dataset: nulls, about how many distinct values, quartiles of "
                                  "numbers, the most frequent values. Reads the whole dataset.",
                   .input_schema = R"({"type":"object","properties":{"name":{"type":"string"}},
                     "required":["name"],"additionalProperties":false})",
                   .output_schema = R"({"type":"object","properties":{"name":{"type":"string"},
                     "version":{"type":"integer"},"row_count":{"type":"integer"},
                     "columns_left_out":{"type":"integer"},
                     "columns":{"type":"array","items":{"type":"object","properties":{
                       "name":{"type":"string"},"type":{"type":"string"},"nulls":{"type":"integer"},
                       "distinct":{"type":"integer"},"quantiles":{"type":"array"},
                       "top":{"type":"array","items":{"type":"object"}}},"required":["name","type","nulls"]}}},
                     "required":["name","version","row_count","columns"]})",
                   .run = [services](const Call& call, const json::object& arguments, Spent& spent) {
                     return Profile(services, call, arguments, spent);
                   }});
}

}  // namespace lakehouse::mcp
