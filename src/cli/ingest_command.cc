#include <algorithm>
#include <array>
#include <filesystem>

#include "base/json.h"
#include "base/json_value.h"
#include "cli/column_types.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/progress.h"
#include "cli/source_format.h"
#include "cli/text.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr uint64_t kMaxReportBytes = uint64_t{64} << 20;

Result<std::string> TypesJson(const std::vector<std::string>& types) {
  LH_ASSIGN(const auto parsed, ParseColumnTypes(types));
  std::string text;
  JsonWriter out(text);
  out.BeginObject();
  for (const auto& [column, type] : parsed) out.Key(column).String(type);
  out.EndObject();
  return text;
}

Result<std::string> QueryOf(const IngestOptions& options, const std::string& name, std::string_view mode,
                            const SourceFormat& format) {
  const auto encoded = [](std::string_view text) { return net::PercentEncode(text, false); };
  std::string query = fmt::format("/v1/ingest?name={}&mode={}", encoded(name), mode);
  if (options.duplicates) query += "&duplicates=allow";
  if (options.no_header) query += "&header=false";
  if (!options.encoding.empty()) query += "&encoding=" + encoded(options.encoding);
  const std::string delimiter = !options.delimiter.empty() ? options.delimiter : format.is_tsv ? "\t" : "";
  if (!delimiter.empty()) query += "&delimiter=" + encoded(delimiter);
  if (!options.types.empty()) {
    LH_ASSIGN(const std::string types, TypesJson(options.types));
    query += "&types=" + encoded(types);
  }
  return query;
}

std::string Summary(const json::value& answer, const JsonFields& fields, uint64_t sent_bytes, double seconds) {
  const auto number = [&fields](std::string_view name) { return fields.Uint(name).value_or(0); };
  const uint64_t bytes = fields.OptionalUint("source_bytes").value_or(std::nullopt).value_or(sent_bytes);
  const double rate = seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
  std::string text = fmt::format("{}: ", Printable(fields.String("name").value_or("")));
  if (fields.OptionalBool("replayed").value_or(false).value_or(false)) {
    text += fmt::format("already there, nothing changed; {} rows", Grouped(number("row_count")));
  } else {
    text += fmt::format("{} rows added, {} in all", Grouped(number("rows_added")), Grouped(number("row_count")));
  }
  text += fmt::format("; {} in {} ({}/s); version {}, seq {}\n", HumanBytes(bytes), HumanSeconds(seconds),
                      HumanBytes(static_cast<uint64_t>(rate)), number("version"), number("seq"));
  const json::value* widened = answer.is_object() ? answer.get_object().if_contains("widened") : nullptr;
  if (widened == nullptr || !widened->is_array()) return text;
  for (const json::value& item : widened->get_array()) {
    const auto column = JsonFields::Of(item, "widened");
    if (!column) continue;
    text += fmt::format("  column {} is {} instead of {}: the value in line {} does not fit {}\n",
                        Printable(column->String("column").value_or("")), Printable(column->String("to").value_or("")),
                        Printable(column->String("from").value_or("")), Grouped(column->Uint("line").value_or(0)),
                        Printable(column->String("from").value_or("")));
  }
  return text;
}

// Sends one file and returns the server's answer. The progress line is gone when this returns.
Result<std::string> Upload(Client& client, const Console& console, const std::string& file, InputFile& input,
                           std::string path, const SourceFormat& format) {
  Progress progress({console.err(), console.err_is_terminal(), console.err_width()},
                    file == "-" ? "standard input" : file, input.size(), SystemClock());
  ProgressSource source(input, progress);
  Client::Call call;
  call.method = "POST";
  call.path = std::move(path);
  call.headers = {{"Content-Type", format.content_type}};
  if (!format.content_encoding.empty()) call.headers.emplace_back("Content-Encoding", format.content_encoding);
  call.body = &source;
  call.body_bytes = input.size();
  LH_ASSIGN(const auto response, client.Send(std::move(call)));
  return ReadAll(*response, kMaxReportBytes);
}

Status IngestOne(Client& client, Console& console, const GlobalOptions& global, const IngestOptions& options,
                 const std::string& file, const std::string& name, std::string_view mode) {
  LH_ASSIGN(const SourceFormat format, FormatOfFile(file, options.format));
  LH_ASSIGN(const auto input, InputFile::Open(file, console));
  LH_ASSIGN(std::string path, QueryOf(options, name, mode, format));
  const MonotonicTime started = SystemClock().Monotonic();
  LH_ASSIGN(const std::string text, Upload(client, console, file, *input, std::move(path), format));
  const double seconds = std::chrono::duration<double>(SystemClock().Monotonic() - started).count();
  if (global.json) return console.Write(text + "\n");
  LH_ASSIGN(const json::value answer, ParseJson(text));
  LH_ASSIGN(const JsonFields fields, JsonFields::Of(answer, "the server's answer"));
  return console.Write(Summary(answer, fields, input->size().value_or(0), seconds));
}

}  // namespace

Status RunIngest(Client& client, Console& console, const GlobalOptions& global, const IngestOptions& options) {
  LH_ASSIGN(const std::vector<std::string> files, ExpandFiles(options.files));
  if (std::count(files.begin(), files.end(), "-") > 1) return Fail(UsageError("standard input can be read only once"));
  std::string name = options.name;
  if (name.empty()) {
    if (files.size() != 1 || files.front() == "-")
      return Fail(UsageError("--name is missing: say which dataset, as in --name trips"));
    name = NameOfFile(files.front());
  }
  std::string_view mode = options.mode;
  for (const std::string& file : files) {
    auto done = IngestOne(client, console, global, options, file, name, mode);
    if (!done) return files.size() == 1 ? done : Fail(std::move(done).error().In(file));
    mode = "append";
  }
  return {};
}

}  // namespace lakehouse::cli
