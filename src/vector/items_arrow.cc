#include "vector/items_arrow.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>

#include <limits>

#include "vector/batch.h"
#include "vector/items_arrow_internal.h"

namespace lakehouse::vector {
namespace {

std::unexpected<Error> WrongColumn(std::string_view name, std::string_view wanted) {
  return Fail(ErrorKind::kInvalid, "column \"{}\" must be there and hold {}", name, wanted);
}

// Row `row` of a column of texts; nullopt for NULL and for a column that is not there.
Result<std::optional<std::string>> TextAt(const arrow::Array* column, std::string_view name, int64_t row) {
  if (column == nullptr || column->IsNull(row)) return std::nullopt;
  switch (column->type_id()) {
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(*column).GetString(row);
    case arrow::Type::LARGE_STRING:
      return static_cast<const arrow::LargeStringArray&>(*column).GetString(row);
    default:
      return WrongColumn(name, "strings");
  }
}

struct Span {
  int64_t from = 0, count = 0;
  const arrow::Array* values = nullptr;
};

// Where row `row` of a column of lists lies in its values.
Result<Span> ListAt(const arrow::Array& column, int64_t row) {
  switch (column.type_id()) {
    case arrow::Type::LIST: {
      const auto& lists = static_cast<const arrow::ListArray&>(column);
      return Span{lists.value_offset(row), lists.value_length(row), lists.values().get()};
    }
    case arrow::Type::LARGE_LIST: {
      const auto& lists = static_cast<const arrow::LargeListArray&>(column);
      return Span{lists.value_offset(row), lists.value_length(row), lists.values().get()};
    }
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& lists = static_cast<const arrow::FixedSizeListArray&>(column);
      return Span{lists.value_offset(row), lists.value_length(), lists.values().get()};
    }
    default:
      return WrongColumn("vector", "lists of float or double");
  }
}

Result<std::shared_ptr<arrow::Buffer>> WriteStream(const arrow::RecordBatch& batch) {
  LH_ASSIGN(auto sink, FromArrow(arrow::io::BufferOutputStream::Create()));
  LH_ASSIGN(auto writer, FromArrow(arrow::ipc::MakeStreamWriter(sink, batch.schema())));
  LH_TRY(FromArrow(writer->WriteRecordBatch(batch)));
  LH_TRY(FromArrow(writer->Close()));
  return FromArrow(sink->Finish());
}

// Columns of hits, built row by row.
class HitBuilders {
 public:
  Status Add(uint32_t search, const Hit& hit) {
    LH_TRY(FromArrow(searches_.Append(search)));
    LH_TRY(FromArrow(ids_.Append(hit.id)));
    LH_TRY(FromArrow(distances_.Append(hit.distance)));
    LH_TRY(FromArrow(hit.metadata ? metadata_.Append(*hit.metadata) : metadata_.AppendNull()));
    if (hit.vector.empty()) return FromArrow(vectors_.AppendNull());
    LH_TRY(FromArrow(vectors_.Append()));
    return FromArrow(values_->AppendValues(hit.vector.data(), static_cast<int64_t>(hit.vector.size())));
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Finish(bool batch, bool with_vectors) {
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    const auto add = [&](const char* name, arrow::ArrayBuilder& builder, bool wanted) -> Status {
      LH_ASSIGN(auto column, FromArrow(builder.Finish()));
      if (!wanted) return {};
      fields.push_back(arrow::field(name, column->type()));
      columns.push_back(std::move(column));
      return {};
    };
    LH_TRY(add("search", searches_, batch));
    LH_TRY(add("id", ids_, true));
    LH_TRY(add("distance", distances_, true));
    LH_TRY(add("metadata", metadata_, true));
    LH_TRY(add("vector", vectors_, with_vectors));
    const int64_t rows = columns.front()->length();
    return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows, std::move(columns));
  }

 private:
  arrow::UInt32Builder searches_;
  arrow::StringBuilder ids_, metadata_;
  arrow::FloatBuilder distances_;
  std::shared_ptr<arrow::FloatBuilder> values_ = std::make_shared<arrow::FloatBuilder>();
  arrow::ListBuilder vectors_{arrow::default_memory_pool(), values_};
};

}  // namespace

Result<std::shared_ptr<arrow::Array>> ColumnOf(const arrow::Table& table, const std::string& name) {
  const auto column = table.GetColumnByName(name);
  if (!column) return nullptr;
  if (column->num_chunks() == 1) return column->chunk(0);
  return FromArrow(arrow::Concatenate(column->chunks()));
}

