// The program: arguments in, exit status out.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/console.h"

namespace lakehouse::cli {

// Runs a client command and says what went wrong on the console's standard error. REQUIRES: not a role's command.
ExitCode RunClientCommand(const ParsedCommand& parsed, Console& console);

// main(): parses, starts a role or runs a client command.
int Main(int argc, char** argv);

}  // namespace lakehouse::cli
