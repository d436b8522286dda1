#include "query/arrow_batcher.h"

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

Error NotArrow(const std::exception& caught) {
  return Error{ErrorKind::kInvalid,
               "this result cannot be written as Arrow or Parquet: " + duckdb::ErrorData(caught).RawMessage(),
               std::nullopt,
               {}};
}

}  // namespace

Result<std::unique_ptr<ArrowBatcher>> ArrowBatcher::Make(const duckdb::vector<std::string>& names,
                                                         duckdb::vector<duckdb::LogicalType> types,
                                                         duckdb::ClientProperties properties) {
  std::unique_ptr<ArrowBatcher> batcher(new ArrowBatcher(names, std::move(types), std::move(properties)));
  ArrowSchema schema;
  LH_TRY(batcher->ExportSchema(&schema));
  schema.release(&schema);
  try {
    batcher->extensions_ = duckdb::ArrowTypeExtensionData::GetExtensionTypes(
        *batcher->properties_.client_context.get_mutable(), batcher->types_);
  } catch (const std::exception& caught) {
    return Fail(NotArrow(caught));
  }
  return batcher;
}

Status ArrowBatcher::ExportSchema(ArrowSchema* out) {
  try {
    duckdb::ArrowConverter::ToArrowSchema(out, types_, names_, properties_);
  } catch (const std::exception& caught) {
    return Fail(NotArrow(caught));
  }
  return {};
}

Status ArrowBatcher::Append(duckdb::DataChunk& chunk, uint64_t batch_rows) {
  try {
    if (!appender_) {
      appender_ = std::make_unique<duckdb::ArrowAppender>(types_, batch_rows, properties_, extensions_);
    }
    for (auto& column : chunk.data) bytes_ += BytesOf(column, chunk.size());
    appender_->Append(chunk, 0, chunk.size(), chunk.size());
  } catch (const std::exception& caught) {
    return Fail(NotArrow(caught));
  }
  rows_ += chunk.size();
  return {};
}

Status ArrowBatcher::Take(ArrowArray* out) {
  try {
    *out = appender_->Finalize();
  } catch (const std::exception& caught) {
    return Fail(NotArrow(caught));
  }
  appender_.reset();
  rows_ = 0;
  bytes_ = 0;
  return {};
}

}  // namespace lakehouse::query
