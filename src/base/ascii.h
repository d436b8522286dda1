// Texts whose letters are ASCII by their own rules: header names, identifiers, file names' endings. No locale.
#pragma once

#include <string>
#include <string_view>

namespace lakehouse {

// Letters in lower case; every other byte stays.
inline std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

}  // namespace lakehouse
