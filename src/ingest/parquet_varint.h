// Numbers of as many bytes as they need, seven bits in each, the lowest first (ULEB128), as Parquet writes them.
#pragma once

#include <cstdint>
#include <string>

namespace lakehouse::ingest {

inline void AppendVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Small numbers of either sign as small numbers.
inline uint64_t ZigZag(int64_t value) { return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63); }

}  // namespace lakehouse::ingest