Status AppendVector(const arrow::Array& column, int64_t row, uint32_t dimension, std::vector<float>& out) {
  if (column.IsNull(row)) return Fail(ErrorKind::kInvalid, "row {} has no vector", row);
  LH_ASSIGN(const Span span, ListAt(column, row));
  if (span.count != static_cast<int64_t>(dimension)) {
    return Fail(ErrorKind::kInvalid, "row {}: the vector has {} dimensions; the index has {}", row, span.count,
                dimension);
  }
  for (int64_t i = span.from; i < span.from + span.count; ++i) {
    if (span.values->IsNull(i)) return Fail(ErrorKind::kInvalid, "row {}: vector[{}] is NULL", row, i - span.from);
    if (span.values->type_id() == arrow::Type::FLOAT) {
      out.push_back(static_cast<const arrow::FloatArray&>(*span.values).Value(i));
    } else if (span.values->type_id() == arrow::Type::DOUBLE) {
      // Past float's range this becomes infinite, which the batch's check names.
      out.push_back(static_cast<float>(static_cast<const arrow::DoubleArray&>(*span.values).Value(i)));
    } else {
      return WrongColumn("vector", "lists of float or double");
    }
  }
  return {};
}

Result<Batch> BatchOf(const IndexOptions& options, const arrow::Table& table) {
  Batch batch;
  if (table.num_rows() == 0) return batch;
  LH_ASSIGN(const auto ids, ColumnOf(table, "id"));
  LH_ASSIGN(const auto vectors, ColumnOf(table, "vector"));
  LH_ASSIGN(const auto metadata, ColumnOf(table, "metadata"));
  if (!ids) return WrongColumn("id", "strings");
  if (!vectors) return WrongColumn("vector", "lists of float or double");
  for (int64_t row = 0; row < table.num_rows(); ++row) {
    LH_ASSIGN(auto id, TextAt(ids.get(), "id", row));
    if (!id) return Fail(ErrorKind::kInvalid, "row {} has no id", row);
    batch.ids.push_back(*std::move(id));
    LH_TRY(AppendVector(*vectors, row, options.dimension, batch.vectors));
    LH_ASSIGN(auto text, TextAt(metadata.get(), "metadata", row));
    if (text) {
      const auto parsed = ParseMetadata(*text);
      if (!parsed || !parsed->is_object()) {
        return Fail(ErrorKind::kInvalid, "row {}: the metadata is not a JSON object", row);
      }
    }
    batch.metadata.push_back(std::move(text));
  }
  LH_TRY(CheckBatch(options, batch));
  return batch;
}

Result<std::shared_ptr<arrow::Table>> TableOfStream(std::string_view stream) {
  auto source = std::make_shared<arrow::io::BufferReader>(
      std::make_shared<arrow::Buffer>(reinterpret_cast<const uint8_t*>(stream.data()), stream.size()));
  LH_ASSIGN(auto reader, FromArrow(arrow::ipc::RecordBatchStreamReader::Open(source)));
  LH_ASSIGN(auto table, FromArrow(reader->ToTable()));
  // Offsets and lengths are the sender's word until this has passed.
  LH_TRY(FromArrow(table->ValidateFull()));
  return table;
}

Result<Batch> DecodeArrowItems(const IndexOptions& options, std::string_view stream) {
  LH_ASSIGN(const auto table, TableOfStream(stream));
  LH_ASSIGN(auto batch, BatchOf(options, *table));
  LH_TRY(CheckRequestSize(batch));
  return batch;
}

Result<SearchesRequest> DecodeArrowSearches(const IndexOptions& options, const SearchRequest& search,
                                            std::string_view stream) {
  LH_ASSIGN(const auto table, TableOfStream(stream));
  LH_TRY(CheckSearchCount(static_cast<size_t>(table->num_rows())));
  SearchesRequest searches{{}, true};
  if (table->num_rows() == 0) return searches;
  LH_ASSIGN(const auto vectors, ColumnOf(*table, "vector"));
  if (!vectors) return WrongColumn("vector", "lists of float or double");
  for (int64_t row = 0; row < table->num_rows(); ++row) {
    auto& request = searches.requests.emplace_back(search);
    LH_TRY(AppendVector(*vectors, row, options.dimension, request.vector));
  }
  return searches;
}

Result<std::string> EncodeArrowHits(const std::vector<SearchRequest>& requests,
                                    const std::vector<SearchAnswer>& answers, bool batch) {
  HitBuilders builders;
  bool with_vectors = false;
  for (size_t i = 0; i < answers.size(); ++i) {
    with_vectors |= requests[i].include_vector;
    for (const Hit& hit : answers[i].hits) LH_TRY(builders.Add(static_cast<uint32_t>(i), hit));
  }
  LH_ASSIGN(const auto columns, builders.Finish(batch, with_vectors));
  LH_ASSIGN(const auto buffer, WriteStream(*columns));
  return buffer->ToString();
}

}  // namespace lakehouse::vector
