// UTF-8 checks (RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace lakehouse {

// Bytes of the well-formed sequence that `text` starts with; 0 when it starts with none (or is empty).
size_t Utf8SequenceLength(std::string_view text);
// Offset of the first byte that is not part of a well-formed sequence.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

}  // namespace lakehouse
