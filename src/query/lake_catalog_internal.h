// The classes behind lake_catalog.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "catalog/lake_view.h"
#include "query/duckdb_internal.h"
#include "query/lake_scan.h"

namespace lakehouse::query {

// A dataset at one version.
class LakeTable final : public duckdb::TableCatalogEntry {
 public:
  LakeTable(duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema, duckdb::CreateTableInfo& info,
            std::shared_ptr<const catalog::Manifest> manifest, LakeSchema lake_schema)
      : TableCatalogEntry(catalog, schema, info),
        manifest_(std::move(manifest)),
        lake_schema_(std::move(lake_schema)) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext&, duckdb::column_t) override {
    return nullptr;
  }
  duckdb::TableFunction GetScanFunction(duckdb::ClientContext& context,
                                        duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override;
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext&) override;

 private:
  const std::shared_ptr<const catalog::Manifest> manifest_;
  const LakeSchema lake_schema_;
};

// Holds the query's view and the entries that it looked up.
class LakeTransaction final : public duckdb::Transaction {
 public:
  LakeTransaction(duckdb::TransactionManager& manager, duckdb::ClientContext& context);
  const catalog::LakeView* view() const { return view_.get(); }
  // nullptr: no such dataset in the view. Throws when the version is not kept.
  duckdb::optional_ptr<duckdb::CatalogEntry> Table(duckdb::SchemaCatalogEntry& schema, const std::string& name,
                                                   std::optional<DatasetVersion> version) LH_EXCLUDES(mutex_);
  // The entry of a vector index, made once a query; nullptr when `make` gives none.
  duckdb::optional_ptr<duckdb::CatalogEntry> Keep(
      const std::string& name, const std::function<duckdb::unique_ptr<duckdb::TableCatalogEntry>()>& make)
      LH_EXCLUDES(mutex_);

 private:
  const std::shared_ptr<const catalog::LakeView> view_;
  Mutex mutex_;
  duckdb::case_insensitive_map_t<duckdb::unique_ptr<duckdb::TableCatalogEntry>> vectors_ LH_GUARDED_BY(mutex_);
  duckdb::case_insensitive_map_t<duckdb::unique_ptr<LakeTable>> tables_ LH_GUARDED_BY(mutex_);
};

