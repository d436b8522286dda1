// Schema `vectors`: every vector index as a table (id, vector, metadata). Private to this folder.
#pragma once

#include "query/lake_catalog_internal.h"

namespace lakehouse::query {

class VectorSchema final : public ReadOnlySchema {
 public:
  using ReadOnlySchema::ReadOnlySchema;
  using ReadOnlySchema::Scan;
  // Shows nothing when the indexes cannot be listed: a list of tables does not fail for that.
  void Scan(duckdb::ClientContext& context, duckdb::CatalogType type,
            const std::function<void(duckdb::CatalogEntry&)>& callback) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> LookupEntry(duckdb::CatalogTransaction transaction,
                                                         const duckdb::EntryLookupInfo& lookup) override;
};

}  // namespace lakehouse::query
