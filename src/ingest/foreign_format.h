// Files that are no text although somebody says so: recognised by their first bytes. Pure; callable from any thread.
#pragma once

#include <string_view>

#include "base/result.h"

namespace lakehouse::ingest {

// What a text may begin with, in UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// kInvalid, saying what the file is and what to do, where `bytes` begin like a known format that is not text.
Status CheckIsText(std::string_view bytes);

}  // namespace lakehouse::ingest
