#include "ingest/csv_index.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lakehouse::ingest {
namespace {

void ScanTail(std::string_view text, size_t from, bool in_quotes, char delimiter, CsvIndex& index) {
  for (size_t at = from; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      in_quotes = !in_quotes;
      index.has_quotes = true;
    } else if (!in_quotes && (c == delimiter || c == '\n')) {
      index.ends.push_back(static_cast<uint32_t>(at));
    }
  }
  index.ends_in_quotes = in_quotes;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) inline uint64_t MatchMask(const __m256i low, const __m256i high, char byte) {
  const __m256i wanted = _mm256_set1_epi8(byte);
  const auto low_mask = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
  const auto high_mask = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
  return static_cast<uint64_t>(high_mask) << 32 | low_mask;
}

// Bit i of the result is the parity of bits 0..i: set from an opening quote to before its closing one.
// (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.1.1)
__attribute__((target("avx2,pclmul"))) inline uint64_t PrefixParity(uint64_t bits) {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<int64_t>(bits)), _mm_set1_epi8(static_cast<char>(0xFF)), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

__attribute__((target("avx2,pclmul,bmi"))) void BuildAvx2(std::string_view text, char delimiter, CsvIndex& index) {
  size_t count = 0;
  size_t at = 0;
  uint64_t carry = 0;  // all ones while a quote is open
  for (; at + 64 <= text.size(); at += 64) {
    if (index.ends.size() < count + 64) index.ends.resize(std::max<size_t>(index.ends.size() * 2, 4096));
    const auto* bytes = reinterpret_cast<const __m256i*>(text.data() + at);
    const __m256i low = _mm256_loadu_si256(bytes);
    const __m256i high = _mm256_loadu_si256(bytes + 1);
    uint64_t structural = MatchMask(low, high, delimiter) | MatchMask(low, high, '\n');
    const uint64_t quotes = MatchMask(low, high, '"');
    if ((quotes | carry) != 0) {
      index.has_quotes = true;
      const uint64_t inside = PrefixParity(quotes) ^ carry;
      carry = static_cast<uint64_t>(static_cast<int64_t>(inside) >> 63);
      structural &= ~inside;
    }
    uint32_t* out = index.ends.data() + count;
    count += static_cast<size_t>(std::popcount(structural));
    while (structural != 0) {
      *out++ = static_cast<uint32_t>(at) + static_cast<uint32_t>(std::countr_zero(structural));
      structural &= structural - 1;
    }
  }
  index.ends.resize(count);
  ScanTail(text, at, carry != 0, delimiter, index);
}

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi");
}

#endif

}  // namespace

void BuildCsvIndexScalar(std::string_view text, char delimiter, CsvIndex& index) {
  index.ends.clear();
  index.has_quotes = false;
  ScanTail(text, 0, false, delimiter, index);
}

void BuildCsvIndex(std::string_view text, char delimiter, CsvIndex& index) {
#if defined(__x86_64__)
  static const bool has_avx2 = HasAvx2();
  if (has_avx2) {
    index.ends.clear();
    index.has_quotes = false;
    BuildAvx2(text, delimiter, index);
    return;
  }
#endif
  BuildCsvIndexScalar(text, delimiter, index);
}

uint64_t CountByte(std::string_view text, char byte) { return static_cast<uint64_t>(std::ranges::count(text, byte)); }

}  // namespace lakehouse::ingest
