#include "query/lake_catalog.h"

#include "query/lake_catalog_internal.h"
#include "query/lake_state.h"
#include "query/vector_schema.h"
#include "query/vector_search.h"

namespace lakehouse::query {
namespace {

[[noreturn]] void RefuseWrite() { throw duckdb::PermissionException("queries can only read the lake"); }

LakeTransaction& TransactionOf(duckdb::CatalogTransaction& transaction) {
  return transaction.transaction->Cast<LakeTransaction>();
}

std::optional<DatasetVersion> VersionOf(const duckdb::EntryLookupInfo& lookup) {
  const auto at = lookup.GetAtClause();
  if (!at) return std::nullopt;
  duckdb::Value version;
  if (!duckdb::StringUtil::CIEquals(at->Unit(), "version")) {
    throw duckdb::BinderException("a dataset is read AT (VERSION => n); the lake keeps no other kind of history");
  }
  if (at->GetValue().IsNull() || !at->GetValue().DefaultTryCastAs(duckdb::LogicalType::UBIGINT, version, nullptr)) {
    throw duckdb::BinderException("a version is a number from 1, not %s", at->GetValue().ToSQLString());
  }
  return DatasetVersion(version.GetValue<uint64_t>());
}

// Names of DuckDB's own views, which SHOW TABLES and its like read without a schema in front: a dataset of that name
// would stand before them for everybody. It is read through snapshot(), or AT (VERSION => n).
bool IsSystemName(const std::string& name) {
  for (const char* prefix : {"duckdb_", "sqlite_", "pragma_"}) {
    if (duckdb::StringUtil::StartsWith(duckdb::StringUtil::Lower(name), prefix)) return true;
  }
  return false;
}

duckdb::unique_ptr<LakeTable> MakeTable(duckdb::SchemaCatalogEntry& schema,
                                        std::shared_ptr<const catalog::Manifest> manifest) {
  LakeSchema columns = ParseSchema(*manifest);
  duckdb::CreateTableInfo info(schema, manifest->name);
  for (size_t i = 0; i < columns.names.size(); ++i) {
    info.columns.AddColumn(duckdb::ColumnDefinition(columns.names[i], columns.types[i]));
    if (!columns.nullable[i]) {
      info.constraints.push_back(duckdb::make_uniq<duckdb::NotNullConstraint>(duckdb::LogicalIndex(i)));
    }
  }
  return duckdb::make_uniq<LakeTable>(schema.catalog, schema, info, std::move(manifest), std::move(columns));
}

// snapshot('name', version) stands for: name AT (VERSION => version).
duckdb::unique_ptr<duckdb::TableRef> BindSnapshot(duckdb::ClientContext&, duckdb::TableFunctionBindInput& input) {
  if (input.inputs[0].IsNull() || input.inputs[1].IsNull()) {
    throw duckdb::BinderException("snapshot('name', version): neither may be NULL");
  }
  auto table = duckdb::make_uniq<duckdb::BaseTableRef>();
  table->catalog_name = kLakeDatabase;
  table->schema_name = DEFAULT_SCHEMA;
  table->table_name = input.inputs[0].ToString();
  table->at_clause =
      duckdb::make_uniq<duckdb::AtClause>("VERSION", duckdb::make_uniq<duckdb::ConstantExpression>(input.inputs[1]));
  table->alias = input.ref.alias.empty() ? table->table_name : input.ref.alias;
  return table;
}

}  // namespace

duckdb::TableFunction LakeTable::GetScanFunction(duckdb::ClientContext& context,
                                                 duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  if (!lake_schema_.problem.empty()) {
    const std::string detail = fmt::format("dataset '{}' cannot be read: {}", name, lake_schema_.problem);
    LakeState::Of(context)->NoteError(Error{ErrorKind::kUnprocessable, detail, std::nullopt, {}});
    throw duckdb::BinderException(detail);
  }
  return BindLakeScan(context, catalog.Cast<LakeCatalog>().parquet_scan(), *this, manifest_, lake_schema_, bind_data);
}

duckdb::TableStorageInfo LakeTable::GetStorageInfo(duckdb::ClientContext&) {
  duckdb::TableStorageInfo info;
  info.cardinality = manifest_->row_count;
  return info;
}

LakeTransaction::LakeTransaction(duckdb::TransactionManager& manager, duckdb::ClientContext& context)
    : Transaction(manager, context), view_(LakeState::Of(context)->view()) {}

duckdb::optional_ptr<duckdb::CatalogEntry> LakeTransaction::Table(duckdb::SchemaCatalogEntry& schema,
                                                                  const std::string& name,
                                                                  std::optional<DatasetVersion> version) {
  if (!view_) return nullptr;
  const std::string key = version ? fmt::format("{}@{}", name, version->value) : name;
  const MutexLock lock(mutex_);
  if (const auto found = tables_.find(key); found != tables_.end()) return found->second.get();
  std::shared_ptr<const catalog::Manifest> manifest;
  if (version) {
    auto found = view_->FindVersion(name, *version);
    if (!found) throw duckdb::CatalogException(found.error().detail);
    manifest = *std::move(found);
  } else {
    manifest = view_->Find(name);
  }
  if (!manifest) return nullptr;
  return tables_.emplace(key, MakeTable(schema, std::move(manifest))).first->second.get();
}

duckdb::optional_ptr<duckdb::CatalogEntry> LakeTransaction::Keep(
    const std::string& name, const std::function<duckdb::unique_ptr<duckdb::TableCatalogEntry>()>& make) {
  const MutexLock lock(mutex_);
  if (const auto found = vectors_.find(name); found != vectors_.end()) return found->second.get();
  auto made = make();
  if (!made) return nullptr;
  return vectors_.emplace(name, std::move(made)).first->second.get();
}

void DatasetSchema::Scan(duckdb::ClientContext& context, duckdb::CatalogType type,
                         const std::function<void(duckdb::CatalogEntry&)>& callback) {
  if (type != duckdb::CatalogType::TABLE_ENTRY) return;
  auto& transaction = duckdb::Transaction::Get(context, catalog).Cast<LakeTransaction>();
  if (!transaction.view()) return;
  for (const auto& dataset : transaction.view()->Names()) {
    if (auto table = transaction.Table(*this, dataset, std::nullopt)) callback(*table);
  }
}

duckdb::optional_ptr<duckdb::CatalogEntry> DatasetSchema::LookupEntry(duckdb::CatalogTransaction transaction,
                                                                      const duckdb::EntryLookupInfo& lookup) {
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) return nullptr;
  const auto version = VersionOf(lookup);
  if (!version && IsSystemName(lookup.GetEntryName())) return nullptr;
  return TransactionOf(transaction).Table(*this, lookup.GetEntryName(), version);
}

