#include "ingest/arrow_parquet_file.h"

#include <arrow/api.h>
#include <parquet/arrow/writer.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include <algorithm>

#include "base/arrow_sink.h"
#include "version.h"

namespace lakehouse::ingest {
namespace {

// Longer bounds are not worth their place in the catalog.
constexpr size_t kMaxBoundBytes = 64;

std::shared_ptr<arrow::Schema> SchemaOf(const std::vector<FileColumn>& columns, const arrow::RecordBatch& rows) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < columns.size(); ++i) {
    fields.push_back(
        arrow::field(columns[i].name, rows.column(static_cast<int>(i))->type(), /*nullable=*/true,
                     arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(columns[i].field_id)})));
  }
  return arrow::schema(fields);
}

std::shared_ptr<parquet::WriterProperties> Properties() {
  return parquet::WriterProperties::Builder()
      .version(parquet::ParquetVersion::PARQUET_2_6)
      ->data_page_version(parquet::ParquetDataPageVersion::V1)
      ->compression(parquet::Compression::SNAPPY)
      ->enable_page_checksum()
      ->enable_write_page_index()
      ->created_by(std::string("lakehouse version ") + kVersion)
      ->build();
}

std::optional<std::string> Bound(bool there, const std::string& plain) {
  if (!there || plain.size() > kMaxBoundBytes) return std::nullopt;
  return plain;
}

EncodedChunk FactsOf(const parquet::ColumnChunkMetaData& chunk, ColumnType type) {
  EncodedChunk facts;
  facts.type = type;
  facts.values = chunk.num_values();
  const auto statistics = chunk.statistics();
  if (statistics == nullptr) return facts;
  facts.nulls = statistics->HasNullCount() ? statistics->null_count() : 0;
  if (statistics->HasMinMax()) {
    facts.min = Bound(true, statistics->EncodeMin());
    facts.max = Bound(true, statistics->EncodeMax());
  }
  return facts;
}

// The leaf that is the column itself; nullopt for a nested column.
std::optional<int> FlatLeaf(const parquet::SchemaDescriptor& schema, const std::string& name) {
  for (int i = 0; i < schema.num_columns(); ++i) {
    const auto path = schema.Column(i)->path()->ToDotVector();
    if (path.size() == 1 && path[0] == name) return i;
  }
  return std::nullopt;
}

}  // namespace

bool HasExactTypes(const std::vector<FileColumn>& columns) {
  return std::ranges::any_of(columns, [](const FileColumn& column) { return !column.exact.empty(); });
}

struct ArrowParquetFile::Impl {
  Impl(std::vector<FileColumn> file_columns, ByteSink& sink)
      : columns(std::move(file_columns)), stream(std::make_shared<ArrowSink>(sink)) {}

  Status Checked(const arrow::Status& status) const {
    if (status.ok()) return {};
    if (stream->error()) return Fail(*stream->error());
    if (status.IsOutOfMemory()) return Fail(ErrorKind::kExhausted, "there is no memory to write the Parquet file");
    return Fail(ErrorKind::kInternal, "the Parquet file cannot be written: {}", status.message());
  }

  const std::vector<FileColumn> columns;
  const std::shared_ptr<ArrowSink> stream;
  std::shared_ptr<arrow::Schema> schema;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  uint64_t rows = 0;
};

ArrowParquetFile::ArrowParquetFile(std::vector<FileColumn> columns, ByteSink& sink)
    : impl_(std::make_unique<Impl>(std::move(columns), sink)) {}

ArrowParquetFile::~ArrowParquetFile() = default;

Status ArrowParquetFile::Add(const arrow::RecordBatch& rows) {
  if (impl_->writer == nullptr) {
    impl_->schema = SchemaOf(impl_->columns, rows);
    auto writer = parquet::arrow::FileWriter::Open(*impl_->schema, arrow::default_memory_pool(), impl_->stream,
                                                   Properties(), parquet::default_arrow_writer_properties());
    LH_TRY(impl_->Checked(writer.status()));
    impl_->writer = *std::move(writer);
  }
  const auto table = arrow::Table::Make(impl_->schema, rows.columns(), rows.num_rows());
  LH_TRY(impl_->Checked(impl_->writer->WriteTable(*table, std::max<int64_t>(rows.num_rows(), 1))));
  impl_->rows += static_cast<uint64_t>(rows.num_rows());
  return {};
}

Status ArrowParquetFile::Finish() { return impl_->Checked(impl_->writer->Close()); }

uint64_t ArrowParquetFile::bytes() const { return impl_->stream->bytes(); }

uint64_t ArrowParquetFile::rows() const { return impl_->rows; }

std::vector<catalog::ColumnStats> ArrowParquetFile::Stats() const {
  std::vector<catalog::ColumnStats> stats;
  const auto metadata = impl_->writer->metadata();
  for (const FileColumn& column : impl_->columns) {
    const auto leaf = FlatLeaf(*metadata->schema(), column.name);
    if (!leaf) continue;
    std::vector<EncodedChunk> facts;
    for (int group = 0; group < metadata->num_row_groups(); ++group) {
      facts.push_back(FactsOf(*metadata->RowGroup(group)->ColumnChunk(*leaf), column.type));
      // The bounds of other types have no text form here.
      if (!column.exact.empty()) facts.back().min = facts.back().max = std::nullopt;
    }
    std::vector<const EncodedChunk*> chunks;
    chunks.reserve(facts.size());
    for (const EncodedChunk& chunk : facts) chunks.push_back(&chunk);
    stats.push_back(StatsOf(column, chunks));
  }
  return stats;
}

}  // namespace lakehouse::ingest
