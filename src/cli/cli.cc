#include "cli/cli.h"

#include <csignal>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "server/server.h"
#include "version.h"

namespace lakehouse::cli {

namespace {

constexpr char kDefaultUrl[] = "http://127.0.0.1:3110";

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

Result<Client> Connect(const GlobalOptions& global, const Console& console) {
  ServerAddress address;
  address.url = !global.url.empty() ? global.url : console.environment()("LAKEHOUSE_URL").value_or(kDefaultUrl);
  address.api_key = console.environment()("LAKEHOUSE_API_KEY").value_or("");
  return Client::Of(std::move(address), console.stop());
}

Status Run(const ParsedCommand& parsed, Console& console) {
  const GlobalOptions& global = parsed.global;
  const auto with_client = [&](auto command) -> Status {
    LH_ASSIGN(Client client, Connect(global, console));
    return command(client);
  };
  return std::visit(
      Overloaded{
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
          [&](const GcOptions& o) { return with_client([&](Client& c) { return RunGc(c, console, global, o); }); },
          [&](const ConfigOptions& o) { return RunConfig(console, global, o); },
          [&](const CompletionOptions& o) { return RunCompletion(console, o); },
          [&](const HelpMarkdownOptions&) { return RunHelpMarkdown(console); },
          [&](const VersionOptions&) { return console.Write(fmt::format("lakehouse {}\n", kVersion)); },
          [&](const RoleOptions&) -> Status { return Fail(ErrorKind::kInternal, "a role is no client command"); },
      },
      parsed.command);
}

int RunRole(const GlobalOptions& global, const RoleOptions& options, const Console& console) {
  const auto loaded = config::Load(global.config, console.environment(), options.overrides);
  if (loaded) return server::Run(options.role, *loaded, console.environment());
  console.Note("lakehouse: " + DescribeError(loaded.error()));
  return static_cast<int>(ExitCode::kFailed);
}

}  // namespace

ExitCode RunClientCommand(const ParsedCommand& parsed, Console& console) {
  const Status done = Run(parsed, console);
  if (done) return ExitCode::kOk;
  if (console.stop().stop_requested()) return ExitCode::kInterrupted;
  if (!IsOutputClosed(done.error())) console.Note("lakehouse: " + DescribeError(done.error()));
  return ExitCodeOf(done.error());
}

int Main(int argc, char** argv) {
  const auto parsed = ParseCommandLine(std::vector<std::string>(argv + 1, argv + argc));
  if (const Say* say = std::get_if<Say>(&parsed)) {
    Console console = Console::OfProcess({});
    if (say->exit_code == ExitCode::kOk) {
      static_cast<void>(console.Write(say->text));
    } else {
      console.Note(say->text.substr(0, say->text.find_last_not_of('\n') + 1));
    }
    return static_cast<int>(say->exit_code);
  }
  const auto& command = std::get<ParsedCommand>(parsed);
  if (const auto* role = std::get_if<RoleOptions>(&command.command)) {
    return RunRole(command.global, *role, Console::OfProcess({}));
  }
  std::signal(SIGPIPE, SIG_IGN);
  Interrupt interrupt;
  Console console = Console::OfProcess(interrupt.token());
  return static_cast<int>(RunClientCommand(command, console));
}

}  // namespace lakehouse::cli
