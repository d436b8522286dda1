// The items of an index as plain Parquet: id, vector (list of float), metadata (JSON text, NULL when there is none).
// Pure; callable from any thread.
#pragma once

#include <string>
#include <string_view>

#include "vector/index.h"
#include "vector/segment_writer.h"

namespace lakehouse::vector {

// Live items of slots from `from` on, until the file would grow past `max_bytes` or they are all in; `from` is then the
// slot to go on with. Empty when there are none.
Result<std::string> EncodeItems(const IndexCapture& capture, Slot& from, size_t max_bytes);
// Checked as any batch is. kInvalid for a file that is not one of ours.
Result<Batch> DecodeItems(const IndexOptions& options, std::string_view bytes);

}  // namespace lakehouse::vector
