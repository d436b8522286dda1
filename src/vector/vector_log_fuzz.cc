// Any bytes as a vector log object: no crash; what decodes obeys every rule of a batch, and encodes to the same bytes.
#include <cstdlib>
#include <string>

#include "base/hash.h"
#include "vector/batch.h"
#include "vector/log_codec.h"

namespace lakehouse::vector {
namespace {

void Check(std::string bytes) {
  constexpr LogPosition kHere{1, 2};
  constexpr uint32_t kDimension = 2;
  const auto decoded = DecodeLog(kHere, kDimension, bytes);
  if (!decoded) return;
  IndexOptions options;
  options.dimension = kDimension;
  options.metric = Metric::kL2;
  std::vector<const Batch*> batches;
  for (const Batch& batch : decoded->batches) {
    batches.push_back(&batch);
    if (!CheckBatch(options, batch)) std::abort();
  }
  const auto again = DecodeLog(kHere, kDimension, EncodeLog(*decoded, kDimension, batches));
  if (!again || again->batches.size() != batches.size()) std::abort();
}

}  // namespace
}  // namespace lakehouse::vector

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  lakehouse::vector::Check(bytes);
  // Behind the checksum too, which no fuzzer guesses.
  const uint64_t checksum = lakehouse::Xxh3(bytes);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  lakehouse::vector::Check(std::move(bytes));
  return 0;
}
