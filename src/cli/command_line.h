// From arguments to a command. The one list of commands, flags and their help.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/exit_code.h"
#include "cli/options.h"

namespace lakehouse::cli {

struct ParsedCommand {
  GlobalOptions global;
  Command command;
};
// Nothing to run: help was asked for (kOk), or the arguments make no sense (kUsage).
struct Say {
  ExitCode exit_code;
  std::string text;
};

// `arguments` without the program's name.
std::variant<ParsedCommand, Say> ParseCommandLine(std::vector<std::string> arguments);

// The commands as a plain list, for completion and documentation.
struct FlagDescription {
  std::vector<std::string> names;  // "--name", "-n"
  std::string doc;
  bool takes_value = false;
  std::vector<std::string> choices;
};
struct CommandDescription {
  std::string name, doc, usage, example;
  std::vector<FlagDescription> flags;
  std::vector<FlagDescription> arguments;  // positional
  // Of a command of commands, as "vectors"; its flags are then all of theirs, its argument the choice of one.
  std::vector<CommandDescription> commands{};
};
// The first is the program itself with the global flags.
std::vector<CommandDescription> DescribeCommands();

}  // namespace lakehouse::cli
