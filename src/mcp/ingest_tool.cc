// ingest_csv: only there with [mcp] allow_writes.

#include "base/stream.h"
#include "mcp/names.h"
#include "mcp/telling_progress.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

Result<service::IngestRequest> ReadRequest(const Arguments& arguments) {
  service::IngestRequest request;
  LH_ASSIGN(request.name, arguments.Text("name"));
  LH_ASSIGN(const auto mode, arguments.OptionalText("mode"));
  if (mode && *mode != "append" && *mode != "replace") {
    return Fail(ErrorKind::kInvalid, "argument \"mode\" must be append or replace");
  }
  request.mode = mode == "append" ? catalog::WriteMode::kAppend : catalog::WriteMode::kReplace;
  LH_ASSIGN(const auto delimiter, arguments.OptionalText("delimiter"));
  if (delimiter && delimiter->size() != 1) {
    return Fail(ErrorKind::kInvalid, "argument \"delimiter\" must be one character");
  }
  if (delimiter) request.delimiter = delimiter->front();
  LH_ASSIGN(request.header, arguments.Flag("header", true));
  return request;
}

Result<ToolResult> IngestCsv(service::Ingest* service, const Call& call, const json::object& given, Spent& spent) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"name", "csv", "mode", "delimiter", "header"}));
  LH_ASSIGN(const auto request, ReadRequest(arguments));
  LH_ASSIGN(const std::string csv, arguments.Text("csv"));
  LH_ASSIGN(auto* ingest, Need(service, "ingest"));
  StringSource source(csv);
  LH_ASSIGN(const auto result, TellingProgress(call, "seconds that the rows are stored",
                                               [&] { return ingest->Run(call.context, request, source); }));
  spent.dataset = result.name;
  spent.rows = result.rows_added;
  spent.bytes = csv.size();
  json::array columns;
  std::string types;
  for (const catalog::Column& column : result.columns) {
    columns.push_back(json::object{{"name", column.name}, {"type", column.type}});
    types.append(types.empty() ? "" : ", ").append(column.name).append(" ").append(column.type);
  }
  const std::string text =
      result.replayed ? fmt::format("{} has this content already (version {}, {} rows); nothing was changed.\n",
                                    result.name, result.version.value, result.row_count)
                      : fmt::format("{} is now version {}: {} rows were added, {} in all.\nColumns: {}\n", result.name,
                                    result.version.value, result.rows_added, result.row_count, types);
  return TextResult(text, json::object{{"name", result.name},
                                       {"version", result.version.value},
                                       {"seq", result.seq.value},
                                       {"rows_added", result.rows_added},
                                       {"row_count", result.row_count},
                                       {"replayed", result.replayed},
                                       {"columns", std::move(columns)}});
}

}  // namespace

void AddIngestTool(std::vector<Tool>& tools, const Services& services) {
  tools.push_back({.name = "ingest_csv",
                   .title = "Store CSV as a dataset",
                   .description = "Turns CSV text into a dataset, or adds it to one. Types are inferred. The default "
                                  "mode replaces the dataset's content; older versions are kept. Repeating a call "
                                  "changes nothing.",
                   .input_schema = R"({"type":"object","properties":{
                     "name":{"type":"string","pattern":"^[A-Za-z_][A-Za-z0-9_-]{0,127}$"},
                     "csv":{"type":"string","description":"The rows, with a header line unless header is false"},
                     "mode":{"type":"string","enum":["replace","append"],"default":"replace"},
                     "delimiter":{"type":"string","default":","},
                     "header":{"type":"boolean","default":true}},
                     "required":["name","csv"],"additionalProperties":false})",
                   .output_schema = R"({"type":"object","properties":{"name":{"type":"string"},
                     "version":{"type":"integer"},"seq":{"type":"integer"},"rows_added":{"type":"integer"},
                     "row_count":{"type":"integer"},"replayed":{"type":"boolean"},
                     "columns":{"type":"array","items":{"type":"object"}}},
                     "required":["name","version","rows_added","row_count","columns"]})",
                   .read_only = false,
                   .destructive = true,
                   .run = [ingest = services.ingest](const Call& call, const json::object& arguments, Spent& spent) {
                     return IngestCsv(ingest, call, arguments, spent);
                   }});
}

}  // namespace lakehouse::mcp
