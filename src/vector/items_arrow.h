// Items and hits as Arrow: tables to batches, and IPC streams. Pure; callable from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vector/batch.h"
#include "vector/index.h"

namespace lakehouse::vector {

// An Arrow IPC stream with columns id (string), vector (list or fixed-size list of float or double) and, if any,
// metadata (JSON text). Checked as any batch is; kInvalid naming the column, row or rule.
Result<Batch> DecodeArrowItems(const IndexOptions& options, std::string_view stream);
// An Arrow IPC stream with a column vector: a search for each row, otherwise as `search` says. kInvalid naming the row.
Result<SearchesRequest> DecodeArrowSearches(const IndexOptions& options, const SearchRequest& search,
                                            std::string_view stream);
// id, distance, metadata, and vector where asked for, hit after hit; with `search` first, the query's place in the
// request, when there were several.
Result<std::string> EncodeArrowHits(const std::vector<SearchRequest>& requests,
                                    const std::vector<SearchAnswer>& answers, bool batch);

}  // namespace lakehouse::vector
