// Files that are no text although somebody says so: recognised by their first bytes. Pure; callable from any thread.
#pragma once

#include <string_view>

#include "base/result.h"

namespace lakehouse::ingest {

// kInvalid, saying what the file is and what to do, where `bytes` begin like a known format that is not text.
Status CheckIsText(std::string_view bytes);

}  // namespace lakehouse::ingest
