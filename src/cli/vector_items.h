// Files of vectors, item by item, as the JSON that POST /vectors/index/{name}/add takes. Used by one thread.
#pragma once

#include <memory>
#include <string>

#include "cli/console.h"
#include "cli/options.h"
#include "cli/progress.h"

namespace lakehouse::cli {

struct VectorItem {
  std::string id;
  std::string json;     // {"id","vector","metadata"}
  std::string where{};  // "line 12", "row 3"
};

class VectorItems {
 public:
  // By the file's name (.ndjson .jsonl .parquet .pq .npy) or options.format; "-" is standard input. Moves `progress` on
  // as items are read. REQUIRES: `progress` and `console` outlive this.
  static Result<std::unique_ptr<VectorItems>> Open(const std::string& file, const VectorAddOptions& options,
                                                   const Console& console, Progress& progress);
  virtual ~VectorItems() = default;
  // False at the end. kInvalid naming the line or row, and the field or column.
  virtual Result<bool> Next(VectorItem& item) = 0;
};

// What progress is counted against; nullopt for a pipe. kNotFound, kForbidden.
Result<std::optional<uint64_t>> SizeOfFile(const std::string& file, const Console& console);

}  // namespace lakehouse::cli
