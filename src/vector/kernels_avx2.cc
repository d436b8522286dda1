#if defined(__x86_64__)
#include <immintrin.h>

#include "vector/kernels_internal.h"

#define LH_AVX2 __attribute__((target("avx2,fma")))

namespace lakehouse::vector {
namespace {

LH_AVX2 inline float Total(__m256 sums) {
  __m128 low = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  low = _mm_add_ps(low, _mm_movehl_ps(low, low));
  return _mm_cvtss_f32(_mm_add_ss(low, _mm_shuffle_ps(low, low, 1)));
}

LH_AVX2 inline int32_t Total(__m256i sums) {
  __m128i low = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  low = _mm_add_epi32(low, _mm_shuffle_epi32(low, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(low, _mm_shuffle_epi32(low, 0xb1)));
}

LH_AVX2 inline __m256 LoadBf16(const uint16_t* code) {
  return _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(code))), 16));
}

LH_AVX2 float Dot(const float* a, const float* b, size_t dimension) {
  __m256 even = _mm256_setzero_ps(), odd = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + 16 <= dimension; i += 16) {
    even = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), even);
    odd = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), odd);
  }
  float sum = Total(_mm256_add_ps(even, odd));
  for (; i < dimension; ++i) sum += a[i] * b[i];
  return sum;
}

LH_AVX2 float L2(const float* a, const float* b, size_t dimension) {
  __m256 even = _mm256_setzero_ps(), odd = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + 16 <= dimension; i += 16) {
    const __m256 d0 = _mm256_sub_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
    const __m256 d1 = _mm256_sub_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8));
    even = _mm256_fmadd_ps(d0, d0, even);
    odd = _mm256_fmadd_ps(d1, d1, odd);
  }
  float sum = Total(_mm256_add_ps(even, odd));
  for (; i < dimension; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

LH_AVX2 float DotBf16(const float* query, const uint16_t* code, size_t dimension) {
  __m256 sums = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + 8 <= dimension; i += 8) sums = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), LoadBf16(code + i), sums);
  return Total(sums) + kPortableKernels.dot_bf16(query + i, code + i, dimension - i);
}

LH_AVX2 float L2Bf16(const float* query, const uint16_t* code, size_t dimension) {
  __m256 sums = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + 8 <= dimension; i += 8) {
    const __m256 difference = _mm256_sub_ps(_mm256_loadu_ps(query + i), LoadBf16(code + i));
    sums = _mm256_fmadd_ps(difference, difference, sums);
  }
  return Total(sums) + kPortableKernels.l2_bf16(query + i, code + i, dimension - i);
}

// Σ of 32 products; maddubs would saturate with codes of 8 bits, so bytes are widened first.
LH_AVX2 inline __m256i Add32(__m256i sums, __m256i codes, const int8_t* query) {
  const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query));
  const __m256i low = _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(codes)),
                                        _mm256_cvtepi8_epi16(_mm256_castsi256_si128(q)));
  const __m256i high = _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm256_extracti128_si256(codes, 1)),
                                         _mm256_cvtepi8_epi16(_mm256_extracti128_si256(q, 1)));
  return _mm256_add_epi32(sums, _mm256_add_epi32(low, high));
}

LH_AVX2 void DotCode8(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out) {
  for (size_t n = 0; n < count; ++n) {
    __m256i sums = _mm256_setzero_si256();
    for (size_t i = 0; i < bytes; i += 32) {
      sums = Add32(sums, _mm256_load_si256(reinterpret_cast<const __m256i*>(codes[n] + i)), query + i);
    }
    out[n] = Total(sums);
  }
}

LH_AVX2 void DotCode4(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out) {
  const __m256i low_nibbles = _mm256_set1_epi8(15);
  for (size_t n = 0; n < count; ++n) {
    __m256i sums = _mm256_setzero_si256();
    for (size_t block = 0; block < bytes; block += kCodeBlock) {
      const int8_t* q = query + 2 * block;
      for (size_t i = 0; i < kCodeBlock; i += 32) {
        const __m256i packed = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes[n] + block + i));
        sums = Add32(sums, _mm256_and_si256(packed, low_nibbles), q + i);
        sums = Add32(sums, _mm256_and_si256(_mm256_srli_epi16(packed, 4), low_nibbles), q + kCodeBlock + i);
      }
    }
    out[n] = Total(sums);
  }
}

}  // namespace

const Kernels kAvx2Kernels = {"avx2", Dot, L2, DotBf16, L2Bf16, DotCode8, DotCode4, kPortableKernels.dot_code1};

}  // namespace lakehouse::vector
#endif
