// A CSV file to one Parquet file, without a lake: what `lakehouse convert` does.
#pragma once

#include <filesystem>

#include "ingest/table_import.h"

namespace lakehouse::ingest {

struct ConvertReport {
  ImportSchema schema;
  uint64_t rows = 0, source_bytes = 0, bytes = 0;
};

// Leaves nothing at `output` when it fails.
Result<ConvertReport> ConvertCsvFile(const RequestContext& context, const std::filesystem::path& input,
                                     const std::filesystem::path& output, const ImportOptions& options);

}  // namespace lakehouse::ingest
