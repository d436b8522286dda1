#include <thread>

#include "base/json.h"
#include "base/uuid.h"
#include "cli/column_types.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/text.h"
#include "ingest/convert.h"

namespace lakehouse::cli {

namespace {

Result<ingest::ImportOptions> OptionsOf(const ConvertOptions& options) {
  ingest::ImportOptions import;
  import.threads = std::max(std::thread::hardware_concurrency(), 1U);
  import.csv.header = !options.no_header;
  if (options.delimiter == "\\t" || (options.delimiter.empty() && options.input.ends_with(".tsv"))) {
    import.csv.delimiter = '\t';
  } else if (options.delimiter.size() == 1) {
    import.csv.delimiter = options.delimiter[0];
  } else if (!options.delimiter.empty()) {
    return Fail(UsageError("--delimiter wants one character, or \\t"));
  }
  LH_ASSIGN(import.types, ParseColumnTypes(options.types));
  return import;
}

std::string AsJson(const ingest::ConvertReport& report, double seconds) {
  std::string text;
  JsonWriter out(text);
  out.BeginObject().Key("rows").Number(report.rows).Key("source_bytes").Number(report.source_bytes);
  out.Key("bytes").Number(report.bytes).Key("seconds").Number(seconds).Key("columns").BeginArray();
  for (const auto& column : report.schema.columns) {
    out.BeginObject().Key("name").String(column.name).Key("type").String(ingest::TypeName(column.type)).EndObject();
  }
  out.EndArray().EndObject();
  return text + "\n";
}

std::string AsText(const ConvertOptions& options, const ingest::ConvertReport& report, double seconds) {
  std::string text = fmt::format(
      "{}: {} rows; {} to {} in {} ({}/s)\n", Printable(options.output), Grouped(report.rows),
      HumanBytes(report.source_bytes), HumanBytes(report.bytes), HumanSeconds(seconds),
      HumanBytes(static_cast<uint64_t>(static_cast<double>(report.source_bytes) / std::max(seconds, 1e-9))));
  for (const auto& widened : report.schema.widened) {
    const std::string_view from = ingest::TypeName(widened.from);
    text += fmt::format("  column {} is {} instead of {}: the value in line {} does not fit {}\n",
                        Printable(widened.column), ingest::TypeName(widened.to), from, Grouped(widened.line), from);
  }
  return text;
}

}  // namespace

Status RunConvert(Console& console, const GlobalOptions& global, const ConvertOptions& options) {
  LH_ASSIGN(const ingest::ImportOptions import, OptionsOf(options));
  RequestContext context;
  context.request_id = RandomUuid();
  context.cancelled = console.stop();
  const MonotonicTime started = SystemClock().Monotonic();
  LH_ASSIGN(const auto report, ingest::ConvertCsvFile(context, options.input, options.output, import));
  const double seconds = std::chrono::duration<double>(SystemClock().Monotonic() - started).count();
  return console.Write(global.json ? AsJson(report, seconds) : AsText(options, report, seconds));
}

}  // namespace lakehouse::cli
