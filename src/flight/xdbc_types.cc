// The types of the lake's SQL, as ODBC and JDBC describe types.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <optional>
#include <vector>

#include "flight/metadata.h"
#include "flight/status.h"

namespace lakehouse::flight {
namespace {

using OptionalText = std::optional<std::string>;
using OptionalInt = std::optional<int32_t>;
using OptionalFlag = std::optional<bool>;

struct TypeRow {
  std::string name;
  int32_t data_type;
  OptionalInt size;
  OptionalText prefix{}, suffix{};
  std::vector<std::string> parameters{};
  OptionalFlag is_unsigned{};  // numbers only
  OptionalInt min_scale{}, max_scale{};
  OptionalInt datetime_subcode{};
  OptionalInt radix{};
};

TypeRow Whole(std::string name, int32_t type, int32_t digits, bool is_unsigned = false) {
  return {.name = std::move(name),
          .data_type = type,
          .size = digits,
          .is_unsigned = is_unsigned,
          .min_scale = 0,
          .max_scale = 0,
          .radix = 10};
}
TypeRow Text(std::string name, int32_t type, OptionalInt size = std::nullopt) {
  return {.name = std::move(name), .data_type = type, .size = size, .prefix = "'", .suffix = "'"};
}
TypeRow Moment(std::string name, int32_t type, int32_t length, int32_t subcode, std::string_view keyword) {
  return {.name = std::move(name),
          .data_type = type,
          .size = length,
          .prefix = fmt::format("{} '", keyword),
          .suffix = "'",
          .datetime_subcode = subcode};
}
TypeRow Approximate(std::string name, int32_t type, int32_t bits) {
  return {.name = std::move(name), .data_type = type, .size = bits, .is_unsigned = false, .radix = 2};
}

// By data_type, then by name.
std::vector<TypeRow> Types() {
  return {Text("VARCHAR", pb::XDBC_VARCHAR),  // placed below by its number
          Moment("DATE", pb::XDBC_DATE, 10, pb::XDBC_SUBCODE_DATE, "DATE"),
          Moment("TIME", pb::XDBC_TIME, 15, pb::XDBC_SUBCODE_TIME, "TIME"),
          Moment("TIMESTAMP", pb::XDBC_TIMESTAMP, 26, pb::XDBC_SUBCODE_TIMESTAMP, "TIMESTAMP"),
          Moment("TIMESTAMP WITH TIME ZONE", pb::XDBC_TIMESTAMP, 32, pb::XDBC_SUBCODE_TIMESTAMP_WITH_TIMEZONE,
                 "TIMESTAMPTZ"),
          {.name = "BOOLEAN", .data_type = pb::XDBC_BIT, .size = 1},
          Whole("TINYINT", pb::XDBC_TINYINT, 3),
          Whole("UTINYINT", pb::XDBC_TINYINT, 3, true),
          Whole("SMALLINT", pb::XDBC_SMALLINT, 5),
          Whole("USMALLINT", pb::XDBC_SMALLINT, 5, true),
          Whole("INTEGER", pb::XDBC_INTEGER, 10),
          Whole("UINTEGER", pb::XDBC_INTEGER, 10, true),
          Whole("BIGINT", pb::XDBC_BIGINT, 19),
          Whole("UBIGINT", pb::XDBC_BIGINT, 20, true),
          {.name = "DECIMAL",
           .data_type = pb::XDBC_DECIMAL,
           .size = 38,
           .parameters = {"precision", "scale"},
           .is_unsigned = false,
           .min_scale = 0,
           .max_scale = 38,
           .radix = 10},
          Approximate("FLOAT", pb::XDBC_REAL, 24),
          Approximate("DOUBLE", pb::XDBC_DOUBLE, 53),
          Text("BLOB", pb::XDBC_VARBINARY),
          Text("UUID", pb::XDBC_CHAR, 36),
          Text("INTERVAL", pb::XDBC_INTERVAL)};
}

// Appends one column after the other, in the order of the schema.
class Columns {
 public:
  void Texts(const std::vector<OptionalText>& values) { Build<arrow::StringBuilder>(values); }
  void Ints(const std::vector<OptionalInt>& values) { Build<arrow::Int32Builder>(values); }
  void Flags(const std::vector<OptionalFlag>& values) { Build<arrow::BooleanBuilder>(values); }
  void Lists(const std::vector<std::vector<std::string>>& values);
  const arrow::Status& status() const { return status_; }
  std::vector<std::shared_ptr<arrow::Array>> Take() { return std::move(arrays_); }

