// vector_search('index', [0.1, …], k := 10, filter := '{…}', …): the nearest items of an index as rows (id, distance,
// metadata; score with text; vector on request), nearest first. Private to this folder.
#pragma once

#include "query/duckdb_internal.h"

namespace lakehouse::query {

duckdb::TableFunctionSet VectorSearchFunctions();

}  // namespace lakehouse::query