// What every schema refuses.
class ReadOnlySchema : public duckdb::SchemaCatalogEntry {
 public:
  using SchemaCatalogEntry::SchemaCatalogEntry;
  void Scan(duckdb::CatalogType, const std::function<void(duckdb::CatalogEntry&)>&) override {}
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateIndex(duckdb::CatalogTransaction, duckdb::CreateIndexInfo&,
                                                         duckdb::TableCatalogEntry&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateFunction(duckdb::CatalogTransaction,
                                                            duckdb::CreateFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateTable(duckdb::CatalogTransaction,
                                                         duckdb::BoundCreateTableInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateView(duckdb::CatalogTransaction, duckdb::CreateViewInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateSequence(duckdb::CatalogTransaction,
                                                            duckdb::CreateSequenceInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateTableFunction(duckdb::CatalogTransaction,
                                                                 duckdb::CreateTableFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateCopyFunction(duckdb::CatalogTransaction,
                                                                duckdb::CreateCopyFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreatePragmaFunction(duckdb::CatalogTransaction,
                                                                  duckdb::CreatePragmaFunctionInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateCollation(duckdb::CatalogTransaction,
                                                             duckdb::CreateCollationInfo&) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateType(duckdb::CatalogTransaction, duckdb::CreateTypeInfo&) override;
  void DropEntry(duckdb::ClientContext&, duckdb::DropInfo&) override;
  void Alter(duckdb::CatalogTransaction, duckdb::AlterInfo&) override;
};

// `main`: the datasets.
class DatasetSchema final : public ReadOnlySchema {
 public:
  using ReadOnlySchema::ReadOnlySchema;
  using ReadOnlySchema::Scan;
  void Scan(duckdb::ClientContext& context, duckdb::CatalogType type,
            const std::function<void(duckdb::CatalogEntry&)>& callback) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> LookupEntry(duckdb::CatalogTransaction transaction,
                                                         const duckdb::EntryLookupInfo& lookup) override;
  duckdb::SimilarCatalogEntry GetSimilarEntry(duckdb::CatalogTransaction transaction,
                                              const duckdb::EntryLookupInfo& lookup) override;
};

// `lake`: datasets, snapshots, columns.
class LakeInfoSchema final : public ReadOnlySchema {
 public:
  LakeInfoSchema(duckdb::Catalog& catalog, duckdb::CreateSchemaInfo& info);
  using ReadOnlySchema::Scan;
  void Scan(duckdb::ClientContext& context, duckdb::CatalogType type,
            const std::function<void(duckdb::CatalogEntry&)>& callback) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> LookupEntry(duckdb::CatalogTransaction transaction,
                                                         const duckdb::EntryLookupInfo& lookup) override;

 private:
  duckdb::case_insensitive_map_t<duckdb::unique_ptr<duckdb::TableCatalogEntry>> tables_;
};

class VectorSchema;

class LakeCatalog final : public duckdb::Catalog {
 public:
  explicit LakeCatalog(duckdb::AttachedDatabase& db);
  ~LakeCatalog() override;

  void set_parquet_scan(duckdb::TableFunction scan) { parquet_scan_ = std::move(scan); }
  const duckdb::TableFunction& parquet_scan() const { return parquet_scan_; }

  void Initialize(bool load_builtin) override;
  std::string GetCatalogType() override { return "lake"; }
  bool InMemory() override { return true; }
  std::string GetDBPath() override { return ""; }
  bool SupportsTimeTravel() const override { return true; }
  duckdb::DatabaseSize GetDatabaseSize(duckdb::ClientContext&) override { return {}; }
  duckdb::CatalogLookupBehavior CatalogTypeLookupRule(duckdb::CatalogType type) const override;
  duckdb::optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(duckdb::CatalogTransaction transaction,
                                                                const duckdb::EntryLookupInfo& lookup,
                                                                duckdb::OnEntryNotFound if_not_found) override;
  void ScanSchemas(duckdb::ClientContext& context, std::function<void(duckdb::SchemaCatalogEntry&)> callback) override;

  duckdb::optional_ptr<duckdb::CatalogEntry> CreateSchema(duckdb::CatalogTransaction,
                                                          duckdb::CreateSchemaInfo&) override;
  duckdb::PhysicalOperator& PlanCreateTableAs(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                              duckdb::LogicalCreateTable&, duckdb::PhysicalOperator&) override;
  duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalInsert&,
                                       duckdb::optional_ptr<duckdb::PhysicalOperator>) override;
  duckdb::PhysicalOperator& PlanDelete(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalDelete&,
                                       duckdb::PhysicalOperator&) override;
  duckdb::PhysicalOperator& PlanUpdate(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalUpdate&,
                                       duckdb::PhysicalOperator&) override;

 private:
  void DropSchema(duckdb::ClientContext&, duckdb::DropInfo&) override;

  duckdb::unique_ptr<DatasetSchema> datasets_;
  duckdb::unique_ptr<LakeInfoSchema> info_;
  duckdb::unique_ptr<VectorSchema> vectors_;
  duckdb::TableFunction parquet_scan_;
};

class LakeTransactionManager final : public duckdb::TransactionManager {
 public:
  using TransactionManager::TransactionManager;
  duckdb::Transaction& StartTransaction(duckdb::ClientContext& context) override LH_EXCLUDES(mutex_);
  duckdb::ErrorData CommitTransaction(duckdb::ClientContext& context, duckdb::Transaction& transaction) override
      LH_EXCLUDES(mutex_);
  void RollbackTransaction(duckdb::Transaction& transaction) override LH_EXCLUDES(mutex_);
  void Checkpoint(duckdb::ClientContext&, bool) override {}

 private:
  Mutex mutex_;
  std::unordered_map<const duckdb::Transaction*, duckdb::unique_ptr<LakeTransaction>> running_ LH_GUARDED_BY(mutex_);
};

// The tables of schema `lake` (lake_tables.cc).
duckdb::vector<duckdb::unique_ptr<duckdb::TableCatalogEntry>> MakeLakeTables(duckdb::Catalog& catalog,
                                                                             duckdb::SchemaCatalogEntry& schema);

}  // namespace lakehouse::query
