namespace {

// toml++ 3.3 promises the optimizer what its input can break: "[!" fails an assertion (with NDEBUG an assumption),
// U+FEEF comes to a point marked unreachable. Here the one throws, the other means "no". tests/corpus/toml_fuzz keeps
// both.
struct FailedAssertion {};

}  // namespace

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wterminate"  // assertions inside noexcept functions end the process, as assertions do
#endif
#undef NDEBUG
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : throw FailedAssertion())
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
// clang-format off: the order matters
#include <toml++/impl/forward_declarations.h>
#pragma push_macro("TOML_UNREACHABLE")
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return {}
#include <toml++/impl/unicode.h>
#pragma pop_macro("TOML_UNREACHABLE")
#include <toml++/toml.h>
// clang-format on

#include <algorithm>
#include <cctype>

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

// The assertions that input can fail are those about [headers]; where it stood in the text is lost with the parser.
uint32_t LineOfBrokenHeader(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  uint32_t line = 1;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, end);
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
    if (rest.starts_with('[')) {
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t["), rest.size()));
      const bool begins_name = !rest.empty() && (std::isalnum(static_cast<unsigned char>(rest[0])) != 0 ||
                                                 rest[0] == '_' || rest[0] == '-' || rest[0] == '"' || rest[0] == '\'');
      if (!begins_name) return line;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    ++line;
  }
  return 1;
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
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Fail(ErrorKind::kInvalid, "{}:{}: {} (column {})", file_name, error.source().begin.line, error.description(),
                error.source().begin.column);
  } catch (const FailedAssertion&) {
    return Fail(ErrorKind::kInvalid, "{}:{}: not a section's name in brackets", file_name, LineOfBrokenHeader(text));
  }
  std::vector<TomlEntry> entries;
  for (const auto& [name, node] : table) {
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
