#include "query/database.h"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <vector>

#include "query/lake_catalog.h"
#include "query/lake_file_system.h"

namespace lakehouse::query {
namespace {

// Everything else that can stand in FROM is removed: what DuckDB adds in a later version is closed until it is read
// here.
const std::set<std::string_view>& AllowedTableFunctions() {
  static const std::set<std::string_view> names = {"duckdb_columns",
                                                   "duckdb_constraints",
                                                   "duckdb_databases",
                                                   "duckdb_dependencies",
                                                   "duckdb_functions",
                                                   "duckdb_indexes",
                                                   "duckdb_keywords",
                                                   "duckdb_schemas",
                                                   "duckdb_sequences",
                                                   "duckdb_tables",
                                                   "duckdb_types",
                                                   "duckdb_variables",
                                                   "duckdb_views",
                                                   "generate_series",
                                                   "icu_calendar_names",
                                                   "json_each",
                                                   "json_tree",
                                                   "pg_timezone_names",
                                                   "pragma_collations",
                                                   "pragma_show",
                                                   "pragma_table_info",
                                                   "pragma_version",
                                                   "range",
                                                   "repeat",
                                                   "repeat_row",
                                                   "snapshot",
                                                   "summary",
                                                   "test_all_types",
                                                   "test_vector_types",
                                                   "unnest",
                                                   "vector_search"};
  return names;
}

// Functions of values that read settings or the environment, write logs, wait, or leave something behind on the
// connection for the next query; and those that know only DuckDB's own catalog.
constexpr std::string_view kRemovedScalarFunctions[] = {"current_setting",
                                                        "getenv",
                                                        "nextval",
                                                        "currval",
                                                        "write_log",
                                                        "parse_duckdb_log_message",
                                                        "sleep_ms",
                                                        "setseed",
                                                        "txid_current",
                                                        "current_transaction_id",
                                                        "current_connection_id",
                                                        "current_query_id",
                                                        "json_serialize_plan"};

void Remove(duckdb::ClientContext& context, duckdb::CatalogType type, std::string_view name) {
  duckdb::DropInfo drop;
  drop.type = type;
  drop.schema = DEFAULT_SCHEMA;
  drop.name = std::string(name);
  drop.if_not_found = duckdb::OnEntryNotFound::RETURN_NULL;
  drop.allow_drop_internal = true;
  duckdb::Catalog::GetSystemCatalog(context).DropEntry(context, drop);
}

void RemoveFunctions(duckdb::ClientContext& context) {
  auto& schema = duckdb::Catalog::GetSystemCatalog(context).GetSchema(context, DEFAULT_SCHEMA);
  std::vector<std::string> tables, pragmas, copies;
  const auto list = [&](duckdb::CatalogType type, std::vector<std::string>& names) {
    schema.Scan(context, type, [&names, type](duckdb::CatalogEntry& entry) {
      if (entry.type == type) names.push_back(entry.name);
    });
  };
  list(duckdb::CatalogType::TABLE_FUNCTION_ENTRY, tables);
  list(duckdb::CatalogType::PRAGMA_FUNCTION_ENTRY, pragmas);
  list(duckdb::CatalogType::COPY_FUNCTION_ENTRY, copies);
  for (const auto& name : tables) {
    if (!AllowedTableFunctions().contains(name)) Remove(context, duckdb::CatalogType::TABLE_FUNCTION_ENTRY, name);
  }
  for (const auto& name : pragmas) Remove(context, duckdb::CatalogType::PRAGMA_FUNCTION_ENTRY, name);
  for (const auto& name : copies) Remove(context, duckdb::CatalogType::COPY_FUNCTION_ENTRY, name);
  for (const auto name : kRemovedScalarFunctions) Remove(context, duckdb::CatalogType::SCALAR_FUNCTION_ENTRY, name);
}

void Configure(duckdb::DBConfig& config, const EngineOptions& options) {
  config.SetOptionByName("threads", duckdb::Value::BIGINT(options.threads));
  // None of DuckDB's own: helper_threads.h.
  config.SetOptionByName("external_threads", duckdb::Value::BIGINT(options.threads));
  config.SetOptionByName("memory_limit", duckdb::Value(fmt::format("{}B", options.memory_bytes)));
  config.SetOptionByName("temp_directory", duckdb::Value(options.spill_folder.string()));
  config.SetOptionByName("max_temp_directory_size", duckdb::Value(fmt::format("{}B", options.spill_bytes)));
  config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("allow_community_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("allow_persistent_secrets", duckdb::Value::BOOLEAN(false));
  // Data objects never change under their key.
  config.SetOptionByName("validate_external_file_cache", duckdb::Value("NO_VALIDATION"));
}

// Throws on failure, as all of DuckDB does.
void CloseOff(duckdb::DuckDB& database) {
  duckdb::Connection connection(database);
  auto& context = *connection.context;
  context.RunFunctionInTransaction([&] {
    PrepareLakeCatalog(context);
    RemoveFunctions(context);
  });
  database.instance->config.replacement_scans.clear();
  // The order matters: directories count only once access is off, and the lock comes last.
  for (const char* statement : {"SET GLOBAL parquet_metadata_cache=true", "SET GLOBAL allowed_directories=['lake://']",
                                "SET GLOBAL enable_external_access=false", "SET GLOBAL lock_configuration=true"}) {
    auto result = connection.Query(statement);
    if (result->HasError()) result->ThrowError();
  }
}

}  // namespace

Result<std::shared_ptr<Database>> Database::Open(const EngineOptions& options, object::BlockCache& cache) {
  std::error_code failed;
  if (!options.spill_folder.empty()) std::filesystem::create_directories(options.spill_folder, failed);
  if (failed) {
    return Fail(ErrorKind::kInternal, "the spill folder {} cannot be made: {}", options.spill_folder.string(),
                failed.message());
  }
  try {
    duckdb::DBConfig config;
    Configure(config, options);
    RegisterLakeStorage(config);
    std::shared_ptr<Database> database(new Database());
    database->duckdb_ = std::make_unique<duckdb::DuckDB>(kLakeDatabasePath, &config);
    database->duckdb_->instance->GetFileSystem().RegisterSubSystem(MakeLakeFileSystem(cache, options.remote_store));
    CloseOff(*database->duckdb_);
    database->helpers_ = std::make_unique<HelperThreads>(
        duckdb::TaskScheduler::GetScheduler(*database->duckdb_->instance), options.threads - 1);
    return database;
  } catch (const std::exception& caught) {
    return Fail(ErrorKind::kInternal, "DuckDB cannot start: {}", duckdb::ErrorData(caught).RawMessage());
  }
}

uint64_t Database::memory_bytes() {
  return duckdb::BufferManager::GetBufferManager(*duckdb_->instance).GetUsedMemory();
}

}  // namespace lakehouse::query
