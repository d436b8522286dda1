#include "query/lake_scan.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>

#include "base/mutex.h"
#include "query/lake_file_system.h"
#include "query/lake_state.h"

namespace lakehouse::query {
namespace {

// Beyond this many objects the optimizer does without column statistics: reading every footer would cost more.
constexpr size_t kMaxFilesForStatistics = 16;

using Readers = duckdb::vector<duckdb::shared_ptr<duckdb::BaseFileReader>>;

// Made for one use of a table in one query.
struct LakeScanInfo final : duckdb::TableFunctionInfo {
  LakeScanInfo(duckdb::TableCatalogEntry& entry, std::shared_ptr<const catalog::Manifest> described,
               const LakeSchema& columns, duckdb::table_function_get_partition_stats_t partition_stats)
      : table(entry), manifest(std::move(described)), schema(columns), parquet_partition_stats(partition_stats) {}

  // Readers of all files of a small dataset, opened once; none for a large one. Their footers stay in DuckDB's cache,
  // where the scan finds them.
  const Readers& OpenReaders(duckdb::ClientContext& context, const duckdb::MultiFileBindData& data) const;

  duckdb::TableCatalogEntry& table;
  const std::shared_ptr<const catalog::Manifest> manifest;
  const LakeSchema schema;
  const duckdb::table_function_get_partition_stats_t parquet_partition_stats;

 private:
  mutable Mutex mutex_;
  mutable std::optional<Readers> readers_ LH_GUARDED_BY(mutex_);
};

class LakeFileList final : public duckdb::MultiFileList {
 public:
  explicit LakeFileList(duckdb::shared_ptr<LakeScanInfo> info) : info_(std::move(info)) {}

  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() const override {
    duckdb::vector<duckdb::OpenFileInfo> files;
    files.reserve(GetTotalFileCount());
    for (size_t i = 0; i < GetTotalFileCount(); ++i) files.push_back(GetFile(i));
    return files;
  }
  // "Single" would make DuckDB plan one thread, since no file is open when it asks.
  duckdb::FileExpandResult GetExpandResult() const override {
    return info_->manifest->objects.empty() ? duckdb::FileExpandResult::NO_FILES
                                            : duckdb::FileExpandResult::MULTIPLE_FILES;
  }
  duckdb::idx_t GetTotalFileCount() const override { return info_->manifest->objects.size(); }
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(duckdb::ClientContext&) const override {
    return duckdb::make_uniq<duckdb::NodeStatistics>(info_->manifest->row_count, info_->manifest->row_count);
  }
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override { return duckdb::make_uniq<LakeFileList>(info_); }
  const LakeScanInfo& info() const { return *info_; }

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t index) const override {
    const auto& objects = info_->manifest->objects;
    if (index >= objects.size()) return duckdb::OpenFileInfo("");
    return LakeFile(info_->manifest->name, objects[index].key, objects[index].size);
  }

 private:
  duckdb::shared_ptr<LakeScanInfo> info_;
};

class LakeFileReader final : public duckdb::MultiFileReader {
 public:
  explicit LakeFileReader(duckdb::shared_ptr<LakeScanInfo> info) : info_(std::move(info)) {}
  static duckdb::unique_ptr<duckdb::MultiFileReader> Create(const duckdb::TableFunction& function) {
    return duckdb::make_uniq<LakeFileReader>(
        duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, LakeScanInfo>(function.function_info));
  }

  duckdb::shared_ptr<duckdb::MultiFileList> CreateFileList(duckdb::ClientContext&, const duckdb::vector<std::string>&,
                                                           const duckdb::FileGlobInput&) override {
    return duckdb::make_shared_ptr<LakeFileList>(info_);
  }
  bool Bind(duckdb::MultiFileOptions&, duckdb::MultiFileList&, duckdb::vector<duckdb::LogicalType>& types,
            duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData&) override {
    types = info_->schema.types;
    names = info_->schema.names;
    return true;
  }
  void BindOptions(duckdb::MultiFileOptions&, duckdb::MultiFileList&, duckdb::vector<duckdb::LogicalType>&,
                   duckdb::vector<std::string>&, duckdb::MultiFileReaderBindData&) override {}
  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override { return duckdb::make_uniq<LakeFileReader>(info_); }

