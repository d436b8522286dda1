#include "cli/cli.h"

#include <csignal>

#include "cli/interrupt.h"
#include "server/server.h"

namespace lakehouse::cli {

namespace {

int RunRole(const GlobalOptions& global, const RoleOptions& options, const Console& console) {
  const auto loaded = config::Load(global.config, console.environment(), options.overrides);
  if (loaded) return server::Run(options.role, *loaded, console.environment());
  console.Note("lakehouse: " + DescribeError(loaded.error()));
  return static_cast<int>(ExitCode::kFailed);
}

}  // namespace

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
