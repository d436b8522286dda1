#include "base/json_value.h"

#include <boost/json/stream_parser.hpp>

namespace lakehouse {

namespace json = boost::json;

Result<json::value> ParseJson(std::string_view text) {
  json::parse_options options;
  options.max_depth = 64;
  json::stream_parser parser({}, options);
  boost::system::error_code error;
  const size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read < text.size()) {
    const size_t rest = text.find_first_not_of(" \t\r\n", read);
    if (rest != std::string_view::npos)
      return Fail(ErrorKind::kInvalid, "not JSON: text after the value at byte {}", rest);
  }
  if (!error) parser.finish(error);
  if (error) return Fail(ErrorKind::kInvalid, "not JSON: {} near byte {}", error.message(), read);
  return parser.release();
}

Result<JsonFields> JsonFields::Of(const json::value& value, std::string_view what) {
  if (!value.is_object()) return Fail(ErrorKind::kInvalid, "{} must be a JSON object", what);
  return JsonFields(value.get_object(), what);
}

const json::value* JsonFields::Find(std::string_view name) const {
  const json::value* value = object_->if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::optional<std::string>> JsonFields::OptionalString(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} must be a string", name, what_);
  return std::string(value->get_string());
}

Result<std::optional<uint64_t>> JsonFields::OptionalUint(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_uint64()) return value->get_uint64();
  if (value->is_int64() && value->get_int64() >= 0) return static_cast<uint64_t>(value->get_int64());
  return Fail(ErrorKind::kInvalid, "field \"{}\" of {} must be an integer of 0 or more", name, what_);
}

Result<std::optional<bool>> JsonFields::OptionalBool(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} must be true or false", name, what_);
  return value->get_bool();
}

Result<std::string> JsonFields::String(std::string_view name) const {
  LH_ASSIGN(auto value, OptionalString(name));
  if (!value) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} is missing", name, what_);
  return std::move(*value);
}

Result<uint64_t> JsonFields::Uint(std::string_view name) const {
  LH_ASSIGN(const auto value, OptionalUint(name));
  if (!value) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} is missing", name, what_);
  return *value;
}

Result<int64_t> JsonFields::Int(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} is missing", name, what_);
  if (!value->is_int64()) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} must be an integer", name, what_);
  return value->get_int64();
}

Result<const json::array*> JsonFields::Array(std::string_view name) const {
  const json::value* value = Find(name);
  if (value == nullptr) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} is missing", name, what_);
  if (!value->is_array()) return Fail(ErrorKind::kInvalid, "field \"{}\" of {} must be an array", name, what_);
  return &value->get_array();
}

}  // namespace lakehouse
