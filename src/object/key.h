// The rules every object key keeps (docs/contract.md, "Key rules"). Callable from any thread.
#pragma once

#include <string_view>

#include "base/result.h"

namespace lakehouse::object {

inline constexpr size_t kMaxKeyBytes = 1024;

// kInvalid naming the rule that `key` breaks. Takes the key after percent-decoding once; components that are `.` or
// `..` when decoded again are refused too.
Status CheckKey(std::string_view key);
// What is the lakehouse's own business (API keys): clients neither read nor write below it, nor see it listed.
inline constexpr std::string_view kPrivateKeyPrefix = ".lakehouse/";
bool IsPrivateKey(std::string_view key);
// True for keys that belong to the roles: clients may read them, not write them.
bool IsReservedKey(std::string_view key);

}  // namespace lakehouse::object
