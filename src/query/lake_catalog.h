// The lake as a DuckDB database of its own kind: schema `main` holds every dataset by its name, schema `lake` what is
// known about them. Tables are looked up in the query's view when a query names them; nothing is kept between queries,
// so ten thousand datasets cost nothing until one is named. Nothing can be created, changed or dropped.
//
// Callable from any thread. An entry lives as long as the transaction of the query that looked it up.
#pragma once

#include <string>

#include "query/duckdb_internal.h"

namespace lakehouse::query {

// The database's name in DuckDB, and the path that opens it.
inline constexpr const char* kLakeDatabase = "lakehouse";
inline constexpr const char* kLakeDatabasePath = "lake:lakehouse";

// Makes `lake:` databases known. Before the database is opened.
void RegisterLakeStorage(duckdb::DBConfig& config);

// Hands the catalog the Parquet scan and adds the function snapshot('name', version). Once, after opening.
void PrepareLakeCatalog(duckdb::ClientContext& context);

}  // namespace lakehouse::query
