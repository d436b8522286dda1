// --types zip=VARCHAR,day=DATE and --delimiter, as two commands take them. Callable from any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace lakehouse::cli {

// Column name to type. kUsage for what is not column=TYPE.
Result<std::map<std::string, std::string>> ParseColumnTypes(const std::vector<std::string>& types);

}  // namespace lakehouse::cli
