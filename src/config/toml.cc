#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>

#include "config/toml_internal.h"

namespace lakehouse::config {

namespace {

TomlValue ArrayValue(const toml::array& array) {
  std::vector<std::string> texts;
  for (const toml::node& node : array) {
    const auto text = node.value<std::string>();
    if (!node.is_string() || !text) return OtherToml{"an array that holds more than strings"};
    texts.push_back(*text);
  }
  return texts;
}

TomlValue Convert(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* array = node.as_array()) return ArrayValue(*array);
  if (node.is_floating_point()) return OtherToml{"a number with a fraction"};
  if (node.is_table()) return OtherToml{"a table"};
  return OtherToml{"a date or time"};
}

void AppendSection(std::string_view name, const toml::table& section, std::vector<TomlEntry>& entries) {
  if (section.empty())
    entries.push_back({std::string(name), "", OtherToml{"empty"}, section.source().begin.line, true});
  for (const auto& [key, node] : section) {
    entries.push_back({std::string(name), std::string(key.str()), Convert(node), node.source().begin.line});
  }
}

}  // namespace

Result<std::vector<TomlEntry>> ParseToml(std::string_view text, std::string_view file_name) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return Fail(ErrorKind::kInvalid, "{}:{}: {} (column {})", file_name, error.source().begin.line, error.description(),
                error.source().begin.column);
  }
  std::vector<TomlEntry> entries;
  for (const auto& [name, node] : parsed.table()) {
    if (const toml::table* section = node.as_table()) {
      AppendSection(name.str(), *section, entries);
    } else {
      entries.push_back({"", std::string(name.str()), Convert(node), node.source().begin.line});
    }
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return a.line < b.line; });
  return entries;
}

}  // namespace lakehouse::config
