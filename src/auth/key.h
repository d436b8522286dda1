// API keys as text: "lh_<id>_<secret>", id 12 and secret 64 lower-case hex digits (256 random bits). Pure; callable
// from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/access.h"
#include "base/result.h"

namespace lakehouse::auth {

struct KeyText {
  std::string_view id, secret;
};
// nullopt for what is no key of ours. The views point into `text`.
std::optional<KeyText> ParseKey(std::string_view text);
// Whether `text` can be the id of a key.
bool IsKeyId(std::string_view text);

struct NewKey {
  std::string text;  // the whole key: shown once, stored nowhere
  KnownKey known;    // id, salt and hash
};
// A key from the operating system's random bytes; kInternal when it has none.
Result<NewKey> MakeKey();

}  // namespace lakehouse::auth
