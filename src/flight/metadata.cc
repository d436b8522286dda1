#include "flight/metadata.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/c/bridge.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>

#include "flight/status.h"

namespace lakehouse::flight {
namespace {

using arrow::field;
using arrow::utf8;

std::shared_ptr<arrow::Schema> TablesSchema(bool with_schema) {
  auto fields = arrow::FieldVector{field("catalog_name", utf8()), field("db_schema_name", utf8()),
                                   field("table_name", utf8(), false), field("table_type", utf8(), false)};
  if (with_schema) fields.push_back(field("table_schema", arrow::binary(), false));
  return arrow::schema(std::move(fields));
}

std::shared_ptr<arrow::Schema> PrimaryKeysSchema() {
  return arrow::schema({field("catalog_name", utf8()), field("db_schema_name", utf8()),
                        field("table_name", utf8(), false), field("column_name", utf8(), false),
                        field("key_name", utf8()), field("key_sequence", arrow::int32(), false)});
}

std::shared_ptr<arrow::Schema> ForeignKeysSchema() {
  return arrow::schema(
      {field("pk_catalog_name", utf8()), field("pk_db_schema_name", utf8()), field("pk_table_name", utf8(), false),
       field("pk_column_name", utf8(), false), field("fk_catalog_name", utf8()), field("fk_db_schema_name", utf8()),
       field("fk_table_name", utf8(), false), field("fk_column_name", utf8(), false),
       field("key_sequence", arrow::int32(), false), field("fk_key_name", utf8()), field("pk_key_name", utf8()),
       field("update_rule", arrow::uint8(), false), field("delete_rule", arrow::uint8(), false)});
}

struct SchemaOfCommand {
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetCatalogs&) const {
    return arrow::schema({field("catalog_name", utf8(), false)});
  }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetDbSchemas&) const {
    return arrow::schema({field("catalog_name", utf8()), field("db_schema_name", utf8(), false)});
  }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetTables& command) const {
    return TablesSchema(command.include_schema());
  }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetTableTypes&) const {
    return arrow::schema({field("table_type", utf8(), false)});
  }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetPrimaryKeys&) const { return PrimaryKeysSchema(); }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetExportedKeys&) const { return ForeignKeysSchema(); }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetImportedKeys&) const { return ForeignKeysSchema(); }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetCrossReference&) const { return ForeignKeysSchema(); }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetSqlInfo&) const { return SqlInfoSchema(); }
  std::shared_ptr<arrow::Schema> operator()(const pb::CommandGetXdbcTypeInfo&) const { return XdbcTypeSchema(); }
  template <typename Other>
  std::shared_ptr<arrow::Schema> operator()(const Other&) const {
    return nullptr;
  }
};

using Row = std::vector<std::string>;

// Rows of texts (or bytes) under a schema of such columns.
Result<std::shared_ptr<arrow::RecordBatch>> Table(const std::shared_ptr<arrow::Schema>& schema,
                                                  const std::vector<Row>& rows) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int i = 0; i < schema->num_fields(); ++i) {
    std::unique_ptr<arrow::ArrayBuilder> builder;
    LH_ARROW_TRY("the answer", arrow::MakeBuilder(arrow::default_memory_pool(), schema->field(i)->type(), &builder));
    for (const Row& row : rows) {
      // Utf8's builder is a binary one.
      LH_ARROW_TRY("the answer", static_cast<arrow::BinaryBuilder&>(*builder).Append(row[static_cast<size_t>(i)]));
    }
    std::shared_ptr<arrow::Array> column;
    LH_ARROW_TRY("the answer", builder->Finish(&column));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows.size()), std::move(columns));
}

// Nobody's keys: no row at all.
Result<std::shared_ptr<arrow::RecordBatch>> NoRows(const std::shared_ptr<arrow::Schema>& schema) {
  auto empty = arrow::RecordBatch::MakeEmpty(schema);
  LH_ARROW_TRY("the answer", empty.status());
  return *empty;
}

