// What a file is, from its name. Callable from any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lakehouse::cli {

struct SourceFormat {
  std::string content_type;
  std::string content_encoding;  // gzip, zstd, or empty
  bool is_tsv = false;
};

// `given` (csv, tsv, ndjson, parquet) wins over the name; a name that says nothing, and standard input, are CSV.
Result<SourceFormat> FormatOfFile(std::string_view file, std::string_view given);
// "data/trips.csv.gz" as "trips".
std::string NameOfFile(std::string_view file);

}  // namespace lakehouse::cli
