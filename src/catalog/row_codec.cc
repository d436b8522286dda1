#include "catalog/row_codec.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include <charconv>

#include "base/hash.h"

namespace lakehouse::catalog {
namespace {

constexpr int64_t kMaxRows = 200'000'000;
constexpr char kVersionKey[] = "lakehouse.catalog.version";
constexpr char kTitleKey[] = "lakehouse.catalog.title";
constexpr char kChecksumKey[] = "lakehouse.catalog.xxh3";

// Every column once: its name and the field of a row that it holds.
struct TextColumn {
  const char* name;
  std::string Row::* field;
};
struct IntColumn {
  const char* name;
  int64_t Row::* field;
};
constexpr IntColumn kInts[] = {{"entry", &Row::entry},
                               {"seq", &Row::seq},
                               {"committed_at_us", &Row::committed_at_us},
                               {"version", &Row::version},
                               {"row_count", &Row::row_count},
                               {"flags", &Row::flags},
                               {"position", &Row::position},
                               {"object_size", &Row::object_size},
                               {"object_rows", &Row::object_rows}};
constexpr TextColumn kTexts[] = {{"kind", &Row::kind},
                                 {"commit_id", &Row::commit_id},
                                 {"name", &Row::name},
                                 {"dataset_id", &Row::dataset_id},
                                 {"table_uuid", &Row::table_uuid},
                                 {"schema_fingerprint", &Row::fingerprint},
                                 {"schema_json", &Row::schema_json},
                                 {"source_sha256", &Row::source_sha256},
                                 {"mode", &Row::mode},
                                 {"object_key", &Row::object_key},
                                 {"object_stats_json", &Row::object_stats_json},
                                 {"extension_json", &Row::extension_json}};

Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return {};
  return Fail(ErrorKind::kInternal, "{}", status.message());
}

std::string Checksum(const std::vector<Row>& rows) {
  Xxh3_128 hash;
  for (const Row& row : rows) {
    std::string all;
    for (const IntColumn& column : kInts) all += std::to_string(row.*column.field) + "\x1f";
    for (const TextColumn& column : kTexts) all += row.*column.field + "\x1f";
    all += '\x1e';
    hash.Update(all);
  }
  return hash.FinishHex();
}

Result<std::shared_ptr<arrow::Table>> ToTable(std::string_view title, const std::vector<Row>& rows) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const IntColumn& column : kInts) {
    arrow::Int64Builder builder;
    LH_TRY(FromArrow(builder.Reserve(static_cast<int64_t>(rows.size()))));
    for (const Row& row : rows) {
      const int64_t value = row.*column.field;
      LH_TRY(FromArrow(value == -1 ? builder.AppendNull() : builder.Append(value)));
    }
    fields.push_back(arrow::field(column.name, arrow::int64()));
    LH_TRY(FromArrow(builder.Finish(&arrays.emplace_back())));
  }
  for (const TextColumn& column : kTexts) {
    arrow::StringBuilder builder;
    for (const Row& row : rows) {
      const std::string& value = row.*column.field;
      LH_TRY(FromArrow(value.empty() ? builder.AppendNull() : builder.Append(value)));
    }
    fields.push_back(arrow::field(column.name, arrow::utf8()));
    LH_TRY(FromArrow(builder.Finish(&arrays.emplace_back())));
  }
  const auto metadata = arrow::key_value_metadata({kVersionKey, kTitleKey, kChecksumKey},
                                                  {std::to_string(kFormatVersion), std::string(title), Checksum(rows)});
  return arrow::Table::Make(arrow::schema(fields, metadata), arrays, static_cast<int64_t>(rows.size()));
}

Status CheckMetadata(std::string_view title, const std::shared_ptr<const arrow::KeyValueMetadata>& metadata,
                     std::string& checksum) {
  const auto get = [&](const char* key) -> std::string {
    if (metadata == nullptr) return {};
    auto value = metadata->Get(key);
    return value.ok() ? *value : std::string();
  };
  const std::string version = get(kVersionKey);
  int number = 0;
  std::from_chars(version.data(), version.data() + version.size(), number);
  if (number < 1) return Fail(ErrorKind::kInternal, "it is no object of this catalog");
  if (number > kFormatVersion) {
    return Fail(ErrorKind::kInternal, "it has the layout version {}, and this program knows {}: update the program",
                number, kFormatVersion);
  }
  if (get(kTitleKey) != title) return Fail(ErrorKind::kInternal, "it belongs to another name");
  checksum = get(kChecksumKey);
  return {};
}

