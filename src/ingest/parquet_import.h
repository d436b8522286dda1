// From a Parquet file of any writer to encoded row groups, by the rules of docs/using.md, "Types". The file is not
// trusted: its batches are checked whole before they are used, and its counts are held against what was read.
#pragma once

#include "ingest/table_import.h"

namespace lakehouse::ingest {

// `descriptor` stays the caller's and is read by position. kInvalid for a file that cannot be read, kUnprocessable for
// a column type that has no counterpart, kConflict where the columns are not those of options.existing.
Status ImportParquet(const RequestContext& context, int descriptor, const ImportOptions& options, ImportTarget& target);

}  // namespace lakehouse::ingest
