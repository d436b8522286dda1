// What the process says to a script by its exit status, and how an Error of the client side carries it.
#pragma once

#include <string>

#include "base/error.h"

namespace lakehouse::cli {

enum class ExitCode {
  kOk = 0,
  kFailed = 1,         // the server refused, or something here failed
  kUsage = 2,          // the command line makes no sense
  kNotFound = 3,       // the dataset, object or file is not there
  kCannotConnect = 4,  // no server at the URL
  kInterrupted = 130,  // Ctrl-C
};

Error UsageError(std::string detail);
Error CannotConnect(std::string detail);
// Standard output was closed by its reader ("| head"): the command ends without a word.
Error OutputClosed();

ExitCode ExitCodeOf(const Error& error);
bool IsOutputClosed(const Error& error);

// "detail (line 12, column 3) [request 4f…]" without control characters; further lines of the detail follow, indented.
std::string DescribeError(const Error& error);

}  // namespace lakehouse::cli
