#include "query/vector_rows.h"

#include <algorithm>

#include "query/lake_state.h"

namespace lakehouse::query {
namespace {

void FillText(std::span<const VectorRow> rows, duckdb::Vector& out,
              const std::string* (*text_of)(const VectorRow& row)) {
  auto* values = duckdb::FlatVector::GetData<duckdb::string_t>(out);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string* text = text_of(rows[i]);
    if (text == nullptr) {
      duckdb::FlatVector::SetNull(out, i, true);
    } else {
      values[i] = duckdb::StringVector::AddString(out, *text);
    }
  }
}

void FillFloat(std::span<const VectorRow> rows, duckdb::Vector& out, float VectorRow::* field) {
  auto* values = duckdb::FlatVector::GetData<float>(out);
  for (size_t i = 0; i < rows.size(); ++i) values[i] = rows[i].*field;
}

void FillVectors(std::span<const VectorRow> rows, duckdb::Vector& out) {
  const auto dimension = duckdb::ArrayType::GetSize(out.GetType());
  auto* values = duckdb::FlatVector::GetData<float>(duckdb::ArrayVector::GetEntry(out));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].vector.size() != dimension) {
      throw duckdb::InvalidInputException("the vector index was made anew with another dimension; ask again");
    }
    std::ranges::copy(rows[i].vector, values + i * dimension);
  }
}

}  // namespace

duckdb::LogicalType TypeOf(VectorColumn column, uint32_t dimension) {
  switch (column) {
    case VectorColumn::kId:
      return duckdb::LogicalType::VARCHAR;
    case VectorColumn::kDistance:
    case VectorColumn::kScore:
      return duckdb::LogicalType::FLOAT;
    case VectorColumn::kMetadata:
      return duckdb::LogicalType::JSON();
    case VectorColumn::kVector:
      return duckdb::LogicalType::ARRAY(duckdb::LogicalType::FLOAT, dimension);
  }
  return duckdb::LogicalType::SQLNULL;
}

const char* NameOf(VectorColumn column) {
  switch (column) {
    case VectorColumn::kId:
      return "id";
    case VectorColumn::kDistance:
      return "distance";
    case VectorColumn::kScore:
      return "score";
    case VectorColumn::kMetadata:
      return "metadata";
    case VectorColumn::kVector:
      return "vector";
  }
  return "";
}

VectorColumns NeededOf(std::span<const VectorColumn> columns, const duckdb::vector<duckdb::column_t>& wanted) {
  const auto needs = [&](VectorColumn column) {
    return std::ranges::any_of(wanted, [&](auto place) { return place < columns.size() && columns[place] == column; });
  };
  return {.vector = needs(VectorColumn::kVector), .metadata = needs(VectorColumn::kMetadata)};
}

void FillChunk(std::span<const VectorColumn> columns, const duckdb::vector<duckdb::column_t>& wanted,
               std::span<const VectorRow> rows, duckdb::DataChunk& output) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    duckdb::Vector& out = output.data[i];
    if (wanted[i] >= columns.size()) {
      // A row number that nobody can see.
      out.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
      duckdb::ConstantVector::SetNull(out, true);
      continue;
    }
    switch (columns[wanted[i]]) {
      case VectorColumn::kId:
        FillText(rows, out, [](const VectorRow& row) { return &row.id; });
        break;
      case VectorColumn::kMetadata:
        FillText(rows, out, [](const VectorRow& row) { return row.metadata ? &*row.metadata : nullptr; });
        break;
      case VectorColumn::kDistance:
        FillFloat(rows, out, &VectorRow::distance);
        break;
      case VectorColumn::kScore:
        FillFloat(rows, out, &VectorRow::score);
        break;
      case VectorColumn::kVector:
        FillVectors(rows, out);
        break;
    }
  }
  output.SetCardinality(rows.size());
}

void Throw(duckdb::ClientContext& context, const Error& error) {
  LakeState::Of(context)->NoteError(error);
  throw duckdb::InvalidInputException(error.detail);
}

VectorSource& SourceOf(duckdb::ClientContext& context) {
  VectorSource* source = LakeState::Of(context)->vectors();
  if (source == nullptr) throw duckdb::BinderException("there are no vector indexes here");
  return *source;
}

}  // namespace lakehouse::query
