// Any bytes as the body of an add or a search: no crash; what parses obeys every rule of a batch and of a search.
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "base/json_value.h"
#include "vector/batch.h"

namespace lakehouse::vector {
namespace {

void CheckAdd(std::string_view bytes) {
  IndexOptions options;
  options.dimension = 2;
  options.metric = Metric::kCosine;
  const auto batch = ParseBatch(options, bytes);
  if (!batch) return;
  if (batch->vectors.size() != batch->ids.size() * options.dimension) std::abort();
  if (batch->metadata.size() != batch->ids.size() || !batch->removed.empty()) std::abort();
  if (!CheckBatch(options, *batch)) std::abort();
  for (const auto& metadata : batch->metadata) {
    if (!metadata) continue;
    const auto parsed = ParseJson(*metadata);
    if (!parsed || !parsed->is_object()) std::abort();
  }
}

void CheckSearch(std::string_view bytes) {
  const auto searches = ParseSearch(bytes);
  if (!searches) return;
  if (!searches->batch && searches->requests.size() != 1) std::abort();
  for (const SearchRequest& request : searches->requests) {
    if (request.vector.empty() || request.vector.size() > kMaxDimension || request.k == 0) std::abort();
    for (const float value : request.vector) {
      if (!std::isfinite(value)) std::abort();
    }
  }
}

}  // namespace
}  // namespace lakehouse::vector

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  lakehouse::vector::CheckAdd(bytes);
  lakehouse::vector::CheckSearch(bytes);
  return 0;
}
