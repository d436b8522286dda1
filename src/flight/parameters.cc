#include "flight/parameters.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "flight/status.h"

namespace lakehouse::flight {
namespace {

using query::Parameter;

// The type that SQL has for what only a text can carry; empty for all others.
std::string SqlType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::UINT64:
      return "UBIGINT";
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return fmt::format("DECIMAL({},{})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return "DATE";
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return "TIME";
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      if (!timestamp.timezone().empty()) return "TIMESTAMPTZ";
      return timestamp.unit() == arrow::TimeUnit::NANO ? "TIMESTAMP_NS" : "TIMESTAMP";
    }
    case arrow::Type::DURATION:
      return "INTERVAL";
    default:
      return {};
  }
}

// The type of a NULL.
std::string NullType(const arrow::DataType& type) {
  if (auto sql = SqlType(type); !sql.empty()) return sql;
  if (arrow::is_integer(type.id())) return "BIGINT";
  if (arrow::is_floating(type.id())) return "DOUBLE";
  if (type.id() == arrow::Type::BOOL) return "BOOLEAN";
  if (arrow::is_string(type.id()) || type.id() == arrow::Type::STRING_VIEW) return "VARCHAR";
  return "BLOB";
}

std::string IntervalText(const arrow::DurationScalar& value) {
  switch (static_cast<const arrow::DurationType&>(*value.type).unit()) {
    case arrow::TimeUnit::SECOND:
      return fmt::format("{} seconds", value.value);
    case arrow::TimeUnit::MILLI:
      return fmt::format("{} milliseconds", value.value);
    case arrow::TimeUnit::MICRO:
      return fmt::format("{} microseconds", value.value);
    default:
      return fmt::format("{} microseconds", value.value / 1000);
  }
}

Result<Parameter> ToParameter(const arrow::Scalar& scalar);

Result<Parameter> Inner(const arrow::Scalar& scalar) {
  switch (scalar.type->id()) {
    case arrow::Type::DICTIONARY: {
      auto value = static_cast<const arrow::DictionaryScalar&>(scalar).GetEncodedValue();
      LH_ARROW_TRY("a bound parameter", value.status());
      return ToParameter(**value);
    }
    case arrow::Type::DENSE_UNION:
      return ToParameter(*static_cast<const arrow::DenseUnionScalar&>(scalar).value);
    case arrow::Type::SPARSE_UNION: {
      const auto& chosen = static_cast<const arrow::SparseUnionScalar&>(scalar);
      return ToParameter(*chosen.value[static_cast<size_t>(chosen.child_id)]);
    }
    default:
      return Fail(ErrorKind::kInvalid,
                  "values of Arrow's type {} cannot be bound; bind them as text and cast them in the SQL",
                  scalar.type->ToString());
  }
}

Result<Parameter> ToParameter(const arrow::Scalar& scalar) {
  const arrow::DataType& type = *scalar.type;
  const arrow::Type::type id = type.id();
  if (id == arrow::Type::NA) return Parameter(std::monostate());
  const bool is_text = arrow::is_string(id) || id == arrow::Type::STRING_VIEW;
  const bool is_bytes = arrow::is_binary(id) || id == arrow::Type::BINARY_VIEW || id == arrow::Type::FIXED_SIZE_BINARY;
  const std::string sql = SqlType(type);
  const bool known =
      is_text || is_bytes || !sql.empty() || id == arrow::Type::BOOL || arrow::is_integer(id) || arrow::is_floating(id);
  if (!known) return Inner(scalar);
  if (!scalar.is_valid) return Parameter(query::TypedText{NullType(type), std::nullopt});
  if (is_text || is_bytes) {
    const auto view = static_cast<const arrow::BaseBinaryScalar&>(scalar).view();
    if (is_text) return Parameter(std::string(view));
    return Parameter(query::Blob{std::string(view)});
  }
  if (id == arrow::Type::DURATION) {
    return Parameter(query::TypedText{sql, IntervalText(static_cast<const arrow::DurationScalar&>(scalar))});
  }
  if (!sql.empty()) return Parameter(query::TypedText{sql, scalar.ToString()});
  if (id == arrow::Type::BOOL) return Parameter(static_cast<const arrow::BooleanScalar&>(scalar).value);
  auto wide = scalar.CastTo(arrow::is_integer(id) ? arrow::int64() : arrow::float64());
  LH_ARROW_TRY("a bound parameter", wide.status());
  if (arrow::is_integer(id)) return Parameter(static_cast<const arrow::Int64Scalar&>(**wide).value);
  return Parameter(static_cast<const arrow::DoubleScalar&>(**wide).value);
}

}  // namespace

Status AppendParameterRows(const arrow::RecordBatch& batch, std::vector<std::vector<Parameter>>& rows) {
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    std::vector<Parameter>& values = rows.emplace_back();
    for (int column = 0; column < batch.num_columns(); ++column) {
      const auto scalar = batch.column(column)->GetScalar(row);
      LH_ARROW_TRY("a bound parameter", scalar.status());
      auto value = ToParameter(**scalar);
      if (!value) {
        return Fail(std::move(value).error().In(fmt::format("parameter {}, row {}", column + 1, rows.size())));
      }
      values.push_back(*std::move(value));
    }
  }
  return {};
}

}  // namespace lakehouse::flight
