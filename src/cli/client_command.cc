#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "config/secrets.h"
#include "version.h"

namespace lakehouse::cli {

namespace {

constexpr char kDefaultUrl[] = "http://127.0.0.1:3110";

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

// LAKEHOUSE_API_KEY, or a secret of that name in a file that only its owner reads (LAKEHOUSE_SECRET_API_KEY_FILE).
Result<std::string> ApiKey(const Console& console) {
  if (auto key = console.environment()("LAKEHOUSE_API_KEY"); key && !key->empty()) return std::move(*key);
  const config::SecretsProvider secrets(console.environment(), {});
  LH_ASSIGN(auto key, secrets.Find("API_KEY"));
  return key.value_or("");
}

Result<Client> Connect(const GlobalOptions& global, const Console& console) {
  ServerAddress address;
  address.url = !global.url.empty() ? global.url : console.environment()("LAKEHOUSE_URL").value_or(kDefaultUrl);
  LH_ASSIGN(address.api_key, ApiKey(console));
  address.ca_file = !global.ca_file.empty() ? global.ca_file : console.environment()("LAKEHOUSE_CA_FILE").value_or("");
  return Client::Of(std::move(address), console.stop());
}

Status Run(const ParsedCommand& parsed, Console& console) {
  const GlobalOptions& global = parsed.global;
  const auto with_client = [&](auto command) -> Status {
    LH_ASSIGN(Client client, Connect(global, console));
    return command(client);
  };
  // A server that was named, in words or by the environment, is asked; else the store itself.
  const auto with_lake = [&](const std::string& data_dir, auto command) -> Status {
    const bool named = !global.url.empty() || console.environment()("LAKEHOUSE_URL").has_value();
    if (!named || !data_dir.empty()) return command(nullptr);
    return with_client([&](Client& client) { return command(&client); });
  };
  return std::visit(
      Overloaded{
          [&](const KeyCreateOptions& o) {
            return with_lake(o.data_dir, [&](Client* c) { return RunKeyCreate(c, console, global, o); });
          },
          [&](const KeyListOptions& o) {
            return with_lake(o.data_dir, [&](Client* c) { return RunKeyList(c, console, global, o); });
          },
          [&](const KeyRevokeOptions& o) {
            return with_lake(o.data_dir, [&](Client* c) { return RunKeyRevoke(c, console, global, o); });
          },
          [&](const IngestOptions& o) {
            return with_client([&](Client& c) { return RunIngest(c, console, global, o); });
          },
          [&](const SqlOptions& o) { return with_client([&](Client& c) { return RunSql(c, console, global, o); }); },
          [&](const ListOptions&) { return with_client([&](Client& c) { return RunList(c, console, global); }); },
          [&](const ShowOptions& o) { return with_client([&](Client& c) { return RunShow(c, console, global, o); }); },
          [&](const DropOptions& o) { return with_client([&](Client& c) { return RunDrop(c, console, global, o); }); },
          [&](const GetOptions& o) { return with_client([&](Client& c) { return RunGet(c, console, o); }); },
          [&](const PutOptions& o) { return with_client([&](Client& c) { return RunPut(c, console, global, o); }); },
          [&](const RemoveOptions& o) { return with_client([&](Client& c) { return RunRemove(c, console, o); }); },
          [&](const StatusOptions&) { return with_client([&](Client& c) { return RunStatus(c, console, global); }); },
          [&](const McpOptions& o) {
            return with_lake(o.data_dir, [&](Client* c) { return RunMcp(c, console, global, o); });
          },
          [&](const GcOptions& o) { return with_client([&](Client& c) { return RunGc(c, console, global, o); }); },
          [&](const VerifyOptions& o) {
            return with_client([&](Client& c) { return RunVerify(c, console, global, o); });
          },
          [&](const VectorCreateOptions& o) {
            return with_client([&](Client& c) { return RunVectorCreate(c, console, global, o); });
          },
          [&](const VectorAddOptions& o) {
            return with_client([&](Client& c) { return RunVectorAdd(c, console, global, o); });
          },
          [&](const VectorSearchOptions& o) {
            return with_client([&](Client& c) { return RunVectorSearch(c, console, global, o); });
          },
          [&](const VectorListOptions&) {
            return with_client([&](Client& c) { return RunVectorList(c, console, global); });
          },
          [&](const VectorShowOptions& o) {
            return with_client([&](Client& c) { return RunVectorShow(c, console, global, o); });
          },
          [&](const VectorExportOptions& o) {
            return with_client([&](Client& c) { return RunVectorExport(c, console, global, o); });
          },
          [&](const VectorDropOptions& o) {
            return with_client([&](Client& c) { return RunVectorDrop(c, console, global, o); });
          },
          [&](const ConvertOptions& o) { return RunConvert(console, global, o); },
          [&](const ConfigOptions& o) { return RunConfig(console, global, o); },
          [&](const CompletionOptions& o) { return RunCompletion(console, o); },
          [&](const HelpMarkdownOptions&) { return RunHelpMarkdown(console); },
          [&](const VersionOptions&) { return console.Write(fmt::format("lakehouse {}\n", kVersion)); },
          [&](const RoleOptions&) -> Status { return Fail(ErrorKind::kInternal, "a role is no client command"); },
      },
      parsed.command);
}

}  // namespace

ExitCode RunClientCommand(const ParsedCommand& parsed, Console& console) {
  const Status done = Run(parsed, console);
  if (done) return ExitCode::kOk;
  if (console.stop().stop_requested()) return ExitCode::kInterrupted;
  if (!IsOutputClosed(done.error())) console.Note("lakehouse: " + DescribeError(done.error()));
  return ExitCodeOf(done.error());
}

}  // namespace lakehouse::cli
