#include "vector/types.h"

#include <array>
#include <utility>

namespace lakehouse::vector {
namespace {

constexpr size_t kMaxTextFieldBytes = 256;

constexpr std::array<std::pair<Metric, std::string_view>, 3> kMetrics = {
    {{Metric::kCosine, "cosine"}, {Metric::kL2, "l2"}, {Metric::kDot, "dot"}}};
constexpr std::array<std::pair<Quantization, std::string_view>, 5> kQuantizations = {
    {{Quantization::kNone, "none"},
     {Quantization::kBf16, "bf16"},
     {Quantization::kSq8, "sq8"},
     {Quantization::kRabitq4, "rabitq4"},
     {Quantization::kRabitq1, "rabitq1"}}};

Status CheckRange(std::string_view name, uint32_t value, uint32_t low, uint32_t high) {
  if (value >= low && value <= high) return {};
  return Fail(ErrorKind::kInvalid, "field \"{}\" is {}; it must be from {} to {}", name, value, low, high);
}

}  // namespace

std::string_view MetricName(Metric metric) { return kMetrics[static_cast<size_t>(metric)].second; }
std::string_view QuantizationName(Quantization quantization) {
  return kQuantizations[static_cast<size_t>(quantization)].second;
}

std::optional<Metric> MetricOf(std::string_view name) {
  for (const auto& [metric, text] : kMetrics) {
    if (text == name) return metric;
  }
  return std::nullopt;
}

std::optional<Quantization> QuantizationOf(std::string_view name) {
  for (const auto& [quantization, text] : kQuantizations) {
    if (text == name) return quantization;
  }
  return std::nullopt;
}

Status CheckOptions(const IndexOptions& options) {
  LH_TRY(CheckRange("dimension", options.dimension, 1, kMaxDimension));
  LH_TRY(CheckRange("m", options.m, 4, 64));
  if (options.text_field.size() > kMaxTextFieldBytes) {
    return Fail(ErrorKind::kInvalid, "field \"text_field\" has more than {} bytes", kMaxTextFieldBytes);
  }
  return CheckRange("ef_construction", options.ef_construction, 8, 2000);
}

}  // namespace lakehouse::vector
