// What the server can do, value by value.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_union.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/config.h>

#include <algorithm>
#include <chrono>
#include <variant>
#include <vector>

#include "flight/metadata.h"
#include "flight/prepared.h"
#include "flight/status.h"
#include "version.h"

namespace lakehouse::flight {
namespace {

// The alternatives stand in the order of the specification's union.
enum Alternative : int8_t { kString, kBool, kBigint, kBitmask, kStringList, kConversions };
struct Bitmask {
  int32_t bits;
};
using Texts = std::vector<std::string>;
struct NoConversions {};  // the older CONVERT function; CAST is there
using Value = std::variant<std::string, bool, int64_t, Bitmask, Texts, NoConversions>;
struct Info {
  uint32_t name;
  Value value;
};

std::shared_ptr<arrow::DataType> ConversionsType() {
  return arrow::map(arrow::int32(), arrow::list(arrow::field("$data$", arrow::int32())));
}

std::shared_ptr<arrow::DataType> ValueType() {
  return arrow::dense_union(
      {arrow::field("string_value", arrow::utf8()), arrow::field("bool_value", arrow::boolean()),
       arrow::field("bigint_value", arrow::int64()), arrow::field("int32_bitmask", arrow::int32()),
       arrow::field("string_list", arrow::list(arrow::field("string_data", arrow::utf8()))),
       arrow::field("int32_to_int32_list_map", ConversionsType())},
      {kString, kBool, kBigint, kBitmask, kStringList, kConversions});
}

template <typename... Bits>
Bitmask Bits_(Bits... bits) {
  return {((1 << static_cast<int>(bits)) | ...)};
}

std::vector<Info> ServerInfo() {
  constexpr auto kHandleIdle = std::chrono::duration_cast<std::chrono::milliseconds>(PreparedStatements::kIdle);
  return {{pb::FLIGHT_SQL_SERVER_NAME, "Lakehouse"},
          {pb::FLIGHT_SQL_SERVER_VERSION, std::string(kVersion)},
          {pb::FLIGHT_SQL_SERVER_ARROW_VERSION, ARROW_VERSION_STRING},
          // SQL only reads; tables are written through bulk ingestion.
          {pb::FLIGHT_SQL_SERVER_READ_ONLY, true},
          {pb::FLIGHT_SQL_SERVER_SQL, true},
          {pb::FLIGHT_SQL_SERVER_SUBSTRAIT, false},
          {pb::FLIGHT_SQL_SERVER_SUBSTRAIT_MIN_VERSION, ""},
          {pb::FLIGHT_SQL_SERVER_SUBSTRAIT_MAX_VERSION, ""},
          {pb::FLIGHT_SQL_SERVER_TRANSACTION, Bitmask{pb::SQL_SUPPORTED_TRANSACTION_NONE}},
          {pb::FLIGHT_SQL_SERVER_CANCEL, true},
          {pb::FLIGHT_SQL_SERVER_BULK_INGESTION, true},
          {pb::FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED, false},
          {pb::FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT, Bitmask{static_cast<int32_t>(kHandleIdle.count())}},
          {pb::FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT, Bitmask{0}}};
}

std::vector<Info> NameInfo() {
  return {{pb::SQL_DDL_CATALOG, false},
          {pb::SQL_DDL_SCHEMA, false},
          {pb::SQL_DDL_TABLE, false},
          {pb::SQL_IDENTIFIER_CASE, Bitmask{pb::SQL_CASE_SENSITIVITY_CASE_INSENSITIVE}},
          {pb::SQL_IDENTIFIER_QUOTE_CHAR, "\""},
          {pb::SQL_QUOTED_IDENTIFIER_CASE, Bitmask{pb::SQL_CASE_SENSITIVITY_CASE_INSENSITIVE}},
          {pb::SQL_ALL_TABLES_ARE_SELECTABLE, true},
          {pb::SQL_NULL_ORDERING, Bitmask{pb::SQL_NULLS_SORTED_AT_END}},
          {pb::SQL_SEARCH_STRING_ESCAPE, "\\"},
          {pb::SQL_EXTRA_NAME_CHARACTERS, ""},
          {pb::SQL_SCHEMA_TERM, "schema"},
          {pb::SQL_PROCEDURE_TERM, "procedure"},
          {pb::SQL_CATALOG_TERM, "catalog"},
          {pb::SQL_CATALOG_AT_START, true},
          {pb::SQL_SCHEMAS_SUPPORTED_ACTIONS, Bitmask{0}},
          {pb::SQL_CATALOGS_SUPPORTED_ACTIONS, Bitmask{0}}};
}

// Reserved words beyond the standard's, and the functions that drivers have names of their own for.
std::vector<Info> WordInfo() {
  return {{pb::SQL_KEYWORDS,
           Texts{"ANALYSE", "ANALYZE",    "ASC",       "ASOF",      "DEFERRABLE", "DESC",      "DESCRIBE", "DO",
                 "GLOB",    "ILIKE",      "INITIALLY", "ISNULL",    "LIMIT",      "NOTNULL",   "OFFSET",   "PIVOT",
                 "PLACING", "POSITIONAL", "QUALIFY",   "RETURNING", "SHOW",       "SUMMARIZE", "UNPIVOT",  "VARIADIC"}},
          {pb::SQL_NUMERIC_FUNCTIONS, Texts{"ABS",     "ACOS",   "ASIN",  "ATAN", "ATAN2", "CEILING", "COS", "COT",
                                            "DEGREES", "EXP",    "FLOOR", "LOG",  "LOG10", "MOD",     "PI",  "POWER",
                                            "RADIANS", "RANDOM", "ROUND", "SIGN", "SIN",   "SQRT",    "TAN"}},
          {pb::SQL_STRING_FUNCTIONS, Texts{"ASCII", "CHR", "CONCAT", "LEFT", "LENGTH", "LOWER", "LTRIM", "REPEAT",
                                           "REPLACE", "RIGHT", "RTRIM", "SUBSTRING", "TRIM", "UPPER"}},
          {pb::SQL_SYSTEM_FUNCTIONS, Texts{"IFNULL"}},
          {pb::SQL_DATETIME_FUNCTIONS,
           Texts{"CURRENT_DATE", "DATE_DIFF", "DATE_TRUNC", "DAYNAME", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "HOUR",
                 "MINUTE", "MONTH", "MONTHNAME", "NOW", "QUARTER", "SECOND", "WEEK", "YEAR"}}};
}

// 0 says that there is no limit of its own.
std::vector<Info> LimitInfo() {
  std::vector<Info> limits = {{pb::SQL_MAX_STATEMENT_LENGTH, int64_t{1} << 20},
                              {pb::SQL_MAX_TABLE_NAME_LENGTH, int64_t{128}},
                              {pb::SQL_MAX_ROW_SIZE_INCLUDES_BLOBS, true}};
  for (const auto name :
       {pb::SQL_MAX_BINARY_LITERAL_LENGTH, pb::SQL_MAX_CHAR_LITERAL_LENGTH, pb::SQL_MAX_COLUMN_NAME_LENGTH,
        pb::SQL_MAX_COLUMNS_IN_GROUP_BY, pb::SQL_MAX_COLUMNS_IN_INDEX, pb::SQL_MAX_COLUMNS_IN_ORDER_BY,
        pb::SQL_MAX_COLUMNS_IN_SELECT, pb::SQL_MAX_COLUMNS_IN_TABLE, pb::SQL_MAX_CONNECTIONS,
        pb::SQL_MAX_CURSOR_NAME_LENGTH, pb::SQL_MAX_INDEX_LENGTH, pb::SQL_DB_SCHEMA_NAME_LENGTH,
        pb::SQL_MAX_PROCEDURE_NAME_LENGTH, pb::SQL_MAX_CATALOG_NAME_LENGTH, pb::SQL_MAX_ROW_SIZE,
        pb::SQL_MAX_STATEMENTS, pb::SQL_MAX_TABLES_IN_SELECT, pb::SQL_MAX_USERNAME_LENGTH}) {
    limits.push_back({static_cast<uint32_t>(name), int64_t{0}});
  }
  return limits;
}

std::vector<Info> StatementInfo() {
  return {
      {pb::SQL_SUPPORTS_COLUMN_ALIASING, true},
      {pb::SQL_NULL_PLUS_NULL_IS_NULL, true},
      {pb::SQL_SUPPORTS_CONVERT, NoConversions()},
      {pb::SQL_SUPPORTS_TABLE_CORRELATION_NAMES, true},
      {pb::SQL_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES, false},
      {pb::SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY, true},
      {pb::SQL_SUPPORTS_ORDER_BY_UNRELATED, true},
      {pb::SQL_SUPPORTED_GROUP_BY, Bits_(pb::SQL_GROUP_BY_UNRELATED, pb::SQL_GROUP_BY_BEYOND_SELECT)},
      {pb::SQL_SUPPORTS_LIKE_ESCAPE_CLAUSE, true},
      {pb::SQL_SUPPORTS_NON_NULLABLE_COLUMNS, true},
      {pb::SQL_SUPPORTED_GRAMMAR, Bits_(pb::SQL_MINIMUM_GRAMMAR, pb::SQL_CORE_GRAMMAR, pb::SQL_EXTENDED_GRAMMAR)},
      {pb::SQL_ANSI92_SUPPORTED_LEVEL, Bits_(pb::ANSI92_ENTRY_SQL, pb::ANSI92_INTERMEDIATE_SQL)},
      {pb::SQL_SUPPORTS_INTEGRITY_ENHANCEMENT_FACILITY, false},
      {pb::SQL_OUTER_JOINS_SUPPORT_LEVEL, Bits_(pb::SQL_FULL_OUTER_JOINS)},
      {pb::SQL_SUPPORTED_POSITIONED_COMMANDS, Bitmask{0}},
      {pb::SQL_SELECT_FOR_UPDATE_SUPPORTED, false},
      {pb::SQL_STORED_PROCEDURES_SUPPORTED, false},
      {pb::SQL_SUPPORTED_SUBQUERIES, Bits_(pb::SQL_SUBQUERIES_IN_COMPARISONS, pb::SQL_SUBQUERIES_IN_EXISTS,
                                           pb::SQL_SUBQUERIES_IN_INS, pb::SQL_SUBQUERIES_IN_QUANTIFIEDS)},
      {pb::SQL_CORRELATED_SUBQUERIES_SUPPORTED, true},
      {pb::SQL_SUPPORTED_UNIONS, Bits_(pb::SQL_UNION, pb::SQL_UNION_ALL)},
      {pb::SQL_DEFAULT_TRANSACTION_ISOLATION, int64_t{pb::SQL_TRANSACTION_NONE}},
      {pb::SQL_TRANSACTIONS_SUPPORTED, false},
      {pb::SQL_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS, Bits_(pb::SQL_TRANSACTION_NONE)},
      {pb::SQL_DATA_DEFINITION_CAUSES_TRANSACTION_COMMIT, false},
      {pb::SQL_DATA_DEFINITIONS_IN_TRANSACTIONS_IGNORED, false},
      {pb::SQL_SUPPORTED_RESULT_SET_TYPES, Bits_(pb::SQL_RESULT_SET_TYPE_FORWARD_ONLY)},
      {pb::SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_FORWARD_ONLY, Bits_(pb::SQL_RESULT_SET_CONCURRENCY_READ_ONLY)},
      {pb::SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_UNSPECIFIED, Bitmask{0}},
      {pb::SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_SENSITIVE, Bitmask{0}},
      {pb::SQL_SUPPORTED_CONCURRENCIES_FOR_RESULT_SET_SCROLL_INSENSITIVE, Bitmask{0}},
      {pb::SQL_BATCH_UPDATES_SUPPORTED, false},
      {pb::SQL_SAVEPOINTS_SUPPORTED, false},
      {pb::SQL_NAMED_PARAMETERS_SUPPORTED, true},
      {pb::SQL_LOCATORS_UPDATE_COPY, false},
      {pb::SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED, false}};
}

std::vector<Info> Everything() {
  std::vector<Info> all = ServerInfo();
  for (auto part : {NameInfo(), WordInfo(), StatementInfo(), LimitInfo()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

// Appends to the child of the value's kind.
struct AppendTo {
  arrow::DenseUnionBuilder& builder;
  arrow::Status operator()(const std::string& text) const {
    ARROW_RETURN_NOT_OK(builder.Append(kString));
    return static_cast<arrow::StringBuilder&>(*builder.child_builder(kString)).Append(text);
  }
  arrow::Status operator()(bool value) const {
    ARROW_RETURN_NOT_OK(builder.Append(kBool));
    return static_cast<arrow::BooleanBuilder&>(*builder.child_builder(kBool)).Append(value);
  }
  arrow::Status operator()(int64_t value) const {
    ARROW_RETURN_NOT_OK(builder.Append(kBigint));
    return static_cast<arrow::Int64Builder&>(*builder.child_builder(kBigint)).Append(value);
  }
  arrow::Status operator()(Bitmask value) const {
    ARROW_RETURN_NOT_OK(builder.Append(kBitmask));
    return static_cast<arrow::Int32Builder&>(*builder.child_builder(kBitmask)).Append(value.bits);
  }
  arrow::Status operator()(NoConversions) const {
    ARROW_RETURN_NOT_OK(builder.Append(kConversions));
    return static_cast<arrow::MapBuilder&>(*builder.child_builder(kConversions)).Append();
  }
  arrow::Status operator()(const Texts& texts) const {
    ARROW_RETURN_NOT_OK(builder.Append(kStringList));
    auto& list = static_cast<arrow::ListBuilder&>(*builder.child_builder(kStringList));
    ARROW_RETURN_NOT_OK(list.Append());
    return static_cast<arrow::StringBuilder&>(*list.value_builder()).AppendValues(texts);
  }
};

}  // namespace

std::shared_ptr<arrow::Schema> SqlInfoSchema() {
  return arrow::schema({arrow::field("info_name", arrow::uint32(), false), arrow::field("value", ValueType())});
}

Result<std::shared_ptr<arrow::RecordBatch>> SqlInfo(const pb::CommandGetSqlInfo& command) {
  arrow::UInt32Builder names;
  std::unique_ptr<arrow::ArrayBuilder> made;
  LH_ARROW_TRY("the server's info", arrow::MakeBuilder(arrow::default_memory_pool(), ValueType(), &made));
  auto& values = static_cast<arrow::DenseUnionBuilder&>(*made);
  const auto& asked = command.info();
  for (const Info& info : Everything()) {
    if (!asked.empty() && std::find(asked.begin(), asked.end(), info.name) == asked.end()) continue;
    LH_ARROW_TRY("the server's info", names.Append(info.name));
    LH_ARROW_TRY("the server's info", std::visit(AppendTo{values}, info.value));
  }
  std::shared_ptr<arrow::Array> name_column, value_column;
  LH_ARROW_TRY("the server's info", names.Finish(&name_column));
  LH_ARROW_TRY("the server's info", values.Finish(&value_column));
  return arrow::RecordBatch::Make(SqlInfoSchema(), name_column->length(), {name_column, value_column});
}

}  // namespace lakehouse::flight
