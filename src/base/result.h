// Result<T>: a value or an Error. Every function that can fail returns one; nothing of ours throws.
//
//   LH_ASSIGN(auto manifest, catalog.Get(name));   // returns the error to our caller
//   LH_TRY(store.Delete(key));
//   return Fail(ErrorKind::kInvalid, "column {} is empty", index);
#pragma once

#include <fmt/core.h>

#include <expected>
#include <utility>

#include "base/error.h"

namespace lakehouse {

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

template <typename... Args>
[[nodiscard]] std::unexpected<Error> Fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{kind, fmt::format(format, std::forward<Args>(args)...), std::nullopt, {}});
}
[[nodiscard]] inline std::unexpected<Error> Fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace lakehouse

#define LH_CONCAT_INNER(a, b) a##b
#define LH_CONCAT(a, b) LH_CONCAT_INNER(a, b)

#define LH_TRY(expression)                                        \
  do {                                                            \
    if (auto lh_result = (expression); !lh_result) [[unlikely]] { \
      return std::unexpected(std::move(lh_result).error());       \
    }                                                             \
  } while (false)

#define LH_ASSIGN(declaration, expression) LH_ASSIGN_INNER(LH_CONCAT(lh_result_, __LINE__), declaration, expression)
#define LH_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                            \
  if (!(result)) [[unlikely]]                            \
    return std::unexpected(std::move(result).error());   \
  declaration = std::move(*(result))