// By name alone: making thousands of entries for a typing error would cost more than the query.
duckdb::SimilarCatalogEntry DatasetSchema::GetSimilarEntry(duckdb::CatalogTransaction transaction,
                                                           const duckdb::EntryLookupInfo& lookup) {
  duckdb::SimilarCatalogEntry best;
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) return best;
  const auto* view = TransactionOf(transaction).view();
  if (view == nullptr) return best;
  for (const auto& dataset : view->Names()) {
    const auto score = duckdb::StringUtil::SimilarityRating(dataset, lookup.GetEntryName());
    if (score <= best.score) continue;
    best.score = score;
    best.name = dataset;
    best.schema = this;
  }
  return best;
}

LakeInfoSchema::LakeInfoSchema(duckdb::Catalog& catalog, duckdb::CreateSchemaInfo& info)
    : ReadOnlySchema(catalog, info) {
  for (auto& table : MakeLakeTables(catalog, *this)) {
    const std::string table_name = table->name;
    tables_.emplace(table_name, std::move(table));
  }
}

void LakeInfoSchema::Scan(duckdb::ClientContext&, duckdb::CatalogType type,
                          const std::function<void(duckdb::CatalogEntry&)>& callback) {
  if (type != duckdb::CatalogType::TABLE_ENTRY) return;
  for (const auto& [name, table] : tables_) callback(*table);
}

