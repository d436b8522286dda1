// Words of a text, as the text index knows them. Callable from any thread.
//
// A word is a run of letters and digits, in lower case, cut after 64 bytes. ASCII is exact. Past it a code point is a
// letter unless it stands in a block of punctuation, symbols, emoji or private use. Lower case is known for Latin,
// Greek, Cyrillic and Armenian. Han, kana: each character is a word, as those scripts put no spaces. Bytes that are not
// UTF-8 separate words. Nothing is stemmed and no accent is taken off.
#pragma once

#include <functional>
#include <string_view>

namespace lakehouse::vector {

inline constexpr size_t kMaxTokenBytes = 64;

void ForEachToken(std::string_view text, const std::function<void(std::string_view)>& callback);

}  // namespace lakehouse::vector
