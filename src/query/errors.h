// DuckDB's errors as ours. Callable from any thread.
#pragma once

#include <string>

#include "base/error.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

// kInvalid with DuckDB's own message (which shows the place in the query) for what the caller wrote, with the member
// "position" (byte offset in the SQL, from 0) when DuckDB knows it; kExhausted for memory and spill; kInternal without
// any detail for defects. Interrupts come back as kCancelled: who interrupted knows better.
// `sql` is the text that the message points into; `spill_folder` is taken out of messages.
Error FromDuckDb(duckdb::ErrorData error, const std::string& sql, const std::string& spill_folder);

// True when the database cannot go on after this error and has to be opened again.
bool EndsDatabase(const duckdb::ErrorData& error);

}  // namespace lakehouse::query
