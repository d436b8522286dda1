// Numbers the distinct values of a column in order of their first appearance, and gives up early where numbering them
// would not pay. Pure. Memory is reused from column to column.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace lakehouse::ingest {

// Of values that hash and compare through `Traits`.
template <typename T, typename Traits>
class Dictionary {
 public:
  // False when there are too many distinct values; `codes` is then meaningless.
  bool Build(const std::vector<T>& values) {
    codes.clear();
    distinct.clear();
    codes.reserve(values.size());
    const size_t limit = std::min(kMaxDistinct, values.size() / 2 + 1);
    const size_t mask = std::bit_ceil(2 * limit) - 1;
    slots_.assign(mask + 1, Slot{});
    // Values made to collide must cost their sender a plain page, not everybody a search through the table.
    size_t steps_left = 8 * values.size() + 1024;
    for (size_t i = 0; i < values.size(); ++i) {
      // A column with more different values than can be numbered shows it soon.
      if (i == kFirstProbe && distinct.size() > kFirstProbe / 100 * 97) return false;
      if (i == kSecondProbe && distinct.size() > kSecondProbe / 100 * 80) return false;
      const uint64_t hash = Traits::Hash(values[i]);
      const auto tag = static_cast<uint32_t>(hash >> 32);
      size_t at = hash & mask;
      while (true) {
        Slot& slot = slots_[at];
        if (slot.code == kEmpty) {
          if (distinct.size() == limit) return false;
          slot = {static_cast<uint32_t>(distinct.size()), tag};
          distinct.push_back(values[i]);
          codes.push_back(slot.code);
          break;
        }
        if (slot.tag == tag && Traits::Equal(distinct[slot.code], values[i])) {
          codes.push_back(slot.code);
          break;
        }
        if (--steps_left == 0) return false;
        at = (at + 1) & mask;
      }
    }
    return true;
  }

  std::vector<uint32_t> codes;
  std::vector<T> distinct;

 private:
  static constexpr size_t kMaxDistinct = 1 << 15;
  // Drawn evenly from kMaxDistinct values, that many are different by then: 97 %, and 79 %.
  static constexpr size_t kFirstProbe = 2000, kSecondProbe = 16'000;
  static constexpr uint32_t kEmpty = UINT32_MAX;
  struct Slot {
    uint32_t code = kEmpty;
    uint32_t tag = 0;
  };
  std::vector<Slot> slots_;
};

inline uint64_t MixBits(uint64_t x) {
  x ^= x >> 32;
  x *= 0x9E3779B97F4A7C15ULL;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9ULL;
  return x ^ (x >> 32);
}

template <typename T>
struct NumberTraits {
  static uint64_t Hash(T value) { return MixBits(Bits(value)); }
  // By bits: 0.0 and -0.0 are two values, and NaN is one.
  static bool Equal(T a, T b) { return Bits(a) == Bits(b); }

 private:
  static uint64_t Bits(T value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
  }
};

struct TextTraits {
  static uint64_t Hash(std::string_view text) {
    uint64_t hash = text.size() * 0x9E3779B97F4A7C15ULL;
    while (text.size() > 8) {
      uint64_t word = 0;
      std::memcpy(&word, text.data(), 8);
      hash = MixBits(hash ^ word);
      text.remove_prefix(8);
    }
    uint64_t word = 0;
    if (!text.empty()) std::memcpy(&word, text.data(), text.size());
    return MixBits(hash ^ word);
  }
  static bool Equal(std::string_view a, std::string_view b) { return a == b; }
};

}  // namespace lakehouse::ingest
