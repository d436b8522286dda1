#if defined(__x86_64__)
#include <immintrin.h>

#include "vector/kernels_internal.h"

#define LH_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace lakehouse::vector {
namespace {

LH_AVX512 inline __mmask16 TailMask(size_t left) { return static_cast<__mmask16>((1U << left) - 1); }

LH_AVX512 float Dot(const float* a, const float* b, size_t dimension) {
  __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + 32 <= dimension; i += 32) {
    even = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), even);
    odd = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), odd);
  }
  for (; i < dimension; i += 16) {
    const __mmask16 mask = dimension - i >= 16 ? __mmask16{0xffff} : TailMask(dimension - i);
    even = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i), even);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(even, odd));
}

LH_AVX512 float L2(const float* a, const float* b, size_t dimension) {
  __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + 32 <= dimension; i += 32) {
    const __m512 d0 = _mm512_sub_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
    const __m512 d1 = _mm512_sub_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16));
    even = _mm512_fmadd_ps(d0, d0, even);
    odd = _mm512_fmadd_ps(d1, d1, odd);
  }
  for (; i < dimension; i += 16) {
    const __mmask16 mask = dimension - i >= 16 ? __mmask16{0xffff} : TailMask(dimension - i);
    const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i));
    even = _mm512_fmadd_ps(d, d, even);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(even, odd));
}

LH_AVX512 inline __m512 LoadBf16(__mmask16 mask, const uint16_t* code) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, code)), 16));
}

LH_AVX512 float DotBf16(const float* query, const uint16_t* code, size_t dimension) {
  __m512 sums = _mm512_setzero_ps();
  for (size_t i = 0; i < dimension; i += 16) {
    const __mmask16 mask = dimension - i >= 16 ? __mmask16{0xffff} : TailMask(dimension - i);
    sums = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, query + i), LoadBf16(mask, code + i), sums);
  }
  return _mm512_reduce_add_ps(sums);
}

LH_AVX512 float L2Bf16(const float* query, const uint16_t* code, size_t dimension) {
  __m512 sums = _mm512_setzero_ps();
  for (size_t i = 0; i < dimension; i += 16) {
    const __mmask16 mask = dimension - i >= 16 ? __mmask16{0xffff} : TailMask(dimension - i);
    const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, query + i), LoadBf16(mask, code + i));
    sums = _mm512_fmadd_ps(d, d, sums);
  }
  return _mm512_reduce_add_ps(sums);
}

// The totals of four accumulators at once: half the shuffles of four reductions.
LH_AVX512 inline __m128i Totals(__m512i a, __m512i b, __m512i c, __m512i d) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  const __m512i abcd = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
  const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(abcd), _mm512_extracti64x4_epi64(abcd, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

LH_AVX512 inline __m512i LoadBlock(const uint8_t* code) { return _mm512_load_si512(code); }
LH_AVX512 inline __m512i LoadQuery(const int8_t* query) { return _mm512_loadu_si512(query); }

struct Step8 {
  static constexpr size_t kQueryBytes = 64;
  LH_AVX512 static inline __m512i Add(__m512i sums, const uint8_t* code, const int8_t* query) {
    return _mm512_dpbusd_epi32(sums, LoadBlock(code), LoadQuery(query));
  }
};

struct Step4 {
  static constexpr size_t kQueryBytes = 128;
  LH_AVX512 static inline __m512i Add(__m512i sums, const uint8_t* code, const int8_t* query) {
    const __m512i low_nibbles = _mm512_set1_epi8(15);
    const __m512i packed = LoadBlock(code);
    sums = _mm512_dpbusd_epi32(sums, _mm512_and_si512(packed, low_nibbles), LoadQuery(query));
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), low_nibbles);
    return _mm512_dpbusd_epi32(sums, high, LoadQuery(query + 64));
  }
};

struct Step1 {
  static constexpr size_t kQueryBytes = 512;
  LH_AVX512 static inline __m512i Add(__m512i sums, const uint8_t* code, const int8_t* query) {
    const __m512i ones = _mm512_set1_epi8(1);
    const auto* masks = reinterpret_cast<const uint64_t*>(code);
    for (size_t i = 0; i < 8; ++i) {
      sums = _mm512_dpbusd_epi32(sums, ones, _mm512_maskz_loadu_epi8(masks[i], query + 64 * i));
    }
    return sums;
  }
};

template <typename Step>
LH_AVX512 void DotCodes(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out) {
  size_t n = 0;
  for (; n + 4 <= count; n += 4) {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    const int8_t* q = query;
    for (size_t i = 0; i < bytes; i += kCodeBlock, q += Step::kQueryBytes) {
      a = Step::Add(a, codes[n] + i, q);
      b = Step::Add(b, codes[n + 1] + i, q);
      c = Step::Add(c, codes[n + 2] + i, q);
      d = Step::Add(d, codes[n + 3] + i, q);
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + n), Totals(a, b, c, d));
  }
  for (; n < count; ++n) {
    __m512i sums = _mm512_setzero_si512();
    const int8_t* q = query;
    for (size_t i = 0; i < bytes; i += kCodeBlock, q += Step::kQueryBytes) sums = Step::Add(sums, codes[n] + i, q);
    out[n] = _mm512_reduce_add_epi32(sums);
  }
}

}  // namespace

const Kernels kAvx512Kernels = {"avx512", Dot, L2, DotBf16, L2Bf16, DotCodes<Step8>, DotCodes<Step4>, DotCodes<Step1>};

}  // namespace lakehouse::vector
#endif