  using MultiFileReader::CreateReader;
  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(duckdb::ClientContext& context,
                                                          duckdb::GlobalTableFunctionState& state,
                                                          const duckdb::OpenFileInfo& file, duckdb::idx_t index,
                                                          const duckdb::MultiFileBindData& bind_data) override {
    return Blame(context, file, [&] { return MultiFileReader::CreateReader(context, state, file, index, bind_data); });
  }
  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(duckdb::ClientContext& context,
                                                          const duckdb::OpenFileInfo& file,
                                                          duckdb::BaseFileReaderOptions& options,
                                                          const duckdb::MultiFileOptions& file_options,
                                                          duckdb::MultiFileReaderInterface& interface) override {
    return Blame(context, file,
                 [&] { return MultiFileReader::CreateReader(context, file, options, file_options, interface); });
  }
  duckdb::ReaderInitializeType InitializeReader(duckdb::MultiFileReaderData& reader,
                                                const duckdb::MultiFileBindData& bind_data,
                                                const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
                                                const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                                                duckdb::optional_ptr<duckdb::TableFilterSet> filters,
                                                duckdb::ClientContext& context,
                                                duckdb::MultiFileGlobalState& state) override {
    return Blame(context, reader.reader->file, [&] {
      return MultiFileReader::InitializeReader(reader, bind_data, columns, column_ids, filters, context, state);
    });
  }

 private:
  // Runs `open`; what DuckDB finds wrong with a file is noted as its dataset's own defect.
  template <typename Open>
  std::invoke_result_t<Open> Blame(duckdb::ClientContext& context, const duckdb::OpenFileInfo& file, const Open& open) {
    try {
      return open();
    } catch (const std::exception& caught) {
      const duckdb::ErrorData error(caught);
      if (error.Type() == duckdb::ExceptionType::INVALID_INPUT || error.Type() == duckdb::ExceptionType::IO) {
        LakeState::Of(context)->NoteError(Error{
            ErrorKind::kUnprocessable,
            fmt::format("dataset '{}' cannot be read: its object {} does not hold what the catalog says of it: {}",
                        info_->manifest->name, KeyOf(file), error.RawMessage()),
            std::nullopt,
            {}});
      }
      throw;
    }
  }

  duckdb::shared_ptr<LakeScanInfo> info_;
};

const LakeScanInfo& InfoOf(const duckdb::FunctionData& bind_data) {
  return bind_data.Cast<duckdb::MultiFileBindData>().file_list->Cast<LakeFileList>().info();
}

duckdb::BindInfo BindInfoOf(const duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  return duckdb::BindInfo(InfoOf(*bind_data).table);
}

const Readers& LakeScanInfo::OpenReaders(duckdb::ClientContext& context, const duckdb::MultiFileBindData& data) const {
  const MutexLock lock(mutex_);
  if (readers_) return *readers_;
  readers_.emplace();
  if (data.file_list->GetTotalFileCount() > kMaxFilesForStatistics) return *readers_;
  auto options = data.interface->InitializeOptions(context, nullptr);
  for (const auto& file : data.file_list->GetAllFiles()) {
    readers_->push_back(
        data.multi_file_reader->CreateReader(context, file, *options, data.file_options, *data.interface));
  }
  return *readers_;
}

duckdb::unique_ptr<duckdb::BaseStatistics> Statistics(duckdb::ClientContext& context,
                                                      const duckdb::FunctionData* bind_data, duckdb::column_t column) {
  const auto& data = bind_data->Cast<duckdb::MultiFileBindData>();
  if (duckdb::IsVirtualColumn(column) || column >= data.names.size()) return nullptr;
  duckdb::unique_ptr<duckdb::BaseStatistics> merged;
  for (const auto& reader : InfoOf(data).OpenReaders(context, data)) {
    auto statistics = reader->GetStatistics(context, data.names[column]);
    // A file that holds the column as another type is cast as it is read: its bounds mean something else then.
    if (!statistics || statistics->GetType() != data.types[column]) return nullptr;
    if (merged) {
      merged->Merge(*statistics);
    } else {
      merged = std::move(statistics);
    }
  }
  return merged;
}

// Row counts and bounds by row group, with which DuckDB answers count(*), min and max without a scan.
duckdb::vector<duckdb::PartitionStatistics> PartitionStats(duckdb::ClientContext& context,
                                                           duckdb::GetPartitionStatsInput& input) {
  const auto& info = InfoOf(*input.bind_data);
  // The function below looks only at footers that are in the cache already.
  info.OpenReaders(context, input.bind_data->Cast<duckdb::MultiFileBindData>());
  return info.parquet_partition_stats(context, input);
}

duckdb::InsertionOrderPreservingMap<std::string> ToString(duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> text;
  if (input.table_function.function_info) {
    text["Table"] = input.table_function.function_info->Cast<LakeScanInfo>().manifest->name;
  }
  return text;
}

// The types that ingest makes, without the parser; nullopt for any other text.
std::optional<duckdb::LogicalType> CommonType(std::string_view name) {
  static const std::unordered_map<std::string_view, duckdb::LogicalTypeId> kTypes = {
      {"BOOLEAN", duckdb::LogicalTypeId::BOOLEAN},     {"BIGINT", duckdb::LogicalTypeId::BIGINT},
      {"DOUBLE", duckdb::LogicalTypeId::DOUBLE},       {"DATE", duckdb::LogicalTypeId::DATE},
      {"TIMESTAMP", duckdb::LogicalTypeId::TIMESTAMP}, {"TIMESTAMPTZ", duckdb::LogicalTypeId::TIMESTAMP_TZ},
      {"VARCHAR", duckdb::LogicalTypeId::VARCHAR},     {"INTEGER", duckdb::LogicalTypeId::INTEGER},
  };
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) return std::nullopt;
  return duckdb::LogicalType(found->second);
}