 private:
  template <typename Builder, typename Value>
  void Build(const std::vector<Value>& values) {
    Builder builder;
    for (const Value& value : values) status_ &= value ? builder.Append(*value) : builder.AppendNull();
    status_ &= builder.Finish(&arrays_.emplace_back());
  }
  std::vector<std::shared_ptr<arrow::Array>> arrays_;
  arrow::Status status_;
};

std::shared_ptr<arrow::DataType> ParametersType() { return arrow::list(arrow::field("item", arrow::utf8(), false)); }

void Columns::Lists(const std::vector<std::vector<std::string>>& values) {
  auto texts = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder builder(arrow::default_memory_pool(), texts, ParametersType());
  for (const auto& value : values) {
    if (value.empty()) {
      status_ &= builder.AppendNull();
      continue;
    }
    status_ &= builder.Append();
    status_ &= texts->AppendValues(value);
  }
  status_ &= builder.Finish(&arrays_.emplace_back());
}

template <typename Value, typename Get>
std::vector<std::optional<Value>> Each(const std::vector<TypeRow>& rows, Get get) {
  std::vector<std::optional<Value>> values;
  values.reserve(rows.size());
  for (const TypeRow& row : rows) values.push_back(get(row));
  return values;
}

}  // namespace

std::shared_ptr<arrow::Schema> XdbcTypeSchema() {
  using arrow::field;
  const auto& text = arrow::utf8();
  const auto& number = arrow::int32();
  const auto& flag = arrow::boolean();
  return arrow::schema(
      {field("type_name", text, false), field("data_type", number, false), field("column_size", number),
       field("literal_prefix", text), field("literal_suffix", text), field("create_params", ParametersType()),
       field("nullable", number, false), field("case_sensitive", flag, false), field("searchable", number, false),
       field("unsigned_attribute", flag), field("fixed_prec_scale", flag, false), field("auto_increment", flag),
       field("local_type_name", text), field("minimum_scale", number), field("maximum_scale", number),
       field("sql_data_type", number, false), field("datetime_subcode", number), field("num_prec_radix", number),
       field("interval_precision", number)});
}

Result<std::shared_ptr<arrow::RecordBatch>> XdbcTypes(const pb::CommandGetXdbcTypeInfo& command) {
  std::vector<TypeRow> rows = Types();
  if (command.has_data_type()) {
    std::erase_if(rows, [&command](const TypeRow& row) { return row.data_type != command.data_type(); });
  }
  std::ranges::sort(rows, [](const TypeRow& a, const TypeRow& b) {
    return std::pair(a.data_type, std::string_view(a.name)) < std::pair(b.data_type, std::string_view(b.name));
  });
  Columns columns;
  columns.Texts(Each<std::string>(rows, [](const TypeRow& r) { return r.name; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow& r) { return r.data_type; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow& r) { return r.size; }));
  columns.Texts(Each<std::string>(rows, [](const TypeRow& r) { return r.prefix; }));
  columns.Texts(Each<std::string>(rows, [](const TypeRow& r) { return r.suffix; }));
  std::vector<std::vector<std::string>> parameters;
  parameters.reserve(rows.size());
  for (const TypeRow& row : rows) parameters.push_back(row.parameters);
  columns.Lists(parameters);
  columns.Ints(Each<int32_t>(rows, [](const TypeRow&) { return int32_t{pb::NULLABILITY_NULLABLE}; }));
  columns.Flags(Each<bool>(rows, [](const TypeRow& r) { return r.data_type == pb::XDBC_VARCHAR; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow&) { return int32_t{pb::SEARCHABLE_FULL}; }));
  columns.Flags(Each<bool>(rows, [](const TypeRow& r) { return r.is_unsigned; }));
  columns.Flags(Each<bool>(rows, [](const TypeRow&) { return false; }));
  columns.Flags(Each<bool>(rows, [](const TypeRow& r) { return r.is_unsigned ? OptionalFlag(false) : std::nullopt; }));
  columns.Texts(Each<std::string>(rows, [](const TypeRow& r) { return r.name; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow& r) { return r.min_scale; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow& r) { return r.max_scale; }));
  columns.Ints(Each<int32_t>(
      rows, [](const TypeRow& r) { return r.datetime_subcode ? int32_t{pb::XDBC_DATETIME} : r.data_type; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow& r) { return r.datetime_subcode; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow& r) { return r.radix; }));
  columns.Ints(Each<int32_t>(rows, [](const TypeRow&) { return OptionalInt(); }));
  LH_ARROW_TRY("the types", columns.status());
  return arrow::RecordBatch::Make(XdbcTypeSchema(), static_cast<int64_t>(rows.size()), columns.Take());
}

}  // namespace lakehouse::flight
