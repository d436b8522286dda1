// Numbers of the same few bits each, the first in the lowest bits of the first byte, as Parquet packs them.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace lakehouse::ingest {

// Appends the values and zeros up to `padded` of them. REQUIRES: each is below 2^width; width is at most 64; `padded`
// is a multiple of 8 and not less than there are values.
template <typename T>
void AppendBits(std::string& out, std::span<const T> values, unsigned width, size_t padded) {
  const size_t start = out.size();
  out.resize(start + padded * width / 8);
  if (width == 0) return;
  char* at = out.data() + start;
  uint64_t word = 0;
  unsigned used = 0;
  for (const T value : values) {
    const auto bits = static_cast<uint64_t>(value);
    word |= bits << used;
    used += width;
    if (used < 64) continue;
    std::memcpy(at, &word, 8);
    at += 8;
    used -= 64;
    word = used == 0 ? 0 : bits >> (width - used);
  }
  std::memcpy(at, &word, (used + 7) / 8);
}

}  // namespace lakehouse::ingest
