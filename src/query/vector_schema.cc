#include "query/vector_schema.h"

#include "query/lake_state.h"
#include "query/vector_rows.h"

namespace lakehouse::query {
namespace {

constexpr VectorColumn kColumns[] = {VectorColumn::kId, VectorColumn::kVector, VectorColumn::kMetadata};

class VectorTable;

struct ScanData final : duckdb::TableFunctionData {
  ScanData(VectorTable& entry, const VectorIndex& described) : table(entry), index(described) {}
  VectorTable& table;
  const VectorIndex& index;
};

// Pieces of the source's rows, cut to what a chunk holds.
struct ScanThread final : duckdb::LocalTableFunctionState {
  std::vector<VectorRow> rows;
  size_t next = 0;
};

struct ScanState final : duckdb::GlobalTableFunctionState {
  std::unique_ptr<VectorRows> rows;
  duckdb::vector<duckdb::column_t> wanted;
  duckdb::idx_t threads = 1;
  duckdb::idx_t MaxThreads() const override { return threads; }
};

class VectorTable final : public duckdb::TableCatalogEntry {
 public:
  VectorTable(duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema, duckdb::CreateTableInfo& info,
              VectorIndex index)
      : TableCatalogEntry(catalog, schema, info), index_(std::move(index)) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext&, duckdb::column_t) override {
    return nullptr;
  }
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext&) override {
    duckdb::TableStorageInfo info;
    info.cardinality = index_.length;
    return info;
  }
  duckdb::TableFunction GetScanFunction(duckdb::ClientContext& context,
                                        duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override;

 private:
  const VectorIndex index_;
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> StartVectorScan(duckdb::ClientContext& context,
                                                                     duckdb::TableFunctionInitInput& input) {
  constexpr uint64_t kRowsForThread = uint64_t{16} * STANDARD_VECTOR_SIZE;
  const auto& data = input.bind_data->Cast<ScanData>();
  auto state = duckdb::make_uniq<ScanState>();
  state->wanted = input.column_ids;
  state->threads = 1 + data.index.length / kRowsForThread;
  auto rows =
      SourceOf(context).Scan(LakeState::Of(context)->request(), data.index.name, NeededOf(kColumns, state->wanted));
  if (!rows) Throw(context, rows.error());
  state->rows = *std::move(rows);
  return state;
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> StartThread(duckdb::ExecutionContext&,
                                                                duckdb::TableFunctionInitInput&,
                                                                duckdb::GlobalTableFunctionState*) {
  return duckdb::make_uniq<ScanThread>();
}

void ScanVectors(duckdb::ClientContext& context, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  auto& state = input.global_state->Cast<ScanState>();
  auto& thread = input.local_state->Cast<ScanThread>();
  if (thread.next == thread.rows.size()) {
    auto rows = state.rows->Next();
    if (!rows) Throw(context, rows.error());
    thread.rows = *std::move(rows);
    thread.next = 0;
  }
  const size_t count = std::min<size_t>(thread.rows.size() - thread.next, STANDARD_VECTOR_SIZE);
  FillChunk(kColumns, state.wanted, std::span(thread.rows).subspan(thread.next, count), output);
  thread.next += count;
}

duckdb::TableFunction VectorTable::GetScanFunction(duckdb::ClientContext&,
                                                   duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  bind_data = duckdb::make_uniq<ScanData>(*this, index_);
  duckdb::TableFunction function("vector_scan", {}, ScanVectors, nullptr, StartVectorScan, StartThread);
  function.projection_pushdown = true;
  function.cardinality = [](duckdb::ClientContext&, const duckdb::FunctionData* data) {
    return duckdb::make_uniq<duckdb::NodeStatistics>(data->Cast<ScanData>().index.length);
  };
  function.get_bind_info = [](const duckdb::optional_ptr<duckdb::FunctionData> data) {
    return duckdb::BindInfo(data->Cast<ScanData>().table);
  };
  return function;
}

duckdb::unique_ptr<duckdb::TableCatalogEntry> MakeTable(duckdb::SchemaCatalogEntry& schema, VectorIndex index) {
  duckdb::CreateTableInfo info(schema, index.name);
  for (const VectorColumn column : kColumns) {
    info.columns.AddColumn(duckdb::ColumnDefinition(NameOf(column), TypeOf(column, index.dimension)));
  }
  return duckdb::make_uniq<VectorTable>(schema.catalog, schema, info, std::move(index));
}

}  // namespace

void VectorSchema::Scan(duckdb::ClientContext& context, duckdb::CatalogType type,
                        const std::function<void(duckdb::CatalogEntry&)>& callback) {
  const auto state = LakeState::Of(context);
  if (type != duckdb::CatalogType::TABLE_ENTRY || state->vectors() == nullptr) return;
  auto& transaction = duckdb::Transaction::Get(context, catalog).Cast<LakeTransaction>();
  const auto indexes = state->vectors()->List(state->request());
  if (!indexes) return;
  for (const VectorIndex& index : *indexes) {
    callback(*transaction.Keep(index.name, [&] { return MakeTable(*this, index); }));
  }
}

duckdb::optional_ptr<duckdb::CatalogEntry> VectorSchema::LookupEntry(duckdb::CatalogTransaction transaction,
                                                                     const duckdb::EntryLookupInfo& lookup) {
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) return nullptr;
  auto& context = transaction.GetContext();
  const auto state = LakeState::Of(context);
  if (state->vectors() == nullptr) return nullptr;
  if (lookup.GetAtClause()) {
    throw duckdb::BinderException("vectors.\"%s\" has no versions to read; an index is read as it is now",
                                  lookup.GetEntryName());
  }
  return transaction.transaction->Cast<LakeTransaction>().Keep(
      lookup.GetEntryName(), [&]() -> duckdb::unique_ptr<duckdb::TableCatalogEntry> {
        auto index = state->vectors()->Find(state->request(), lookup.GetEntryName());
        if (index) return MakeTable(*this, *std::move(index));
        if (index.error().kind == ErrorKind::kNotFound || index.error().kind == ErrorKind::kInvalid) return nullptr;
        Throw(context, index.error());
      });
}

}  // namespace lakehouse::query
