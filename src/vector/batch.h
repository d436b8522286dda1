// Batches as they arrive, checked whole before anything changes. Pure; callable from any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "vector/index.h"
#include "vector/types.h"

namespace lakehouse::vector {

inline constexpr size_t kMaxIdBytes = 1024;
inline constexpr size_t kMaxMetadataBytes = size_t{1} << 20;  // less than this
inline constexpr size_t kMaxBatchItems = 100'000;             // of one request

// kInvalid naming the rule: non-empty, at most kMaxIdBytes, no control bytes, UTF-8.
Status CheckId(std::string_view id);
// kTooLarge naming the limit: what a client may send at once. What is stored may hold more together.
Status CheckRequestSize(const Batch& batch);
// kInvalid naming the item, kTooLarge naming the limit: every rule for a batch of an index with these options.
Status CheckBatch(const IndexOptions& options, const Batch& batch);

// {"items":[{"id","vector","metadata"}]}; numbers go straight into the batch's floats. Checked.
Result<Batch> ParseBatch(const IndexOptions& options, std::string_view json);
// The body of a search: one, or {"searches":[…]}. kInvalid naming the field.
struct SearchesRequest {
  std::vector<SearchRequest> requests;
  bool batch = false;
};
Result<SearchesRequest> ParseSearch(std::string_view json);
// The fields of one search but what it is to be near to, as a query parameter has them. kInvalid naming the field.
Result<SearchRequest> ParseSearchOptions(std::string_view json);
// kInvalid naming the limit of searches in one request.
Status CheckSearchCount(size_t count);

}  // namespace lakehouse::vector
