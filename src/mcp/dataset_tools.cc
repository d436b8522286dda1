// list_datasets and describe_dataset.

#include "mcp/names.h"
#include "mcp/rows.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr uint64_t kMaxPage = 1000, kDefaultPage = 100;
constexpr size_t kMaxRangedColumns = 50;
constexpr uint64_t kSampleRows = 5;
constexpr size_t kMaxVersionsShown = 20;
constexpr size_t kMaxColumnsShown = 500;

json::object Summary(const catalog::Manifest& manifest) {
  return {{"name", manifest.name},
          {"version", manifest.version.value},
          {"row_count", manifest.row_count},
          {"columns", manifest.schema.size()},
          {"updated_at", FormatRfc3339(manifest.updated_at)}};
}

Result<ToolResult> ListDatasets(service::Catalog* service, const Budget& budget, const Call& call,
                                const json::object& given, Spent& spent) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"limit", "next"}));
  catalog::ListRequest request;
  LH_ASSIGN(const uint64_t limit,
            arguments.Count("limit", std::min(kDefaultPage, budget.max_rows), std::min(kMaxPage, budget.max_rows)));
  request.limit = static_cast<uint32_t>(limit);
  LH_ASSIGN(const auto token, arguments.OptionalText("next"));
  request.token = token.value_or("");
  LH_ASSIGN(auto* catalog, Need(service, "the catalog"));
  LH_ASSIGN(const auto page, catalog->List(call.context, request));
  json::array datasets;
  std::string text = page.datasets.empty() ? "There are no datasets.\n" : "name | rows | columns | version | updated\n";
  for (const catalog::Manifest& manifest : page.datasets) {
    datasets.push_back(Summary(manifest));
    text.append(fmt::format("{} | {} | {} | {} | {}\n", manifest.name, manifest.row_count, manifest.schema.size(),
                            manifest.version.value, FormatRfc3339(manifest.updated_at)));
  }
  spent.rows = page.datasets.size();
  json::object structured{{"datasets", std::move(datasets)}};
  if (page.next_token) {
    structured["next"] = *page.next_token;
    text.append(fmt::format("There are more: call again with next=\"{}\".\n", *page.next_token));
  }
  return TextResult(text, std::move(structured));
}

std::string Relation(const catalog::Manifest& manifest, bool is_current) {
  if (is_current) return QuoteName(manifest.name);
  return fmt::format("snapshot({}, {})", QuoteText(manifest.name), manifest.version.value);
}

// min, max and null counts of the first columns, in one pass.
Result<json::array> Ranges(service::Query& query, const RequestContext& context, const catalog::Manifest& manifest,
                           const std::string& relation) {
  query::QueryRequest request;
  request.sql = "SELECT count(*)";
  const size_t columns = std::min(manifest.schema.size(), kMaxRangedColumns);
  for (size_t i = 0; i < columns; ++i) {
    const std::string name = QuoteName(manifest.schema[i].name);
    request.sql.append(fmt::format(", left(min({0})::VARCHAR, 200), left(max({0})::VARCHAR, 200), count({0})", name));
  }
  request.sql.append(" FROM " + relation);
  LH_ASSIGN(const Rows rows, ReadRows(query, context, std::move(request), {.max_rows = 1, .max_bytes = 1 << 20}));
  if (rows.rows.empty()) return Fail(ErrorKind::kInternal, "an aggregate without a row");
  return rows.rows.front().as_array();
}

json::array DescribeColumns(const catalog::Manifest& manifest, const json::array& ranges) {
  json::array columns;
  for (size_t i = 0; i < manifest.schema.size() && i < kMaxColumnsShown; ++i) {
    const catalog::Column& column = manifest.schema[i];
    json::object described{{"name", column.name}, {"type", column.type}, {"nullable", column.nullable}};
    if (const size_t at = 1 + 3 * i; at + 2 < ranges.size()) {
      described["min"] = ranges[at];
      described["max"] = ranges[at + 1];
      described["nulls"] = ranges[0].to_number<int64_t>() - ranges[at + 2].to_number<int64_t>();
    }
    columns.push_back(std::move(described));
  }
  return columns;
}

json::array DescribeVersions(const std::vector<catalog::Snapshot>& snapshots) {
  json::array versions;
  for (const catalog::Snapshot& snapshot : snapshots) {
    if (versions.size() == kMaxVersionsShown) break;
    versions.push_back(json::object{{"version", snapshot.version.value},
                                    {"row_count", snapshot.row_count},
                                    {"committed_at", FormatRfc3339(snapshot.committed_at)}});
  }
  return versions;
}

