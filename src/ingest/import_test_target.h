// For the tests of the three imports: what an import makes, as a file in memory that another reader reads. Not for
// sharing between threads.
#pragma once

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/arrow_parquet_file.h"
#include "ingest/table_import.h"

namespace lakehouse::ingest {

// One Parquet file in memory.
class MemoryTarget final : public ImportTarget {
 public:
  Status Begin(const ImportSchema& new_schema) override {
    schema = new_schema;
    bytes.clear();
    encoded_.reset();
    typed_.reset();
    if (HasExactTypes(schema.columns)) {
      typed_.emplace(schema.columns, sink_);
    } else {
      encoded_.emplace(schema.columns, sink_);
    }
    return {};
  }
  Status Add(const EncodedRowGroup& group) override { return encoded_->Add(group); }
  Status AddBatch(const arrow::RecordBatch& rows) override { return typed_->Add(rows); }
  Status Finish() { return file().Finish(); }
  std::vector<catalog::ColumnStats> Stats() { return file().Stats(); }
  ImportSchema schema;
  std::string bytes;

 private:
  ParquetOutput& file() { return typed_ ? static_cast<ParquetOutput&>(*typed_) : *encoded_; }

  StringSink sink_{bytes};
  std::optional<ParquetFile> encoded_;
  std::optional<ArrowParquetFile> typed_;
};

// Nothing where Arrow does not read it.
inline std::shared_ptr<arrow::Table> ReadParquet(const std::string& bytes) {
  parquet::ReaderProperties properties;
  properties.set_page_checksum_verification(true);
  parquet::arrow::FileReaderBuilder builder;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  if (!builder.Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes)), properties).ok() ||
      !builder.Build(&reader).ok())
    return nullptr;
  const auto table = reader->ReadTable();
  return table.ok() && (*table)->ValidateFull().ok() ? *table : nullptr;
}

struct Imported {
  ImportSchema schema;
  std::string bytes;
  std::vector<catalog::ColumnStats> stats;
  std::vector<std::string> types() const {
    std::vector<std::string> names;
    names.reserve(schema.columns.size());
    for (const FileColumn& column : schema.columns) names.emplace_back(column.type_name());
    return names;
  }
  // Name and type of each.
  std::vector<std::string> columns() const {
    std::vector<std::string> names;
    names.reserve(schema.columns.size());
    for (const FileColumn& column : schema.columns)
      names.push_back(column.name + " " + std::string(column.type_name()));
    return names;
  }
  // Each column's values as texts.
  std::vector<std::vector<std::string>> Values() const {
    std::vector<std::vector<std::string>> values;
    const auto table = ReadParquet(bytes);
    if (table == nullptr) return values;
    for (const auto& column : table->columns()) {
      auto& texts = values.emplace_back();
      for (int64_t i = 0; i < column->length(); ++i) texts.push_back((*column->GetScalar(i))->ToString());
    }
    return values;
  }
};

// What `import` (a Status from a MemoryTarget&) makes.
template <typename ImportInto>
Result<Imported> ImportedBy(const ImportInto& import) {
  MemoryTarget target;
  LH_TRY(import(target));
  LH_TRY(target.Finish());
  return Imported{target.schema, target.bytes, target.Stats()};
}

}  // namespace lakehouse::ingest
