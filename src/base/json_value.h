// Reading JSON: Boost.JSON behind checks that name the field. Callable from any thread.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lakehouse {

// kInvalid saying where the text stops being JSON. Nesting is bounded (64).
Result<boost::json::value> ParseJson(std::string_view text);

// Fields of one JSON object. Each getter fails with kInvalid naming the field and what was expected there.
// REQUIRES: the object outlives this.
class JsonFields {
 public:
  // kInvalid when `value` is no object; `what` names it in messages ("the request body").
  static Result<JsonFields> Of(const boost::json::value& value, std::string_view what);

  Result<std::string> String(std::string_view name) const;
  Result<uint64_t> Uint(std::string_view name) const;
  Result<int64_t> Int(std::string_view name) const;
  Result<std::optional<std::string>> OptionalString(std::string_view name) const;
  Result<std::optional<uint64_t>> OptionalUint(std::string_view name) const;
  Result<std::optional<bool>> OptionalBool(std::string_view name) const;
  // Null and absent are the same: nullptr.
  const boost::json::value* Find(std::string_view name) const;
  Result<const boost::json::array*> Array(std::string_view name) const;

 private:
  JsonFields(const boost::json::object& object, std::string_view what) : object_(&object), what_(what) {}
  const boost::json::object* object_;
  std::string what_;
};

}  // namespace lakehouse
