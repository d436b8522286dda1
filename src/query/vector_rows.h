// Rows of vector indexes into DuckDB's columns; private to this folder. Throws as DuckDB does.
#pragma once

#include <span>

#include "query/duckdb_internal.h"
#include "query/vector_source.h"

namespace lakehouse::query {

// A column that an index's rows have.
enum class VectorColumn : uint8_t { kId, kDistance, kScore, kMetadata, kVector };

duckdb::LogicalType TypeOf(VectorColumn column, uint32_t dimension);
const char* NameOf(VectorColumn column);
// What `wanted` (places in `columns`) needs of each row.
VectorColumns NeededOf(std::span<const VectorColumn> columns, const duckdb::vector<duckdb::column_t>& wanted);
// REQUIRES: at most STANDARD_VECTOR_SIZE rows.
void FillChunk(std::span<const VectorColumn> columns, const duckdb::vector<duckdb::column_t>& wanted,
               std::span<const VectorRow> rows, duckdb::DataChunk& output);

// Ends the query with `error`, whose kind the client gets.
[[noreturn]] void Throw(duckdb::ClientContext& context, const Error& error);
// The source of the running query; throws where there is none.
VectorSource& SourceOf(duckdb::ClientContext& context);

}  // namespace lakehouse::query
