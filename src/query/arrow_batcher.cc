#include "query/arrow_batcher.h"

#include <arrow/array.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace lakehouse::query {
namespace {

// About the bytes of the first `count` values, texts and nested values included.
uint64_t BytesOf(duckdb::Vector& vector, duckdb::idx_t count) {
  const duckdb::LogicalType& type = vector.GetType();
  switch (type.InternalType()) {
    case duckdb::PhysicalType::VARCHAR: {
      duckdb::UnifiedVectorFormat format;
      vector.ToUnifiedFormat(count, format);
      const auto* texts = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
      uint64_t bytes = count * sizeof(int32_t);
      for (duckdb::idx_t i = 0; i < count; ++i) {
        const auto at = format.sel->get_index(i);
        if (format.validity.RowIsValid(at)) bytes += texts[at].GetSize();
      }
      return bytes;
    }
    case duckdb::PhysicalType::LIST:
      return count * sizeof(int32_t) +
             BytesOf(duckdb::ListVector::GetEntry(vector), duckdb::ListVector::GetListSize(vector));
    case duckdb::PhysicalType::ARRAY:
      return BytesOf(duckdb::ArrayVector::GetEntry(vector), duckdb::ArrayVector::GetTotalSize(vector));
    case duckdb::PhysicalType::STRUCT: {
      uint64_t bytes = 0;
      for (auto& child : duckdb::StructVector::GetEntries(vector)) bytes += BytesOf(*child, count);
      return bytes;
    }
    default:
      return count * duckdb::GetTypeIdSize(type.InternalType());
  }
}

// About, and never 0.
uint64_t RowBytes(const duckdb::vector<duckdb::LogicalType>& types) {
  uint64_t bytes = 1;
  for (const auto& type : types) bytes += duckdb::GetTypeIdSize(type.InternalType());
  return bytes;
}

Error NotArrow(const std::exception& caught) {
  const duckdb::ErrorData error(caught);
  if (error.Type() == duckdb::ExceptionType::OUT_OF_MEMORY) {
    return Error{ErrorKind::kExhausted, error.RawMessage(), std::nullopt, {}};
  }
  return Error{ErrorKind::kInvalid,
               "this result cannot be written as Arrow or Parquet: " + duckdb::ErrorData(caught).RawMessage(),
               std::nullopt,
               {}};
}

Status Checked(const arrow::Status& status) {
  if (status.ok()) return {};
  return Fail(ErrorKind::kInvalid, "this result cannot be written as Arrow or Parquet: {}", status.message());
}

}  // namespace

ArrowBatcher::ArrowBatcher(std::shared_ptr<const Shape> shape) : shape_(std::move(shape)) {
  columns_.reserve(shape_->types.size());
  for (size_t i = 0; i < shape_->types.size(); ++i) {
    columns_.push_back(
        ArrowColumn::For(shape_->types[i], shape_->schema->field(static_cast<int>(i))->type(), shape_->expected_rows));
  }
}

ArrowBatcher::~ArrowBatcher() = default;

Result<std::unique_ptr<ArrowBatcher>> ArrowBatcher::Make(const duckdb::vector<std::string>& names,
                                                         const duckdb::vector<duckdb::LogicalType>& types,
                                                         const duckdb::ClientProperties& properties,
                                                         BatchLimits limits) {
  auto shape = std::make_shared<Shape>();
  shape->types = types;
  shape->properties = properties;
  shape->expected_rows = std::min(limits.rows, limits.bytes / RowBytes(types));
  try {
    ArrowSchema exported;
    duckdb::ArrowConverter::ToArrowSchema(&exported, types, names, shape->properties);
    LH_TRY(Checked(arrow::ImportSchema(&exported).Value(&shape->schema)));
    const std::unique_ptr<ArrowBatcher> batcher(new ArrowBatcher(shape));
    arrow::FieldVector other_fields;
    for (size_t i = 0; i < types.size(); ++i) {
      if (batcher->columns_[i]) continue;
      shape->other.push_back(i);
      shape->other_types.push_back(types[i]);
      other_fields.push_back(shape->schema->field(static_cast<int>(i)));
    }
    shape->other_schema = arrow::schema(std::move(other_fields));
    shape->extensions = duckdb::ArrowTypeExtensionData::GetExtensionTypes(
        *shape->properties.client_context.get_mutable(), shape->other_types);
  } catch (const std::exception& caught) {
    return Fail(NotArrow(caught));
  }
  return std::unique_ptr<ArrowBatcher>(new ArrowBatcher(std::move(shape)));
}

std::unique_ptr<ArrowBatcher> ArrowBatcher::Another() const {
  return std::unique_ptr<ArrowBatcher>(new ArrowBatcher(shape_));
}

Status ArrowBatcher::ExportSchema(ArrowSchema* out) const { return Checked(arrow::ExportSchema(*shape_->schema, out)); }

uint64_t ArrowBatcher::bytes() const {
  uint64_t bytes = other_bytes_;
  for (const auto& column : columns_) bytes += column ? column->bytes() : 0;
  return bytes;
}

Status ArrowBatcher::Append(duckdb::DataChunk& chunk) {
  try {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i]) columns_[i]->Append(chunk.data[i], chunk.size());
    }
    if (!shape_->other.empty()) AppendOthers(chunk);
  } catch (const std::exception& caught) {
    return Fail(NotArrow(caught));
  }
  rows_ += chunk.size();
  return {};
}

void ArrowBatcher::AppendOthers(duckdb::DataChunk& chunk) {
  if (!others_) {
    others_ = std::make_unique<duckdb::ArrowAppender>(shape_->other_types, shape_->expected_rows, shape_->properties,
                                                      shape_->extensions);
  }
  duckdb::DataChunk part;
  part.InitializeEmpty(shape_->other_types);
  for (size_t i = 0; i < shape_->other.size(); ++i) part.data[i].Reference(chunk.data[shape_->other[i]]);
  part.SetCardinality(chunk.size());
  for (auto& column : part.data) other_bytes_ += BytesOf(column, part.size());
  others_->Append(part, 0, part.size(), part.size());
}

Status ArrowBatcher::Take(ArrowArray* out) {
  arrow::ArrayVector arrays(columns_.size());
  try {
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i]) arrays[i] = columns_[i]->Take();
    }
    if (others_) {
      ArrowArray exported = others_->Finalize();
      std::shared_ptr<arrow::RecordBatch> part;
      LH_TRY(Checked(arrow::ImportRecordBatch(&exported, shape_->other_schema).Value(&part)));
      for (size_t i = 0; i < shape_->other.size(); ++i) arrays[shape_->other[i]] = part->column(static_cast<int>(i));
    }
  } catch (const std::exception& caught) {
    return Fail(NotArrow(caught));
  }
  const auto batch = arrow::RecordBatch::Make(shape_->schema, static_cast<int64_t>(rows_), std::move(arrays));
  others_.reset();
  rows_ = 0;
  other_bytes_ = 0;
  return Checked(arrow::ExportRecordBatch(*batch, out));
}

}  // namespace lakehouse::query
