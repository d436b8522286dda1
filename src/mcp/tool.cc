#include "mcp/tool.h"

#include <algorithm>

namespace lakehouse::mcp {

namespace json = boost::json;

Result<Arguments> Arguments::Of(const json::object& object, std::initializer_list<std::string_view> known) {
  for (const auto& argument : object) {
    if (std::ranges::find(known, std::string_view(argument.key())) != known.end()) continue;
    std::string list;
    for (const std::string_view name : known) list.append(list.empty() ? "" : ", ").append(name);
    return Fail(ErrorKind::kInvalid, "unknown argument \"{}\"; there are: {}", std::string_view(argument.key()),
                list.empty() ? "none" : list);
  }
  return Arguments(object);
}

const json::value* Arguments::Find(std::string_view name) const {
  const json::value* value = object_->if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::optional<std::string>> Arguments::OptionalText(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return Fail(ErrorKind::kInvalid, "argument \"{}\" must be a text", name);
  return std::string(value->get_string());
}

Result<std::string> Arguments::Text(std::string_view name) const {
  LH_ASSIGN(auto text, OptionalText(name));
  if (!text || text->empty()) return Fail(ErrorKind::kInvalid, "argument \"{}\" is missing", name);
  return std::move(*text);
}

Result<std::optional<uint64_t>> Arguments::OptionalUint(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<uint64_t>(value->get_int64());
  if (value->is_uint64()) return value->get_uint64();
  return Fail(ErrorKind::kInvalid, "argument \"{}\" must be a whole number", name);
}

Result<uint64_t> Arguments::Count(std::string_view name, uint64_t otherwise, uint64_t most) const {
  LH_ASSIGN(const auto value, OptionalUint(name));
  if (value && *value == 0) return Fail(ErrorKind::kInvalid, "argument \"{}\" must be 1 or more", name);
  return std::min(value.value_or(otherwise), most);
}

Result<bool> Arguments::Flag(std::string_view name, bool otherwise) const {
  const json::value* value = Find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_bool()) return Fail(ErrorKind::kInvalid, "argument \"{}\" must be true or false", name);
  return value->get_bool();
}

json::object TextBlock(std::string_view text) { return {{"type", "text"}, {"text", text}}; }

ToolResult TextResult(std::string_view text, std::optional<json::object> structured) {
  ToolResult result;
  result.content.push_back(TextBlock(text));
  result.structured = std::move(structured);
  return result;
}

}  // namespace lakehouse::mcp
