#include "ingest/exact_types.h"

#include <cctype>
#include <set>

namespace lakehouse::ingest {
namespace {

constexpr int kMaxLevels = 32;
constexpr int32_t kMaxDecimalDigits = 38;

std::unexpected<Error> NoCounterpart(const arrow::DataType& type) {
  return Fail(ErrorKind::kUnprocessable, "the type {} has no counterpart in a dataset", type.ToString());
}

std::string Quoted(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string Folded(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

Result<ExactType> TypeAt(const arrow::DataType& type, int level);

Result<ExactType> ListOf(const arrow::DataType& values, int level) {
  LH_ASSIGN(ExactType value, TypeAt(values, level + 1));
  return ExactType{value.name + "[]", arrow::list(value.stored)};
}

Result<ExactType> StructOf(const arrow::DataType& type, int level) {
  if (type.num_fields() == 0) return NoCounterpart(type);
  std::string name = "STRUCT(";
  arrow::FieldVector fields;
  std::set<std::string> names;
  for (const auto& field : type.fields()) {
    if (field->name().empty()) return Fail(ErrorKind::kUnprocessable, "a field of a struct has no name");
    if (!names.insert(Folded(field->name())).second) {
      return Fail(ErrorKind::kUnprocessable, "two fields of a struct have the name \"{}\" (case aside)", field->name());
    }
    LH_ASSIGN(ExactType inner, TypeAt(*field->type(), level + 1));
    name += (fields.empty() ? "" : ", ") + Quoted(field->name()) + " " + inner.name;
    fields.push_back(arrow::field(field->name(), inner.stored));
  }
  return ExactType{name + ")", arrow::struct_(fields)};
}

Result<ExactType> MapOf(const arrow::MapType& type, int level) {
  LH_ASSIGN(ExactType key, TypeAt(*type.key_type(), level + 1));
  LH_ASSIGN(ExactType item, TypeAt(*type.item_type(), level + 1));
  return ExactType{"MAP(" + key.name + ", " + item.name + ")", arrow::map(key.stored, item.stored)};
}

Result<ExactType> DecimalOf(const arrow::DataType& type) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(type);
  const int32_t digits = decimal.precision(), scale = decimal.scale();
  if (digits > kMaxDecimalDigits || scale < 0 || scale > digits) return NoCounterpart(type);
  return ExactType{fmt::format("DECIMAL({},{})", digits, scale), arrow::decimal128(digits, scale)};
}

// Nanoseconds stay what they are, without a zone: with one, nothing that reads them says so.
ExactType TimestampOf(const arrow::TimestampType& type) {
  if (!type.timezone().empty()) return {"TIMESTAMP WITH TIME ZONE", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")};
  if (type.unit() == arrow::TimeUnit::NANO) return {"TIMESTAMP_NS", arrow::timestamp(arrow::TimeUnit::NANO)};
  return {"TIMESTAMP", arrow::timestamp(arrow::TimeUnit::MICRO)};
}

Result<ExactType> NestedType(const arrow::DataType& type, int level) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return ListOf(*type.field(0)->type(), level);
    case arrow::Type::STRUCT:
      return StructOf(type, level);
    case arrow::Type::MAP:
      return MapOf(static_cast<const arrow::MapType&>(type), level);
    case arrow::Type::DICTIONARY:
      return TypeAt(*static_cast<const arrow::DictionaryType&>(type).value_type(), level);
    case arrow::Type::EXTENSION:
      return TypeAt(*static_cast<const arrow::ExtensionType&>(type).storage_type(), level);
    default:
      return NoCounterpart(type);
  }
}

Result<ExactType> TypeAt(const arrow::DataType& type, int level) {
  if (level > kMaxLevels) return Fail(ErrorKind::kUnprocessable, "it is nested more than {} levels deep", kMaxLevels);
  switch (type.id()) {
    case arrow::Type::BOOL:
      return ExactType{"BOOLEAN", arrow::boolean()};
    case arrow::Type::INT8:
      return ExactType{"TINYINT", arrow::int8()};
    case arrow::Type::INT16:
      return ExactType{"SMALLINT", arrow::int16()};
    case arrow::Type::INT32:
      return ExactType{"INTEGER", arrow::int32()};
    case arrow::Type::INT64:
      return ExactType{"BIGINT", arrow::int64()};
    case arrow::Type::UINT8:
      return ExactType{"UTINYINT", arrow::uint8()};
    case arrow::Type::UINT16:
      return ExactType{"USMALLINT", arrow::uint16()};
    case arrow::Type::UINT32:
      return ExactType{"UINTEGER", arrow::uint32()};
    case arrow::Type::UINT64:
      return ExactType{"UBIGINT", arrow::uint64()};
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return ExactType{"FLOAT", arrow::float32()};
    case arrow::Type::DOUBLE:
      return ExactType{"DOUBLE", arrow::float64()};
    case arrow::Type::NA:
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return ExactType{"VARCHAR", arrow::utf8()};
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return ExactType{"BLOB", arrow::binary()};
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return ExactType{"DATE", arrow::date32()};
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return ExactType{"TIME", arrow::time64(arrow::TimeUnit::MICRO)};
    case arrow::Type::TIMESTAMP:
      return TimestampOf(static_cast<const arrow::TimestampType&>(type));
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return DecimalOf(type);
    default:
      return NestedType(type, level);
  }
}

}  // namespace

Result<ExactType> ExactTypeOf(const arrow::DataType& type) { return TypeAt(type, 1); }

std::shared_ptr<arrow::DataType> StoredType(ColumnType type) {
  switch (type) {
    case ColumnType::kBoolean:
      return arrow::boolean();
    case ColumnType::kBigint:
      return arrow::int64();
    case ColumnType::kDouble:
      return arrow::float64();
    case ColumnType::kDate:
      return arrow::date32();
    case ColumnType::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case ColumnType::kTimestampTz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case ColumnType::kVarchar:
      return arrow::utf8();
  }
  return arrow::utf8();
}

}  // namespace lakehouse::ingest
