// Distance kernels, one table for each instruction set; the best that this machine has is picked at run time.
// Pure; callable from any thread. NEON machines take the portable table, which compilers vectorise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace lakehouse::vector {

// Codes are padded to whole blocks of this many bytes, with zeros; queries are padded alike.
inline constexpr size_t kCodeBlock = 64;

struct Kernels {
  std::string_view name;
  float (*dot)(const float* a, const float* b, size_t dimension);
  float (*l2)(const float* a, const float* b, size_t dimension);  // squared
  float (*dot_bf16)(const float* query, const uint16_t* code, size_t dimension);
  float (*l2_bf16)(const float* query, const uint16_t* code, size_t dimension);
  // Σ query·code for `count` codes of `bytes` each (a multiple of kCodeBlock, at 64-byte boundaries).
  // 8 bits: a byte a dimension. 4 bits: of each 64-byte block the low nibbles are dimensions 0…63 of 128, the high
  // ones 64…127. 1 bit: bit i of byte j is dimension 8j + i. The query has a signed byte a dimension.
  void (*dot_code8)(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out);
  void (*dot_code4)(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out);
  void (*dot_code1)(const int8_t* query, const uint8_t* const* codes, size_t count, size_t bytes, int32_t* out);
};

const Kernels& BestKernels();
// Those that run on this machine, the portable one first: for tests that hold them against each other.
std::span<const Kernels* const> UsableKernels();

}  // namespace lakehouse::vector
