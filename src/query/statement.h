// The first wall of the sandbox: one statement, and one that only reads. Callable from any thread.
// (The second is what the database does not have: functions that reach outside are removed and settings are locked;
// database.h.)
#pragma once

#include <string>

#include "base/result.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

inline constexpr size_t kMaxSqlBytes = size_t{1} << 20;

// The statement, ready to be planned. kInvalid: not UTF-8, too long, not SQL (with the position), not one statement, or
// not SELECT, FROM, WITH, VALUES, TABLE, DESCRIBE, SUMMARIZE, SHOW or EXPLAIN of those.
Result<duckdb::unique_ptr<duckdb::SQLStatement>> ParseReadStatement(const std::string& sql,
                                                                    const duckdb::ParserOptions& options);

// True for a SELECT of values from nowhere, such as what connection pools ask to see whether a server lives. DuckDB's
// optimizer takes a third of the time of such a query and finds nothing to do.
bool IsFromNowhere(const duckdb::SQLStatement& statement);

}  // namespace lakehouse::query
