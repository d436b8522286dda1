// Vectors as the codes that a graph is walked on.
//
// 8, 4 and 1 bit codes follow RaBitQ (Gao and Long, SIGMOD 2024; Gao et al., SIGMOD 2025): a vector x, less the
// index's mean, is coded as small integers c; ⟨q,x⟩ is estimated as ⟨q,ĉ⟩·‖x‖²/⟨x,ĉ⟩ with ĉ = c less its middle value.
// The query is rounded to signed bytes, so a distance is one integer dot product. 4 and 1 bit codes are taken after a
// random rotation, which spreads every vector over all dimensions. bf16 and none keep floats.
//
// Cosine is squared Euclidean distance of normalised vectors, in here; only the order of distances matters to a walk.
// Immutable; callable from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "vector/kernels.h"
#include "vector/types.h"

namespace lakehouse::vector {

// A query as the kernels want it. Reused between searches; one thread at a time.
struct PreparedQuery {
  std::vector<float> floats;  // rotated, less the mean
  std::vector<int8_t> bytes;  // floats / scale, rounded, padded with zeros
  float scale = 0;
  float offset = 0;               // middle value of the codes times the sum of bytes
  float norm = 0;                 // squared
  std::vector<int32_t> products;  // room for the kernels' answers
};

// What the distance to a code needs besides the code. Kept apart from the codes: together these fit the caches that the
// codes do not, and a code alone is whole cache lines.
struct NodeHeader {
  float factor = 0, norm = 0;
};

class Codec {
 public:
  // `mean` is what vectors are counted from (empty: zero); `seed` makes the rotation.
  Codec(const IndexOptions& options, std::vector<float> mean, uint64_t seed);
  // The mean of `count` vectors one after another; zero for dot products, where it would change the order.
  static std::vector<float> MeanOf(const IndexOptions& options, std::span<const float> vectors);

  // Bytes of a node's code, a multiple of 64; starts at a multiple of 64.
  size_t code_bytes() const { return code_bytes_; }
  const std::vector<float>& mean() const { return mean_; }
  uint64_t seed() const { return seed_; }

  // REQUIRES: vectors are normalised for cosine.
  NodeHeader Encode(const float* vector, char* code) const;
  void Prepare(const float* vector, PreparedQuery& query) const;
  // The query that the node itself is, as far as its code says.
  void PrepareNode(const char* code, NodeHeader header, PreparedQuery& query) const;
  void Distances(PreparedQuery& query, const char* const* codes, const NodeHeader* const* headers, size_t count,
                 float* out) const;

 private:
  void Centre(const float* vector, std::vector<float>& out) const;
  void Rotate(std::vector<float>& vector) const;
  void QuantizeQuery(PreparedQuery& query) const;
  uint32_t CodeAt(const uint8_t* code, size_t i) const;
  void SetCode(uint8_t* code, size_t i, uint32_t value) const;
  float EncodeInto(const std::vector<float>& vector, uint8_t* code) const;

  const Kernels& kernels_;
  const uint32_t dimension_;
  const Metric metric_;
  const Quantization quantization_;
  const std::vector<float> mean_;
  const uint64_t seed_;
  unsigned bits_ = 0;  // of a code; 0: floats
  float middle_ = 0;   // of a code's values
  size_t code_bytes_ = 0;
  size_t query_bytes_ = 0;
  void (*dot_codes_)(const int8_t*, const uint8_t* const*, size_t, size_t, int32_t*) = nullptr;
  std::vector<float> signs_;  // of the rotation, kRounds × dimension
};

}  // namespace lakehouse::vector
