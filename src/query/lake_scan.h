// A dataset's scan: DuckDB's own Parquet reader over the objects of one manifest.
//
// Binding opens no file: names, types and row counts come from the manifest. Statistics for the optimizer come from the
// files' footers once a query is planned that asks for them; footers are kept in DuckDB's object cache.
// Callable from any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "catalog/types.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

// The columns of a dataset as DuckDB sees them. `problem` is empty, or says why the dataset cannot be read.
struct LakeSchema {
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::vector<bool> nullable;
  std::string problem;
};

// Never fails: what is wrong with a manifest is its dataset's own problem.
LakeSchema ParseSchema(const catalog::Manifest& manifest);

// The Parquet scan that the database came with; taken before the sandbox removes it by name.
duckdb::TableFunction TakeParquetScan(duckdb::ClientContext& context);

// `parquet_scan` over the objects of `manifest`, and its bind data. `table` is the catalog entry that it scans.
duckdb::TableFunction BindLakeScan(duckdb::ClientContext& context, const duckdb::TableFunction& parquet_scan,
                                   duckdb::TableCatalogEntry& table, std::shared_ptr<const catalog::Manifest> manifest,
                                   const LakeSchema& schema, duckdb::unique_ptr<duckdb::FunctionData>& bind_data);

}  // namespace lakehouse::query
