#include "cli/commands.h"
#include "cli/files.h"

namespace lakehouse::cli {

namespace {

// How items are written when it is not SQL's business; nullptr for other names.
const char* StreamOf(std::string_view output) {
  if (output == "-" || output.ends_with(".ndjson") || output.ends_with(".jsonl")) return "application/x-ndjson";
  if (output.ends_with(".arrow") || output.ends_with(".arrows")) return "application/vnd.apache.arrow.stream";
  return nullptr;
}

std::string QuotedName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + "\"";
}

}  // namespace

Status RunVectorExport(Client& client, Console& console, const GlobalOptions& global,
                       const VectorExportOptions& options) {
  const char* accept = StreamOf(options.output);
  if (accept == nullptr) {
    SqlOptions sql;
    sql.statement = fmt::format("SELECT id, vector, metadata FROM vectors.{}", QuotedName(options.name));
    sql.output = options.output;
    return RunSql(client, console, global, sql);
  }
  const std::string path = fmt::format("/v1/vectors/index/{}/items", net::PercentEncode(options.name, false));
  LH_ASSIGN(const auto response, client.Send({"GET", path, {{"Accept", accept}}}));
  LH_ASSIGN(const auto output, OutputFile::Open(options.output, console));
  LH_TRY(Copy(*response, *output));
  return output->Finish();
}

}  // namespace lakehouse::cli
