// lakehouse.toml as a flat list of entries: the one place that knows toml++.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace lakehouse::config {

// A value of a type that no setting has (a table, a date, a float, an array of anything but strings).
struct OtherToml {
  std::string type;  // "a table"
};
using TomlValue = std::variant<std::string, int64_t, bool, std::vector<std::string>, OtherToml>;

struct TomlEntry {
  std::string section;  // empty: the key stands outside any section
  std::string key;
  TomlValue value;
  uint32_t line = 0;
  bool is_empty_section = false;  // the section holds nothing; key and value say nothing
};

// In the order of the file. kInvalid naming `file_name` and the line for text that is no TOML.
Result<std::vector<TomlEntry>> ParseToml(std::string_view text, std::string_view file_name);

}  // namespace lakehouse::config
