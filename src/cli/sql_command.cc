#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/json_value.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/result_table.h"
#include "cli/text.h"
#include "config/units.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr uint64_t kMaxStatementBytes = 16 << 20;
constexpr uint64_t kMaxTableBytes = uint64_t{1} << 30;

Result<std::string> StatementOf(const SqlOptions& options, const Console& console) {
  if (options.file.empty() && options.statement != "-") {
    if (options.statement.empty())
      return Fail(UsageError("no statement: lakehouse sql \"SELECT …\", -f FILE, or - for standard input"));
    return options.statement;
  }
  LH_ASSIGN(const auto input, InputFile::Open(options.file.empty() ? "-" : options.file, console));
  return ReadAll(*input, kMaxStatementBytes);
}

Result<std::string> FormatOf(const SqlOptions& options, const GlobalOptions& global) {
  if (!options.format.empty()) return options.format;
  if (global.json) return "json";
  const auto ends = [&options](std::string_view ending) { return options.output.ends_with(ending); };
  if (options.output.empty() || options.output == "-") return "table";
  if (ends(".csv")) return "csv";
  if (ends(".json")) return "json";
  if (ends(".ndjson") || ends(".jsonl")) return "ndjson";
  if (ends(".arrow") || ends(".arrows")) return "arrow";
  if (ends(".parquet")) return "parquet";
  return Fail(UsageError(fmt::format("cannot tell from \"{}\" how to write the rows: say --format", options.output)));
}

std::string_view MediaTypeOf(std::string_view format) {
  if (format == "csv") return "text/csv";
  if (format == "ndjson") return "application/x-ndjson";
  if (format == "arrow") return "application/vnd.apache.arrow.stream";
  if (format == "parquet") return "application/vnd.apache.parquet";
  return "application/json";
}

// JSON scalars as what they are, all else as text.
void AppendParameter(JsonWriter& out, const std::string& text) {
  const auto value = ParseJson(text);
  if (value && !value->is_object() && !value->is_array()) {
    out.Raw(text);
  } else {
    out.String(text);
  }
}

Result<std::string> RequestBody(const SqlOptions& options, const std::string& statement) {
  std::string body;
  JsonWriter out(body);
  out.BeginObject().Key("sql").String(statement);
  if (!options.parameters.empty()) {
    out.Key("params").BeginArray();
    for (const std::string& parameter : options.parameters) AppendParameter(out, parameter);
    out.EndArray();
  }
  if (!options.timeout.empty()) {
    const auto timeout = config::ParseDuration(options.timeout);
    if (!timeout) return Fail(UsageError(fmt::format("--timeout wants {}", timeout.error().detail)));
    out.Key("timeout_ms").Number(timeout->count());
  }
  if (options.at_seq) out.Key("at_seq").Number(*options.at_seq);
  out.EndObject();
  return body;
}

Status PrintTable(ByteSource& response, Console& console, const SqlOptions& options, OutputFile& output) {
  LH_ASSIGN(const std::string text, ReadAll(response, kMaxTableBytes));
  LH_ASSIGN(const ResultTable result, TableOfResult(text, options.max_rows));
  const bool to_console = options.output.empty() || options.output == "-";
  LH_TRY(output.Write(result.table.Render(to_console ? console.out_width() : std::nullopt)));
  if (result.row_count > result.table.rows()) {
    LH_TRY(output.Write(
        fmt::format("… {} more rows; --max-rows 0 shows all\n", Grouped(result.row_count - result.table.rows()))));
  }
  return output.Write(fmt::format("({} {})\n", Grouped(result.row_count), result.row_count == 1 ? "row" : "rows"));
}

}  // namespace

Status RunSql(Client& client, Console& console, const GlobalOptions& global, const SqlOptions& options) {
  LH_ASSIGN(const std::string format, FormatOf(options, global));
  const bool to_console = options.output.empty() || options.output == "-";
  if (to_console && console.out_is_terminal() && (format == "arrow" || format == "parquet")) {
    return Fail(
        UsageError(fmt::format("{} is no text for a terminal: write it to a file with -o, or pipe it", format)));
  }
  LH_ASSIGN(const std::string statement, StatementOf(options, console));
  LH_ASSIGN(const std::string body, RequestBody(options, statement));
  StringSource source(body);
  Client::Call call{"POST",
                    "/v1/sql",
                    {{"Content-Type", "application/json"}, {"Accept", std::string(MediaTypeOf(format))}},
                    &source,
                    body.size()};
  LH_ASSIGN(const auto response, client.Send(std::move(call)));
  LH_ASSIGN(const auto output, OutputFile::Open(options.output, console));
  if (format == "table") {
    LH_TRY(PrintTable(*response, console, options, *output));
  } else {
    LH_TRY(Copy(*response, *output));
    if (format == "json") LH_TRY(output->Write("\n"));
  }
  return output->Finish();
}

}  // namespace lakehouse::cli
