// The words of this folder: metrics, quantizations, what an index is made with. Value types.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace lakehouse::vector {

// Distances, smaller is nearer: 1 − cos, squared Euclidean, −⟨a,b⟩.
enum class Metric : uint8_t { kCosine = 0, kL2 = 1, kDot = 2 };
// What the graph is walked on; hits are ranked again with the full vectors.
enum class Quantization : uint8_t { kNone = 0, kBf16 = 1, kSq8 = 2, kRabitq4 = 3, kRabitq1 = 4 };

std::string_view MetricName(Metric metric);
std::optional<Metric> MetricOf(std::string_view name);
std::string_view QuantizationName(Quantization quantization);
std::optional<Quantization> QuantizationOf(std::string_view name);

inline constexpr uint32_t kMaxDimension = 4096;

struct IndexOptions {
  uint32_t dimension = 0;
  Metric metric = Metric::kCosine;
  Quantization quantization = Quantization::kSq8;
  uint32_t m = 16;                 // links of a node above level 0; twice as many at level 0
  uint32_t ef_construction = 200;  // candidates looked at for a node's links
  std::string text_field = {};     // of the metadata, dotted: full text is searched in it; empty: none
};

// What a graph is made anew with; what is not given stays as it is.
struct RebuildOptions {
  std::optional<Quantization> quantization = std::nullopt;
  std::optional<uint32_t> m = std::nullopt, ef_construction = std::nullopt;
};

// kInvalid naming the option: dimension 1…4096, m 4…64, ef_construction 8…2000, text_field at most 256 bytes.
Status CheckOptions(const IndexOptions& options);

// Counts an index's acknowledged batches; 0 is an index nothing was added to.
using IndexVersion = Strong<struct IndexVersionTag>;

// Where a record stands in an index's log: who owned the index, and the number, which rises by one across owners.
struct LogPosition {
  uint32_t epoch = 0;
  uint64_t number = 0;
  auto operator<=>(const LogPosition&) const = default;
};

}  // namespace lakehouse::vector
