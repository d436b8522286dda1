// The header of a .npy file: a two-dimensional array of floats, one vector a row. Pure; callable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace lakehouse::cli {

// Magic, version, and length of the dictionary: what is read before it is known how long the header is.
inline constexpr size_t kNpyPrefixBytes = 12;

struct NpyHeader {
  uint64_t rows = 0;
  uint64_t dimension = 0;
  size_t float_bytes = 4;  // 4 or 8, little-endian
  uint64_t RowBytes() const { return dimension * float_bytes; }
};

// Bytes before the first row, from the first kNpyPrefixBytes of a file. kInvalid for what is no .npy file.
Result<size_t> NpyHeaderBytes(std::string_view prefix);
// `bytes` are those of NpyHeaderBytes. kInvalid saying what is wrong or cannot be read: other types than <f4 and <f8,
// Fortran order, other shapes than (rows, dimension). The file is not trusted: the size of all rows fits 63 bits.
Result<NpyHeader> ParseNpyHeader(std::string_view bytes);

}  // namespace lakehouse::cli
