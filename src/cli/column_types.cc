#include "cli/column_types.h"

#include "cli/exit_code.h"

namespace lakehouse::cli {

Result<std::map<std::string, std::string>> ParseColumnTypes(const std::vector<std::string>& types) {
  std::map<std::string, std::string> parsed;
  for (const std::string& type : types) {
    const size_t equals = type.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == type.size()) {
      return Fail(UsageError(fmt::format("--types wants column=TYPE, such as zip=VARCHAR, not \"{}\"", type)));
    }
    parsed.insert_or_assign(type.substr(0, equals), type.substr(equals + 1));
  }
  return parsed;
}

}  // namespace lakehouse::cli