// A query of texts of our own.
Result<std::vector<Row>> Ask(State& state, Call& call, const std::string& sql, std::vector<query::Parameter> values) {
  query::BatchRequest request;
  request.sql = sql;
  if (!values.empty()) request.parameter_rows.push_back(std::move(values));
  LH_ASSIGN(const auto stream, state.services->query.RunBatches(call.Context(state.options.query_timeout), request));
  ArrowSchema exported;
  LH_TRY(stream->ExportSchema(&exported));
  const auto schema = arrow::ImportSchema(&exported);
  LH_ARROW_TRY("the catalog's answer", schema.status());
  std::vector<Row> rows;
  for (;;) {
    ArrowArray array;
    LH_ASSIGN(const bool more, stream->Next(&array));
    if (!more) return rows;
    const auto batch = arrow::ImportRecordBatch(&array, *schema);
    LH_ARROW_TRY("the catalog's answer", batch.status());
    for (int64_t row = 0; row < (*batch)->num_rows(); ++row) {
      Row& values_of_row = rows.emplace_back();
      for (int column = 0; column < (*batch)->num_columns(); ++column) {
        values_of_row.emplace_back(static_cast<const arrow::StringArray&>(*(*batch)->column(column)).GetView(row));
      }
    }
  }
}

query::Parameter PatternOf(bool given, const std::string& pattern) {
  if (!given) return query::TypedText{"VARCHAR", std::nullopt};
  return pattern;
}

std::string Quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

// The table's columns as an IPC message, each with what tools look for in its metadata.
Result<std::string> SchemaMessage(State& state, const RequestContext& bounded, const std::string& schema_name,
                                  const std::string& table) {
  const std::string sql =
      fmt::format("SELECT * FROM {}.{}.{}", Quoted(kCatalogName), Quoted(schema_name), Quoted(table));
  LH_ASSIGN(const auto shape, state.services->query.Describe(bounded, sql, std::nullopt));
  const auto schema = arrow::ImportSchema(shape.columns.get());
  LH_ARROW_TRY("the table's schema", schema.status());
  arrow::FieldVector fields;
  for (const auto& column : (*schema)->fields()) {
    fields.push_back(column->WithMergedMetadata(arrow::key_value_metadata(
        {"ARROW:FLIGHT:SQL:CATALOG_NAME", "ARROW:FLIGHT:SQL:DB_SCHEMA_NAME", "ARROW:FLIGHT:SQL:TABLE_NAME",
         "ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT", "ARROW:FLIGHT:SQL:IS_READ_ONLY", "ARROW:FLIGHT:SQL:IS_SEARCHABLE"},
        {std::string(kCatalogName), schema_name, table, "0", "1", "1"})));
  }
  const auto message = arrow::ipc::SerializeSchema(*arrow::schema(std::move(fields)));
  LH_ARROW_TRY("the table's schema", message.status());
  return (*message)->ToString();
}

// A dataset that cannot be planned (foreign columns, none at all) still stands in the list, with no columns.
std::string NoColumns() {
  const auto message = arrow::ipc::SerializeSchema(*arrow::schema({}));
  return message.ok() ? (*message)->ToString() : std::string();
}

