#include "vector/codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

namespace lakehouse::vector {
namespace {

constexpr size_t kRounds = 4;
constexpr uint32_t kFloatsInBlock = kCodeBlock / sizeof(float);

size_t RoundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

uint16_t ToBf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// To the nearest, ties to even, without a call: adding 1.5·2^23 leaves the whole number in the low bits.
// REQUIRES: |value| < 2^22.
int32_t Rounded(float value) { return std::bit_cast<int32_t>(value + 12582912.0F) - 0x4b400000; }

// In place, orthonormal. REQUIRES: size is a power of two.
void FastHadamard(float* values, size_t size) {
  for (size_t half = 1; half < size; half *= 2) {
    for (size_t start = 0; start < size; start += 2 * half) {
      for (size_t i = start; i < start + half; ++i) {
        const float a = values[i], b = values[i + half];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
  const float scale = 1.0F / std::sqrt(static_cast<float>(size));
  for (size_t i = 0; i < size; ++i) values[i] *= scale;
}

std::vector<float> RandomSigns(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> signs(count);
  for (float& sign : signs) sign = (random() & 1) != 0 ? 1.0F : -1.0F;
  return signs;
}

}  // namespace

Codec::Codec(const IndexOptions& options, std::vector<float> mean, uint64_t seed)
    : kernels_(BestKernels()),
      dimension_(options.dimension),
      metric_(options.metric),
      // So few dimensions fit a code's one block as floats, exactly.
      quantization_(options.dimension <= kFloatsInBlock ? Quantization::kNone : options.quantization),
      mean_(std::move(mean)),
      seed_(seed) {
  switch (quantization_) {
    case Quantization::kNone:
      code_bytes_ = RoundUp(dimension_ * sizeof(float), kCodeBlock);
      return;
    case Quantization::kBf16:
      code_bytes_ = RoundUp(dimension_ * sizeof(uint16_t), kCodeBlock);
      return;
    case Quantization::kSq8:
      bits_ = 8;
      middle_ = 128;
      dot_codes_ = kernels_.dot_code8;
      break;
    case Quantization::kRabitq4:
      bits_ = 4;
      middle_ = 7.5F;
      dot_codes_ = kernels_.dot_code4;
      break;
    case Quantization::kRabitq1:
      bits_ = 1;
      middle_ = 0.5F;
      dot_codes_ = kernels_.dot_code1;
      break;
  }
  code_bytes_ = RoundUp(RoundUp(size_t{dimension_} * bits_, 8) / 8, kCodeBlock);
  query_bytes_ = code_bytes_ * 8 / bits_;
  if (bits_ < 8) signs_ = RandomSigns(kRounds * dimension_, seed_);
}

std::vector<float> Codec::MeanOf(const IndexOptions& options, std::span<const float> vectors) {
  const size_t count = vectors.size() / options.dimension;
  if (options.metric == Metric::kDot || count == 0) return {};
  std::vector<double> sums(options.dimension);
  for (size_t i = 0; i < count; ++i) {
    for (size_t d = 0; d < options.dimension; ++d) sums[d] += double{vectors[i * options.dimension + d]};
  }
  std::vector<float> mean(options.dimension);
  for (size_t d = 0; d < mean.size(); ++d) mean[d] = static_cast<float>(sums[d] / static_cast<double>(count));
  return mean;
}

// Two overlapping Hadamard transforms with random signs between, a few times over: an orthonormal map that costs
// n log n and needs no power of two.
void Codec::Rotate(std::vector<float>& vector) const {
  if (signs_.empty()) return;
  const size_t block = std::bit_floor(size_t{dimension_});
  for (size_t round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < dimension_; ++i) vector[i] *= signs_[round * dimension_ + i];
    FastHadamard(round % 2 == 0 ? vector.data() : vector.data() + dimension_ - block, block);
  }
}

void Codec::Centre(const float* vector, std::vector<float>& out) const {
  out.assign(vector, vector + dimension_);
  if (!mean_.empty()) {
    for (size_t i = 0; i < dimension_; ++i) out[i] -= mean_[i];
  }
  Rotate(out);
}

uint32_t Codec::CodeAt(const uint8_t* code, size_t i) const {
  if (bits_ == 8) return code[i];
  if (bits_ == 1) return (code[i / 8] >> (i % 8)) & 1;
  const size_t at = i / 128 * 64 + i % 64;
  return i % 128 < 64 ? code[at] & 15 : code[at] >> 4;
}

void Codec::SetCode(uint8_t* code, size_t i, uint32_t value) const {
  if (bits_ == 8) {
    code[i] = static_cast<uint8_t>(value);
  } else if (bits_ == 1) {
    code[i / 8] = static_cast<uint8_t>(code[i / 8] | value << (i % 8));
  } else {
    const size_t at = i / 128 * 64 + i % 64;
    code[at] = static_cast<uint8_t>(code[at] | (i % 128 < 64 ? value : value << 4));
  }
}

// The codes nearest to the vector's direction; the answer is ⟨x,ĉ⟩.
float Codec::EncodeInto(const std::vector<float>& vector, uint8_t* code) const {
  std::memset(code, 0, code_bytes_);
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::abs(value));
  const float top = static_cast<float>((1U << bits_) - 1);
  const float span = bits_ == 8 ? 127 : middle_;
  // Cutting off the largest values lets a coarse grid fit the others better.
  float best_step = largest / span, best_cosine = -1;
  constexpr std::array<float, 6> kCuts = {1.0F, 0.9F, 0.8F, 0.7F, 0.6F, 0.5F};
  for (const float cut : bits_ == 4 ? std::span<const float>(kCuts) : std::span<const float>()) {
    const float step = largest * cut / span;
    float product = 0, norm = 0;
    for (const float value : vector) {
      const float level = std::clamp(static_cast<float>(Rounded(value / step + middle_)), 0.0F, top) - middle_;
      product += value * level;
      norm += level * level;
    }
    if (product / std::sqrt(norm) > best_cosine) {
      best_cosine = product / std::sqrt(norm);
      best_step = step;
    }
  }
  const float inverse = largest > 0 ? 1.0F / best_step : 0;
  float product = 0;
  for (size_t i = 0; i < dimension_; ++i) {
    const float level = bits_ == 1 ? (vector[i] >= 0 ? 1.0F : 0.0F)
                                   : std::clamp(static_cast<float>(Rounded(vector[i] * inverse + middle_)), 0.0F, top);
    SetCode(code, i, static_cast<uint32_t>(level));
    product += vector[i] * (level - middle_);
  }
  return product;
}

NodeHeader Codec::Encode(const float* vector, char* code) const {
  NodeHeader header;
  if (quantization_ == Quantization::kNone) {
    std::memset(code, 0, code_bytes_);
    std::memcpy(code, vector, dimension_ * sizeof(float));
  } else if (quantization_ == Quantization::kBf16) {
    auto* halves = reinterpret_cast<uint16_t*>(code);
    std::memset(code, 0, code_bytes_);
    for (size_t i = 0; i < dimension_; ++i) halves[i] = ToBf16(vector[i]);
  } else {
    std::vector<float> centred;
    Centre(vector, centred);
    header.norm = kernels_.dot(centred.data(), centred.data(), dimension_);
    const float product = EncodeInto(centred, reinterpret_cast<uint8_t*>(code));
    header.factor = product > 0 ? header.norm / product : 0;
  }
  return header;
}

void Codec::QuantizeQuery(PreparedQuery& query) const {
  query.norm = kernels_.dot(query.floats.data(), query.floats.data(), dimension_);
  float largest = 0;
  for (const float value : query.floats) largest = std::max(largest, std::abs(value));
  query.scale = largest / 127;
  const float inverse = largest > 0 ? 127 / largest : 0;
  query.bytes.assign(query_bytes_, 0);
  int32_t sum = 0;
  for (size_t i = 0; i < dimension_; ++i) {
    const auto rounded = static_cast<int8_t>(Rounded(query.floats[i] * inverse));
    query.bytes[i] = rounded;
    sum += rounded;
  }
  query.offset = middle_ * static_cast<float>(sum);
}

void Codec::Prepare(const float* vector, PreparedQuery& query) const {
  if (bits_ == 0) {
    query.floats.assign(vector, vector + dimension_);
    return;
  }
  Centre(vector, query.floats);
  QuantizeQuery(query);
}

void Codec::PrepareNode(const char* node, NodeHeader header, PreparedQuery& query) const {
  if (quantization_ == Quantization::kNone) {
    const auto* floats = reinterpret_cast<const float*>(node);
    query.floats.assign(floats, floats + dimension_);
    return;
  }
  if (quantization_ == Quantization::kBf16) {
    const auto* code = reinterpret_cast<const uint16_t*>(node);
    query.floats.resize(dimension_);
    for (size_t i = 0; i < dimension_; ++i) {
      query.floats[i] = std::bit_cast<float>(static_cast<uint32_t>(code[i]) << 16);
    }
    return;
  }
  const auto* code = reinterpret_cast<const uint8_t*>(node);
  query.bytes.assign(query_bytes_, 0);
  int32_t sum = 0;
  if (bits_ == 8) {
    for (size_t i = 0; i < dimension_; ++i) {
      query.bytes[i] = static_cast<int8_t>(code[i] ^ 0x80);
      sum += query.bytes[i];
    }
  } else {
    // Twice the level, so that its middle value, a half, becomes a whole number.
    for (size_t i = 0; i < dimension_; ++i) {
      const int value = static_cast<int>(2 * CodeAt(code, i)) - static_cast<int>(2 * middle_);
      query.bytes[i] = static_cast<int8_t>(value);
      sum += value;
    }
  }
  query.scale = bits_ == 8 ? header.factor : header.factor / 2;
  query.norm = header.norm;
  query.offset = middle_ * static_cast<float>(sum);
}

void Codec::Distances(PreparedQuery& query, const char* const* nodes, const NodeHeader* const* headers, size_t count,
                      float* out) const {
  const bool dot = metric_ == Metric::kDot;
  if (bits_ == 0) {
    for (size_t i = 0; i < count; ++i) {
      if (quantization_ == Quantization::kNone) {
        const auto* floats = reinterpret_cast<const float*>(nodes[i]);
        out[i] = dot ? -kernels_.dot(query.floats.data(), floats, dimension_)
                     : kernels_.l2(query.floats.data(), floats, dimension_);
      } else {
        const auto* code = reinterpret_cast<const uint16_t*>(nodes[i]);
        out[i] = dot ? -kernels_.dot_bf16(query.floats.data(), code, dimension_)
                     : kernels_.l2_bf16(query.floats.data(), code, dimension_);
      }
    }
    return;
  }
  if (query.products.size() < count) query.products.resize(count);
  dot_codes_(query.bytes.data(), reinterpret_cast<const uint8_t* const*>(nodes), count, code_bytes_,
             query.products.data());
  for (size_t i = 0; i < count; ++i) {
    const NodeHeader header = *headers[i];
    const float product = query.scale * header.factor * (static_cast<float>(query.products[i]) - query.offset);
    out[i] = dot ? -product : query.norm + header.norm - 2 * product;
  }
}

}  // namespace lakehouse::vector