// VARCHAR with a problem noted when DuckDB cannot read the name.
duckdb::LogicalType ParseType(const catalog::Column& column, std::string& problem) {
  if (auto common = CommonType(column.type)) return *std::move(common);
  try {
    auto type = duckdb::UnboundType::TryParseAndDefaultBind(column.type);
    if (type.id() != duckdb::LogicalTypeId::INVALID && type.id() != duckdb::LogicalTypeId::UNBOUND) return type;
  } catch (const std::exception&) {
    // A text that is no type at all; said below.
  }
  if (problem.empty()) {
    problem = fmt::format("column '{}' has the type '{}', which DuckDB does not have", column.name, column.type);
  }
  return duckdb::LogicalType::VARCHAR;
}

}  // namespace

LakeSchema ParseSchema(const catalog::Manifest& manifest) {
  LakeSchema schema;
  duckdb::case_insensitive_set_t seen;
  for (const auto& column : manifest.schema) {
    if (column.name.empty() || !seen.insert(column.name).second) {
      if (schema.problem.empty()) {
        schema.problem = column.name.empty() ? "it has a column without a name"
                                             : fmt::format("two columns are called '{}' (case aside)", column.name);
      }
      continue;
    }
    schema.names.push_back(column.name);
    schema.types.push_back(ParseType(column, schema.problem));
    schema.nullable.push_back(column.nullable);
  }
  if (schema.names.empty() && schema.problem.empty()) schema.problem = "it has no columns";
  return schema;
}

duckdb::TableFunction TakeParquetScan(duckdb::ClientContext& context) {
  auto& catalog = duckdb::Catalog::GetSystemCatalog(context);
  auto& entry = catalog.GetEntry<duckdb::TableFunctionCatalogEntry>(context, DEFAULT_SCHEMA, "parquet_scan");
  return entry.functions.GetFunctionByOffset(0);
}

duckdb::TableFunction BindLakeScan(duckdb::ClientContext& context, const duckdb::TableFunction& parquet_scan,
                                   duckdb::TableCatalogEntry& table, std::shared_ptr<const catalog::Manifest> manifest,
                                   const LakeSchema& schema, duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  duckdb::TableFunction function = parquet_scan;
  function.name = "lake_scan";
  function.function_info =
      duckdb::make_shared_ptr<LakeScanInfo>(table, std::move(manifest), schema, parquet_scan.get_partition_stats);
  function.get_multi_file_reader = LakeFileReader::Create;
  function.get_bind_info = BindInfoOf;
  function.statistics = Statistics;
  function.get_partition_stats = PartitionStats;
  function.to_string = ToString;
  function.serialize = nullptr;
  function.deserialize = nullptr;

  duckdb::vector<duckdb::Value> inputs{duckdb::Value("")};
  duckdb::named_parameter_map_t named;
  duckdb::vector<duckdb::LogicalType> types, input_types;
  duckdb::vector<std::string> names, input_names;
  duckdb::TableFunctionRef reference;
  duckdb::TableFunctionBindInput input(inputs, named, input_types, input_names, function.function_info.get(), nullptr,
                                       function, reference);
  bind_data = function.bind(context, input, types, names);
  return function;
}

}  // namespace lakehouse::query