std::string DescriptionText(const catalog::Manifest& manifest, const json::array& columns, const Rows& sample,
                            size_t versions) {
  std::string text = fmt::format("{}: {} rows, version {} ({} kept)\n\ncolumn | type | nulls | min | max\n",
                                 manifest.name, manifest.row_count, manifest.version.value, versions);
  for (const json::value& value : columns) {
    const json::object& column = value.get_object();
    const auto word = [&column](std::string_view name) -> std::string {
      const json::value* member = column.if_contains(name);
      if (member == nullptr || member->is_null()) return "-";
      return member->is_string() ? std::string(member->get_string()) : std::to_string(member->to_number<int64_t>());
    };
    text.append(
        fmt::format("{} | {} | {} | {} | {}\n", word("name"), word("type"), word("nulls"), word("min"), word("max")));
  }
  if (columns.size() < manifest.schema.size()) {
    text.append(fmt::format("… and {} columns more\n", manifest.schema.size() - columns.size()));
  }
  return text + "\nFirst rows:\n" + RowsAsText(sample);
}

Result<ToolResult> DescribeDataset(const Services& services, const Budget& budget, const Call& call,
                                   const json::object& given, Spent& spent) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"name", "version"}));
  LH_ASSIGN(const std::string name, arguments.Text("name"));
  LH_ASSIGN(const auto version, arguments.OptionalUint("version"));
  LH_ASSIGN(auto* catalog, Need(services.catalog, "the catalog"));
  LH_ASSIGN(auto* query, Need(services.query, "SQL"));
  LH_ASSIGN(const auto manifest, FindDataset(*catalog, call.context, name, version));
  spent.dataset = manifest.name;
  LH_ASSIGN(const auto snapshots, catalog->Snapshots(call.context, manifest.name));
  const std::string relation = Relation(manifest, !version.has_value());
  call.Progress(1, 3, "reading ranges");
  LH_ASSIGN(const json::array ranges, Ranges(*query, call.context, manifest, relation));
  call.Progress(2, 3, "reading rows");
  query::QueryRequest sampling;
  sampling.sql = fmt::format("SELECT * FROM {} LIMIT {}", relation, kSampleRows);
  LH_ASSIGN(const Rows sample, ReadRows(*query, call.context, std::move(sampling),
                                        {.max_rows = kSampleRows, .max_bytes = budget.max_bytes}));
  spent.rows = sample.rows.size();
  json::object structured = Summary(manifest);
  const json::array columns = DescribeColumns(manifest, ranges);
  structured["columns"] = columns;
  structured["columns_left_out"] = manifest.schema.size() - columns.size();
  structured["versions"] = DescribeVersions(snapshots);
  structured["sample"] = sample.rows;
  return TextResult(DescriptionText(manifest, columns, sample, snapshots.size()), std::move(structured));
}

}  // namespace

void AddDatasetTools(std::vector<Tool>& tools, const Services& services, const Budget& budget) {
  tools.push_back(
      {.name = "list_datasets",
       .title = "List datasets",
       .description = "Names of the datasets (SQL tables) of this lakehouse with their row counts. Start here.",
       .input_schema = R"({"type":"object","properties":{
                     "limit":{"type":"integer","minimum":1,"maximum":1000,"default":100},
                     "next":{"type":"string","description":"From an earlier answer: the datasets after those"}},
                     "additionalProperties":false})",
       .output_schema = R"({"type":"object","properties":{
                     "datasets":{"type":"array","items":{"type":"object","properties":{
                       "name":{"type":"string"},"version":{"type":"integer"},"row_count":{"type":"integer"},
                       "columns":{"type":"integer"},"updated_at":{"type":"string"}},
                       "required":["name","version","row_count"]}},
                     "next":{"type":"string"}},"required":["datasets"]})",
       .run = [catalog = services.catalog, budget](const Call& call, const json::object& arguments, Spent& spent) {
         return ListDatasets(catalog, budget, call, arguments, spent);
       }});
  tools.push_back({.name = "describe_dataset",
                   .title = "Describe a dataset",
                   .description = "Columns with types, null counts, least and greatest values, the row count, kept "
                                  "versions and a few sample rows of one dataset. Call it before writing SQL.",
                   .input_schema = R"({"type":"object","properties":{
                     "name":{"type":"string","description":"A dataset of list_datasets"},
                     "version":{"type":"integer","minimum":1,"description":"An older version instead of the newest"}},
                     "required":["name"],"additionalProperties":false})",
                   .output_schema = R"({"type":"object","properties":{
                     "name":{"type":"string"},"version":{"type":"integer"},"row_count":{"type":"integer"},
                     "updated_at":{"type":"string"},
                     "columns":{"type":"array","items":{"type":"object","properties":{
                       "name":{"type":"string"},"type":{"type":"string"},"nullable":{"type":"boolean"},
                       "nulls":{"type":"integer"},"min":{},"max":{}},"required":["name","type"]}},
                     "columns_left_out":{"type":"integer"},
                     "versions":{"type":"array","items":{"type":"object"}},
                     "sample":{"type":"array","items":{"type":"array"}}},
                     "required":["name","version","row_count","columns","versions","sample"]})",
                   .run = [services, budget](const Call& call, const json::object& arguments, Spent& spent) {
                     return DescribeDataset(services, budget, call, arguments, spent);
                   }});
}

}  // namespace lakehouse::mcp
