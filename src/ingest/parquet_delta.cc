#include "ingest/parquet_delta.h"

#include <algorithm>
#include <array>
#include <bit>

#include "ingest/parquet_bits.h"
#include "ingest/parquet_varint.h"

namespace lakehouse::ingest {
namespace {

// A block has one smallest difference, a part of it one width.
constexpr size_t kParts = 8, kPart = 128, kBlock = kParts * kPart;

// Both wrap around: what is added again wraps back.
int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

}  // namespace

void AppendDeltas(std::string& out, std::span<const int64_t> values) {
  AppendVarint(out, kBlock);
  AppendVarint(out, kParts);
  AppendVarint(out, values.size());
  AppendVarint(out, ZigZag(values.empty() ? 0 : values.front()));
  std::array<int64_t, kBlock> deltas;
  std::array<uint64_t, kBlock> above;
  for (size_t next = 1; next < values.size(); next += kBlock) {
    const size_t count = std::min(kBlock, values.size() - next);
    for (size_t i = 0; i < count; ++i) deltas[i] = Minus(values[next + i], values[next + i - 1]);
    const int64_t least = *std::min_element(deltas.begin(), deltas.begin() + static_cast<ptrdiff_t>(count));
    AppendVarint(out, ZigZag(least));
    for (size_t i = 0; i < count; ++i) above[i] = static_cast<uint64_t>(Minus(deltas[i], least));
    std::fill(above.begin() + static_cast<ptrdiff_t>(count), above.end(), 0);
    std::array<unsigned, kParts> widths{};
    for (size_t part = 0; part < kParts; ++part) {
      uint64_t bits = 0;
      for (size_t i = 0; i < kPart; ++i) bits |= above[part * kPart + i];
      widths[part] = static_cast<unsigned>(std::bit_width(bits));
      out.push_back(static_cast<char>(widths[part]));
    }
    // Parts behind the last value have a width and no bytes.
    for (size_t part = 0; part * kPart < count; ++part) {
      AppendBits(out, std::span<const uint64_t>(above.data() + part * kPart, kPart), widths[part], kPart);
    }
  }
}

}  // namespace lakehouse::ingest
