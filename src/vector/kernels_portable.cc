// The kernels in plain C++: the meaning of all others, and what runs where nothing better is known.
#include <bit>

#include "vector/kernels_internal.h"

namespace lakehouse::vector {
namespace {

// Eight sums side by side, so that compilers may use vectors without reordering a single chain.
template <typename Term>
float Sum(size_t dimension, Term term) {
  float sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= dimension; i += 8) {
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += term(i + lane);
  }
  for (size_t lane = 0; i < dimension; ++i, ++lane) sums[lane] += term(i);
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

float Bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

float Dot(const float* a, const float* b, size_t dimension) {
  return Sum(dimension, [&](size_t i) { return a[i] * b[i]; });
}

float L2(const float* a, const float* b, size_t dimension) {
  return Sum(dimension, [&](size_t i) { return (a[i] - b[i]) * (a[i] - b[i]); });
}

float DotBf16(const float* query, const uint16_t* code, size_t dimension) {
  return Sum(dimension, [&](size_t i) { return query[i] * Bf16(code[i]); });
}

float L2Bf16(const float* query, const uint16_t* code, size_t dimension) {
  return Sum(dimension, [&](size_t i) {
    const float difference = query[i] - Bf16(code[i]);
    return difference * difference;
  });
}

void DotCode8(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out) {
  for (size_t n = 0; n < count; ++n) {
    int32_t sum = 0;
    for (size_t i = 0; i < bytes; ++i) sum += int32_t{query[i]} * codes[n][i];
    out[n] = sum;
  }
}

void DotCode4(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out) {
  for (size_t n = 0; n < count; ++n) {
    int32_t sum = 0;
    for (size_t block = 0; block < bytes; block += kCodeBlock) {
      const int8_t* q = query + 2 * block;
      for (size_t i = 0; i < kCodeBlock; ++i) {
        const uint8_t code = codes[n][block + i];
        sum += int32_t{q[i]} * (code & 15) + int32_t{q[i + kCodeBlock]} * (code >> 4);
      }
    }
    out[n] = sum;
  }
}

void DotCode1(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out) {
  for (size_t n = 0; n < count; ++n) {
    int32_t sum = 0;
    for (size_t i = 0; i < bytes; ++i) {
      for (size_t bit = 0; bit < 8; ++bit) sum += ((codes[n][i] >> bit) & 1) != 0 ? query[8 * i + bit] : 0;
    }
    out[n] = sum;
  }
}

}  // namespace

const Kernels kPortableKernels = {"portable", Dot, L2, DotBf16, L2Bf16, DotCode8, DotCode4, DotCode1};

}  // namespace lakehouse::vector
