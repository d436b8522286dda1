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

constexpr int64_t kMaxGroupRows = 1 << 20;
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

class Checksum {
 public:
  void Add(const Row& row) {
    text_.clear();
    for (const IntColumn& column : kInts) {
      char digits[24];
      const char* end = std::to_chars(digits, digits + sizeof(digits), row.*column.field).ptr;
      text_.append(digits, static_cast<size_t>(end - digits)).push_back('\x1f');
    }
    for (const TextColumn& column : kTexts) text_.append(row.*column.field).push_back('\x1f');
    text_ += '\x1e';
    hash_.Update(text_);
  }
  std::string Finish() { return hash_.FinishHex(); }

 private:
  Xxh3_128 hash_;
  std::string text_;
};

std::shared_ptr<arrow::Schema> RowSchema() {
  arrow::FieldVector fields;
  for (const IntColumn& column : kInts) fields.push_back(arrow::field(column.name, arrow::int64()));
  for (const TextColumn& column : kTexts) fields.push_back(arrow::field(column.name, arrow::utf8()));
  return arrow::schema(fields);
}

Result<std::shared_ptr<arrow::Table>> ToTable(const std::shared_ptr<arrow::Schema>& schema,
                                              const std::vector<Row>& rows) {
  arrow::ArrayVector arrays;
  for (const IntColumn& column : kInts) {
    arrow::Int64Builder builder;
    LH_TRY(FromArrow(builder.Reserve(static_cast<int64_t>(rows.size()))));
    for (const Row& row : rows) {
      const int64_t value = row.*column.field;
      LH_TRY(FromArrow(value == -1 ? builder.AppendNull() : builder.Append(value)));
    }
    LH_TRY(FromArrow(builder.Finish(&arrays.emplace_back())));
  }
  for (const TextColumn& column : kTexts) {
    arrow::StringBuilder builder;
    for (const Row& row : rows) {
      const std::string& value = row.*column.field;
      LH_TRY(FromArrow(value.empty() ? builder.AppendNull() : builder.Append(value)));
    }
    LH_TRY(FromArrow(builder.Finish(&arrays.emplace_back())));
  }
  return arrow::Table::Make(schema, arrays, static_cast<int64_t>(rows.size()));
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
  if (column->length() != table.num_rows())
    return Fail(ErrorKind::kInternal, "its column {} has {} values for {} rows", name, column->length(),
                table.num_rows());
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

Result<std::vector<Row>> ReadGroup(parquet::arrow::FileReader& reader, int group, int64_t wanted) {
  const auto table = reader.ReadRowGroup(group);
  if (!table.ok()) return Fail(ErrorKind::kInternal, "{}", table.status().message());
  if ((*table)->num_rows() != wanted) {
    return Fail(ErrorKind::kInternal, "its row group {} has {} rows instead of {}", group, (*table)->num_rows(),
                wanted);
  }
  return FromTable(**table);
}

Status Read(std::string_view title, std::string_view bytes, const std::function<Status(const Row&)>& take) {
  auto buffer = std::make_shared<arrow::Buffer>(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int64_t>(bytes.size()));
  parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  LH_TRY(FromArrow(builder.Open(std::make_shared<arrow::io::BufferReader>(buffer), properties)));
  std::unique_ptr<parquet::arrow::FileReader> reader;
  LH_TRY(FromArrow(builder.Build(&reader)));
  const auto metadata = reader->parquet_reader()->metadata();
  std::string checksum;
  LH_TRY(CheckMetadata(title, metadata->key_value_metadata(), checksum));
  Checksum found;
  for (int group = 0; group < metadata->num_row_groups(); ++group) {
    const int64_t claimed = metadata->RowGroup(group)->num_rows();
    if (claimed < 0 || claimed > kMaxGroupRows)
      return Fail(ErrorKind::kInternal, "its row group {} claims {} rows", group, claimed);
    LH_ASSIGN(const auto rows, ReadGroup(*reader, group, claimed));
    for (const Row& row : rows) {
      found.Add(row);
      LH_TRY(take(row));
    }
  }
  if (found.Finish() != checksum) return Fail(ErrorKind::kInternal, "its checksum does not match its rows");
  return {};
}

}  // namespace

struct RowWriter::Impl {
  std::string title;
  std::shared_ptr<arrow::Schema> schema = RowSchema();
  std::shared_ptr<arrow::io::BufferOutputStream> sink;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  std::vector<Row> rows;
  Checksum checksum;

  Status Flush() {
    LH_ASSIGN(const auto table, ToTable(schema, rows));
    rows.clear();
    return FromArrow(writer->WriteTable(*table, static_cast<int64_t>(kRowsPerGroup)));
  }
};

RowWriter::RowWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RowWriter::~RowWriter() = default;

Result<std::unique_ptr<RowWriter>> RowWriter::Open(std::string_view title) {
  auto impl = std::make_unique<Impl>();
  impl->title = title;
  auto sink = arrow::io::BufferOutputStream::Create();
  if (!sink.ok()) return Fail(ErrorKind::kInternal, "{}", sink.status().message());
  impl->sink = std::move(*sink);
  parquet::WriterProperties::Builder properties;
  properties.compression(arrow::Compression::SNAPPY)
      ->enable_page_checksum()
      ->created_by("lakehouse")
      ->disable_statistics();
  parquet::ArrowWriterProperties::Builder arrow_properties;
  auto writer = parquet::arrow::FileWriter::Open(*impl->schema, arrow::default_memory_pool(), impl->sink,
                                                 properties.build(), arrow_properties.store_schema()->build());
  if (!writer.ok()) return Fail(ErrorKind::kInternal, "{}", writer.status().message());
  impl->writer = std::move(*writer);
  return std::unique_ptr<RowWriter>(new RowWriter(std::move(impl)));
}

Status RowWriter::Add(Row row) {
  impl_->checksum.Add(row);
  impl_->rows.push_back(std::move(row));
  return impl_->rows.size() < kRowsPerGroup ? Status() : impl_->Flush();
}

Result<std::string> RowWriter::Finish() {
  if (!impl_->rows.empty()) LH_TRY(impl_->Flush());
  LH_TRY(FromArrow(impl_->writer->AddKeyValueMetadata(
      arrow::key_value_metadata({kVersionKey, kTitleKey, kChecksumKey},
                                {std::to_string(kFormatVersion), impl_->title, impl_->checksum.Finish()}))));
  LH_TRY(FromArrow(impl_->writer->Close()));
  auto buffer = impl_->sink->Finish();
  if (!buffer.ok()) return Fail(ErrorKind::kInternal, "{}", buffer.status().message());
  return (*buffer)->ToString();
}

Status ReadRows(std::string_view title, std::string_view bytes, const std::function<Status(const Row&)>& take) {
  try {
    return Read(title, bytes, take);
  } catch (const std::exception& error) {
    return Fail(ErrorKind::kInternal, "it is damaged: {}", error.what());
  }
}

}  // namespace lakehouse::catalog
