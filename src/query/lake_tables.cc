// lake.datasets, lake.snapshots and lake.columns: what the query's view knows, as tables. Rows are made dataset by
// dataset as the query asks for them.
#include <deque>
#include <functional>

#include "query/lake_catalog_internal.h"
#include "query/lake_state.h"

namespace lakehouse::query {
namespace {

using Row = std::vector<duckdb::Value>;

struct LakeTableSpec {
  const char* name;
  std::vector<std::pair<const char*, duckdb::LogicalTypeId>> columns;
  // Appends the rows of one dataset.
  void (*rows)(const catalog::LakeView& view, const catalog::Manifest& manifest, std::deque<Row>& out);
};

duckdb::Value Number(uint64_t value) { return duckdb::Value::BIGINT(static_cast<int64_t>(value)); }
duckdb::Value Time(WallTime time) {
  return duckdb::Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(time.time_since_epoch().count()));
}
// Names come from clients; a string that is not UTF-8 must not reach DuckDB.
duckdb::Value Text(const std::string& text) {
  return duckdb::Value::StringIsValid(text) ? duckdb::Value(text) : duckdb::Value();
}

void DatasetRows(const catalog::LakeView&, const catalog::Manifest& manifest, std::deque<Row>& out) {
  uint64_t bytes = 0;
  for (const auto& object : manifest.objects) bytes += object.size;
  out.push_back({Text(manifest.name), Text(manifest.dataset_id), Text(manifest.schema_fingerprint),
                 Number(manifest.version.value), Number(manifest.seq.value), Number(manifest.row_count),
                 Number(manifest.objects.size()), Number(bytes), Time(manifest.created_at), Time(manifest.updated_at)});
}

void SnapshotRows(const catalog::LakeView& view, const catalog::Manifest& manifest, std::deque<Row>& out) {
  for (const auto& snapshot : view.Snapshots(manifest.name)) {
    out.push_back({Text(manifest.name), Number(snapshot.version.value), Number(snapshot.seq.value),
                   Number(snapshot.row_count), Time(snapshot.committed_at),
                   duckdb::Value(snapshot.mode == catalog::WriteMode::kReplace ? "replace" : "append"),
                   snapshot.source_sha256.empty() ? duckdb::Value() : Text(snapshot.source_sha256),
                   duckdb::Value::BOOLEAN(snapshot.pinned)});
  }
}

void ColumnRows(const catalog::LakeView&, const catalog::Manifest& manifest, std::deque<Row>& out) {
  int64_t position = 0;
  for (const auto& column : manifest.schema) {
    out.push_back({Text(manifest.name), duckdb::Value::BIGINT(++position), Text(column.name), Text(column.type),
                   duckdb::Value::BOOLEAN(column.nullable), duckdb::Value::INTEGER(column.field_id)});
  }
}

const std::vector<LakeTableSpec>& Specs() {
  using enum duckdb::LogicalTypeId;
  static const std::vector<LakeTableSpec> specs = {
      {"datasets",
       {{"name", VARCHAR},
        {"dataset_id", VARCHAR},
        {"schema_fingerprint", VARCHAR},
        {"version", BIGINT},
        {"seq", BIGINT},
        {"row_count", BIGINT},
        {"object_count", BIGINT},
        {"bytes", BIGINT},
        {"created_at", TIMESTAMP_TZ},
        {"updated_at", TIMESTAMP_TZ}},
       DatasetRows},
      {"snapshots",
       {{"name", VARCHAR},
        {"version", BIGINT},
        {"seq", BIGINT},
        {"row_count", BIGINT},
        {"committed_at", TIMESTAMP_TZ},
        {"mode", VARCHAR},
        {"source_sha256", VARCHAR},
        {"pinned", BOOLEAN}},
       SnapshotRows},
      {"columns",
       {{"dataset", VARCHAR},
        {"position", BIGINT},
        {"name", VARCHAR},
        {"type", VARCHAR},
        {"nullable", BOOLEAN},
        {"field_id", INTEGER}},
       ColumnRows},
  };
  return specs;
}

struct LakeTableData final : duckdb::TableFunctionData {
  LakeTableData(duckdb::TableCatalogEntry& entry, const LakeTableSpec& described,
                std::shared_ptr<const catalog::LakeView> bound)
      : table(entry), spec(described), view(std::move(bound)) {}
  duckdb::TableCatalogEntry& table;
  const LakeTableSpec& spec;
  const std::shared_ptr<const catalog::LakeView> view;
};

struct LakeTableScan final : duckdb::GlobalTableFunctionState {
  std::vector<std::string> datasets;
  size_t next = 0;
  std::deque<Row> rows;
  duckdb::vector<duckdb::column_t> columns;
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> StartTableScan(duckdb::ClientContext&,
                                                                    duckdb::TableFunctionInitInput& input) {
  auto scan = duckdb::make_uniq<LakeTableScan>();
  const auto& data = input.bind_data->Cast<LakeTableData>();
  if (data.view) scan->datasets = data.view->Names();
  scan->columns = input.column_ids;
  return scan;
}

void ScanTable(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  const auto& data = input.bind_data->Cast<LakeTableData>();
  auto& scan = input.global_state->Cast<LakeTableScan>();
  duckdb::idx_t count = 0;
  while (count < STANDARD_VECTOR_SIZE) {
    if (scan.rows.empty()) {
      if (scan.next == scan.datasets.size()) break;
      const auto manifest = data.view->Find(scan.datasets[scan.next++]);
      if (manifest) data.spec.rows(*data.view, *manifest, scan.rows);
      continue;
    }
    const Row& row = scan.rows.front();
    for (size_t i = 0; i < scan.columns.size(); ++i) {
      // Virtual columns (a row number that nobody can see) are NULL.
      const bool is_real = scan.columns[i] < row.size();
      output.SetValue(i, count, is_real ? row[scan.columns[i]] : duckdb::Value(output.data[i].GetType()));
    }
    scan.rows.pop_front();
    ++count;
  }
  output.SetCardinality(count);
}

class LakeInfoTable final : public duckdb::TableCatalogEntry {
 public:
  LakeInfoTable(duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema, duckdb::CreateTableInfo& info,
                const LakeTableSpec& spec)
      : TableCatalogEntry(catalog, schema, info), spec_(spec) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext&, duckdb::column_t) override {
    return nullptr;
  }
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext&) override { return {}; }
  duckdb::TableFunction GetScanFunction(duckdb::ClientContext& context,
                                        duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override {
    bind_data = duckdb::make_uniq<LakeTableData>(*this, spec_, LakeState::Of(context)->view());
    duckdb::TableFunction function(std::string("lake_") + spec_.name, {}, ScanTable, nullptr, StartTableScan);
    function.projection_pushdown = true;
    function.get_bind_info = [](const duckdb::optional_ptr<duckdb::FunctionData> data) {
      return duckdb::BindInfo(data->Cast<LakeTableData>().table);
    };
    return function;
  }

 private:
  const LakeTableSpec& spec_;
};

}  // namespace

duckdb::vector<duckdb::unique_ptr<duckdb::TableCatalogEntry>> MakeLakeTables(duckdb::Catalog& catalog,
                                                                             duckdb::SchemaCatalogEntry& schema) {
  duckdb::vector<duckdb::unique_ptr<duckdb::TableCatalogEntry>> tables;
  for (const auto& spec : Specs()) {
    duckdb::CreateTableInfo info(schema, spec.name);
    for (const auto& [name, type] : spec.columns) info.columns.AddColumn(duckdb::ColumnDefinition(name, type));
    tables.push_back(duckdb::make_uniq<LakeInfoTable>(catalog, schema, info, spec));
  }
  return tables;
}

}  // namespace lakehouse::query