Result<std::shared_ptr<arrow::RecordBatch>> Tables(State& state, Call& call, const pb::CommandGetTables& command) {
  std::vector<Row> rows;
  if (!command.has_catalog() || command.catalog() == kCatalogName) {
    LH_ASSIGN(rows, Ask(state, call,
                        "SELECT database_name, schema_name, table_name, "
                        "CASE WHEN schema_name = 'lake' THEN 'SYSTEM TABLE' ELSE 'TABLE' END AS table_type "
                        "FROM duckdb_tables() WHERE database_name = current_database() "
                        "AND ($1 IS NULL OR schema_name LIKE $1 ESCAPE '\\') "
                        "AND ($2 IS NULL OR table_name LIKE $2 ESCAPE '\\') ORDER BY ALL",
                        {PatternOf(command.has_db_schema_filter_pattern(), command.db_schema_filter_pattern()),
                         PatternOf(command.has_table_name_filter_pattern(), command.table_name_filter_pattern())}));
  }
  const auto& types = command.table_types();
  std::erase_if(rows, [&types](const Row& row) {
    return !types.empty() && std::find(types.begin(), types.end(), row[3]) == types.end();
  });
  if (command.include_schema()) {
    const RequestContext bounded = call.Context(state.options.query_timeout);  // of all tables together
    for (Row& row : rows) {
      auto message = SchemaMessage(state, bounded, row[1], row[2]);
      const bool is_the_tables = !message && (message.error().kind == ErrorKind::kInvalid ||
                                              message.error().kind == ErrorKind::kUnprocessable ||
                                              message.error().kind == ErrorKind::kNotFound);
      if (!message && !is_the_tables) return Fail(message.error());
      row.push_back(message ? *std::move(message) : NoColumns());
    }
  }
  return Table(TablesSchema(command.include_schema()), rows);
}

Result<std::shared_ptr<arrow::RecordBatch>> DbSchemas(State& state, Call& call,
                                                      const pb::CommandGetDbSchemas& command) {
  std::vector<Row> rows;
  if (!command.has_catalog() || command.catalog() == kCatalogName) {
    LH_ASSIGN(rows, Ask(state, call,
                        "SELECT database_name, schema_name FROM duckdb_schemas() "
                        "WHERE database_name = current_database() "
                        "AND ($1 IS NULL OR schema_name LIKE $1 ESCAPE '\\') ORDER BY ALL",
                        {PatternOf(command.has_db_schema_filter_pattern(), command.db_schema_filter_pattern())}));
  }
  return Table(SchemaOfCommand()(command), rows);
}

struct Answer {
  State& state;
  Call& call;
  using Result = lakehouse::Result<std::shared_ptr<arrow::RecordBatch>>;
  Result operator()(const pb::CommandGetCatalogs& command) const {
    return Table(SchemaOfCommand()(command), {{std::string(kCatalogName)}});
  }
  Result operator()(const pb::CommandGetDbSchemas& command) const { return DbSchemas(state, call, command); }
  Result operator()(const pb::CommandGetTables& command) const { return Tables(state, call, command); }
  Result operator()(const pb::CommandGetTableTypes& command) const {
    return Table(SchemaOfCommand()(command), {{"SYSTEM TABLE"}, {"TABLE"}});
  }
  Result operator()(const pb::CommandGetPrimaryKeys&) const { return NoRows(PrimaryKeysSchema()); }
  Result operator()(const pb::CommandGetExportedKeys&) const { return NoRows(ForeignKeysSchema()); }
  Result operator()(const pb::CommandGetImportedKeys&) const { return NoRows(ForeignKeysSchema()); }
  Result operator()(const pb::CommandGetCrossReference&) const { return NoRows(ForeignKeysSchema()); }
  Result operator()(const pb::CommandGetSqlInfo& command) const { return SqlInfo(command); }
  Result operator()(const pb::CommandGetXdbcTypeInfo& command) const { return XdbcTypes(command); }
  template <typename Other>
  Result operator()(const Other& command) const {
    return Fail(ErrorKind::kInvalid, "{} has no rows to fetch", command.descriptor()->name());
  }
};

}  // namespace

std::shared_ptr<arrow::Schema> MetadataSchema(const Command& command) { return std::visit(SchemaOfCommand(), command); }

Result<std::shared_ptr<arrow::RecordBatch>> Metadata(State& state, Call& call, const Command& command) {
  return std::visit(Answer{state, call}, command);
}

}  // namespace lakehouse::flight