duckdb::optional_ptr<duckdb::CatalogEntry> LakeInfoSchema::LookupEntry(duckdb::CatalogTransaction,
                                                                       const duckdb::EntryLookupInfo& lookup) {
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) return nullptr;
  const auto found = tables_.find(lookup.GetEntryName());
  if (found == tables_.end()) return nullptr;
  if (lookup.GetAtClause()) throw duckdb::BinderException("lake.%s has no versions; use at_seq", found->first);
  return found->second.get();
}

LakeCatalog::LakeCatalog(duckdb::AttachedDatabase& db) : Catalog(db) {}
LakeCatalog::~LakeCatalog() = default;

void LakeCatalog::Initialize(bool) {
  duckdb::CreateSchemaInfo main;
  main.schema = DEFAULT_SCHEMA;
  main.internal = true;
  datasets_ = duckdb::make_uniq<DatasetSchema>(*this, main);
  duckdb::CreateSchemaInfo lake;
  lake.schema = "lake";
  lake.internal = true;
  info_ = duckdb::make_uniq<LakeInfoSchema>(*this, lake);
  duckdb::CreateSchemaInfo vectors;
  vectors.schema = "vectors";
  vectors.internal = true;
  vectors_ = duckdb::make_uniq<VectorSchema>(*this, vectors);
}

duckdb::CatalogLookupBehavior LakeCatalog::CatalogTypeLookupRule(duckdb::CatalogType type) const {
  return type == duckdb::CatalogType::TABLE_ENTRY ? duckdb::CatalogLookupBehavior::STANDARD
                                                  : duckdb::CatalogLookupBehavior::NEVER_LOOKUP;
}

duckdb::optional_ptr<duckdb::SchemaCatalogEntry> LakeCatalog::LookupSchema(duckdb::CatalogTransaction,
                                                                           const duckdb::EntryLookupInfo& lookup,
                                                                           duckdb::OnEntryNotFound if_not_found) {
  const std::string& name = lookup.GetEntryName();
  if (duckdb::StringUtil::CIEquals(name, datasets_->name)) return datasets_.get();
  if (duckdb::StringUtil::CIEquals(name, info_->name)) return info_.get();
  if (duckdb::StringUtil::CIEquals(name, vectors_->name)) return vectors_.get();
  if (if_not_found == duckdb::OnEntryNotFound::RETURN_NULL) return nullptr;
  throw duckdb::BinderException(
      "there is no schema '%s': datasets are in 'main', what is known of them in 'lake', indexes in 'vectors'", name);
}

void LakeCatalog::ScanSchemas(duckdb::ClientContext&, std::function<void(duckdb::SchemaCatalogEntry&)> callback) {
  callback(*datasets_);
  callback(*info_);
  callback(*vectors_);
}

duckdb::Transaction& LakeTransactionManager::StartTransaction(duckdb::ClientContext& context) {
  auto transaction = duckdb::make_uniq<LakeTransaction>(*this, context);
  auto& started = *transaction;
  const MutexLock lock(mutex_);
  running_.emplace(&started, std::move(transaction));
  return started;
}

duckdb::ErrorData LakeTransactionManager::CommitTransaction(duckdb::ClientContext&, duckdb::Transaction& transaction) {
  RollbackTransaction(transaction);
  return {};
}

void LakeTransactionManager::RollbackTransaction(duckdb::Transaction& transaction) {
  duckdb::unique_ptr<LakeTransaction> ended;  // destroyed outside the lock
  const MutexLock lock(mutex_);
  if (const auto found = running_.find(&transaction); found != running_.end()) {
    ended = std::move(found->second);
    running_.erase(found);
  }
}

duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateIndex(duckdb::CatalogTransaction,
                                                                       duckdb::CreateIndexInfo&,
                                                                       duckdb::TableCatalogEntry&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateFunction(duckdb::CatalogTransaction,
                                                                          duckdb::CreateFunctionInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateTable(duckdb::CatalogTransaction,
                                                                       duckdb::BoundCreateTableInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateView(duckdb::CatalogTransaction,
                                                                      duckdb::CreateViewInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateSequence(duckdb::CatalogTransaction,
                                                                          duckdb::CreateSequenceInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateTableFunction(duckdb::CatalogTransaction,
                                                                               duckdb::CreateTableFunctionInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateCopyFunction(duckdb::CatalogTransaction,
                                                                              duckdb::CreateCopyFunctionInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreatePragmaFunction(duckdb::CatalogTransaction,
                                                                                duckdb::CreatePragmaFunctionInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateCollation(duckdb::CatalogTransaction,
                                                                           duckdb::CreateCollationInfo&) {
  RefuseWrite();
}
duckdb::optional_ptr<duckdb::CatalogEntry> ReadOnlySchema::CreateType(duckdb::CatalogTransaction,
                                                                      duckdb::CreateTypeInfo&) {
  RefuseWrite();
}
void ReadOnlySchema::DropEntry(duckdb::ClientContext&, duckdb::DropInfo&) { RefuseWrite(); }
void ReadOnlySchema::Alter(duckdb::CatalogTransaction, duckdb::AlterInfo&) { RefuseWrite(); }

duckdb::optional_ptr<duckdb::CatalogEntry> LakeCatalog::CreateSchema(duckdb::CatalogTransaction,
                                                                     duckdb::CreateSchemaInfo&) {
  RefuseWrite();
}
void LakeCatalog::DropSchema(duckdb::ClientContext&, duckdb::DropInfo&) { RefuseWrite(); }
duckdb::PhysicalOperator& LakeCatalog::PlanCreateTableAs(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                                         duckdb::LogicalCreateTable&, duckdb::PhysicalOperator&) {
  RefuseWrite();
}
duckdb::PhysicalOperator& LakeCatalog::PlanInsert(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                                  duckdb::LogicalInsert&,
                                                  duckdb::optional_ptr<duckdb::PhysicalOperator>) {
  RefuseWrite();
}
duckdb::PhysicalOperator& LakeCatalog::PlanDelete(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                                  duckdb::LogicalDelete&, duckdb::PhysicalOperator&) {
  RefuseWrite();
}
duckdb::PhysicalOperator& LakeCatalog::PlanUpdate(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                                  duckdb::LogicalUpdate&, duckdb::PhysicalOperator&) {
  RefuseWrite();
}

void RegisterLakeStorage(duckdb::DBConfig& config) {
  auto storage = duckdb::make_shared_ptr<duckdb::StorageExtension>();
  storage->attach = [](duckdb::optional_ptr<duckdb::StorageExtensionInfo>, duckdb::ClientContext&,
                       duckdb::AttachedDatabase& db, const std::string&, duckdb::AttachInfo&,
                       duckdb::AttachOptions&) -> duckdb::unique_ptr<duckdb::Catalog> {
    return duckdb::make_uniq<LakeCatalog>(db);
  };
  storage->create_transaction_manager = [](duckdb::optional_ptr<duckdb::StorageExtensionInfo>,
                                           duckdb::AttachedDatabase& db,
                                           duckdb::Catalog&) -> duckdb::unique_ptr<duckdb::TransactionManager> {
    return duckdb::make_uniq<LakeTransactionManager>(db);
  };
  duckdb::StorageExtension::Register(config, "lake", std::move(storage));
}

void PrepareLakeCatalog(duckdb::ClientContext& context) {
  auto& lake = duckdb::Catalog::GetCatalog(context, kLakeDatabase).Cast<LakeCatalog>();
  lake.set_parquet_scan(TakeParquetScan(context));

  duckdb::TableFunction snapshot("snapshot", {duckdb::LogicalType::VARCHAR, duckdb::LogicalType::BIGINT}, nullptr);
  snapshot.bind_replace = BindSnapshot;
  duckdb::TableFunctionSet snapshots(snapshot.name);
  snapshots.AddFunction(snapshot);
  for (auto& functions : {snapshots, VectorSearchFunctions()}) {
    duckdb::CreateTableFunctionInfo info(functions);
    info.internal = true;
    auto& system = duckdb::Catalog::GetSystemCatalog(context);
    system.CreateTableFunction(duckdb::CatalogTransaction::GetSystemTransaction(*context.db), info);
  }
}

}  // namespace lakehouse::query