template <typename ArrayType, typename Set>
Status ReadColumn(const arrow::Table& table, const char* name, arrow::Type::type type, const Set& set) {
  const auto column = table.GetColumnByName(name);
  if (column == nullptr || column->type()->id() != type)
    return Fail(ErrorKind::kInternal, "its column {} is missing or of another type", name);
  size_t row = 0;
  for (const auto& chunk : column->chunks()) {
    LH_TRY(FromArrow(chunk->ValidateFull()));
    const auto& array = static_cast<const ArrayType&>(*chunk);
    for (int64_t i = 0; i < array.length(); ++i, ++row) {
      if (!array.IsNull(i)) set(row, array.GetView(i));
    }
  }
  return {};
}

Result<std::vector<Row>> FromTable(const arrow::Table& table) {
  std::vector<Row> rows(static_cast<size_t>(table.num_rows()));
  for (const IntColumn& column : kInts) {
    LH_TRY(ReadColumn<arrow::Int64Array>(table, column.name, arrow::Type::INT64,
                                         [&](size_t row, int64_t value) { rows[row].*column.field = value; }));
  }
  for (const TextColumn& column : kTexts) {
    LH_TRY(
        ReadColumn<arrow::StringArray>(table, column.name, arrow::Type::STRING,
                                       [&](size_t row, std::string_view value) { rows[row].*column.field = value; }));
  }
  return rows;
}

Result<std::vector<Row>> Decode(std::string_view title, std::string_view bytes) {
  auto buffer = std::make_shared<arrow::Buffer>(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int64_t>(bytes.size()));
  parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  LH_TRY(FromArrow(builder.Open(std::make_shared<arrow::io::BufferReader>(buffer), properties)));
  std::unique_ptr<parquet::arrow::FileReader> reader;
  LH_TRY(FromArrow(builder.Build(&reader)));
  const auto metadata = reader->parquet_reader()->metadata();
  if (metadata->num_rows() < 0 || metadata->num_rows() > kMaxRows)
    return Fail(ErrorKind::kInternal, "it claims {} rows", metadata->num_rows());
  std::string checksum;
  LH_TRY(CheckMetadata(title, metadata->key_value_metadata(), checksum));
  auto table = reader->ReadTable();
  if (!table.ok()) return Fail(ErrorKind::kInternal, "{}", table.status().message());
  LH_ASSIGN(auto rows, FromTable(**table));
  if (Checksum(rows) != checksum) return Fail(ErrorKind::kInternal, "its checksum does not match its rows");
  return rows;
}

}  // namespace

Result<std::string> EncodeRows(std::string_view title, const std::vector<Row>& rows) {
  LH_ASSIGN(const auto table, ToTable(title, rows));
  auto sink = arrow::io::BufferOutputStream::Create();
  if (!sink.ok()) return Fail(ErrorKind::kInternal, "{}", sink.status().message());
  parquet::WriterProperties::Builder properties;
  properties.compression(arrow::Compression::SNAPPY)
      ->enable_page_checksum()
      ->created_by("lakehouse")
      ->disable_statistics();
  parquet::ArrowWriterProperties::Builder arrow_properties;
  LH_TRY(FromArrow(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), *sink, 1 << 20, properties.build(),
                                              arrow_properties.store_schema()->build())));
  auto buffer = (*sink)->Finish();
  if (!buffer.ok()) return Fail(ErrorKind::kInternal, "{}", buffer.status().message());
  return (*buffer)->ToString();
}

Result<std::vector<Row>> DecodeRows(std::string_view title, std::string_view bytes) {
  try {
    return Decode(title, bytes);
  } catch (const std::exception& error) {
    return Fail(ErrorKind::kInternal, "it is damaged: {}", error.what());
  }
}

}  // namespace lakehouse::catalog
