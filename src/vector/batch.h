// Batches as they arrive, checked whole before anything changes. Pure; callable from any thread.
#pragma once

#include <span>
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
// kInvalid: a vector of another dimension, that is not finite, or that the metric cannot measure.
Status CheckVector(const IndexOptions& options, std::span<const float> vector);
// kInvalid for a blank text, kTooLarge past the limit.
Status CheckText(std::string_view text);
// kTooLarge naming the limit: what a client may send at once. What is stored may hold more together.
Status CheckRequestSize(const Batch& batch);
// kInvalid naming the item, kTooLarge naming the limit: every rule for a batch of an index with these options.
Status CheckBatch(const IndexOptions& options, const Batch& batch);

// Items as a client sends them: where one has a text and no vector, its vector, zeros until then, is still to be made.
struct NewItems : Batch {
  struct Text {
    size_t item = 0;
    std::string text;
    bool has_vector = false;  // then the text only goes into the metadata
  };
  std::vector<Text> texts;
  std::string from;  // JSON of "from", where that stands in place of "items"
};
// {"items":[{"id","vector" or "text","metadata"}]} or {"from":{…}}; numbers go straight into the batch's floats.
// Checked, but for the vectors where some are still to be made.
Result<NewItems> ParseBatch(const IndexOptions& options, std::string_view json);
// Texts into the metadata, as the index's text_field, of items whose metadata have no such field. Items without
// metadata get some. REQUIRES: the index has a text_field.
Status KeepTexts(const IndexOptions& options, NewItems& items);
// The body of a search: one, or {"searches":[…]}. kInvalid naming the field.
struct SearchesRequest {
  std::vector<SearchRequest> requests;
  bool batch = false;
  std::vector<bool> fuse = {};  // for each that came as JSON: "fusion" was asked for
};
Result<SearchesRequest> ParseSearch(std::string_view json);
// The fields of one search but what it is to be near to, as a query parameter has them. kInvalid naming the field.
Result<SearchRequest> ParseSearchOptions(std::string_view json);
// kInvalid naming the limit of searches in one request.
Status CheckSearchCount(size_t count);

}  // namespace lakehouse::vector
