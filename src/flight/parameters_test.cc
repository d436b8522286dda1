#include "flight/parameters.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gmock/gmock.h>

namespace lakehouse::flight {
namespace {

using query::Parameter;
using query::TypedText;
using testing::HasSubstr;

// What the values become, as one line of text each: the alternative, and the value.
std::string TextOf(const Parameter& parameter) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool value) const { return value ? "bool true" : "bool false"; }
    std::string operator()(int64_t value) const { return fmt::format("int {}", value); }
    std::string operator()(double value) const { return fmt::format("double {}", value); }
    std::string operator()(const std::string& value) const { return "text " + value; }
    std::string operator()(const query::JsonText& value) const { return "json " + value.text; }
    std::string operator()(const TypedText& value) const { return value.type + " " + value.text.value_or("null"); }
    std::string operator()(const query::Blob& value) const { return fmt::format("blob of {}", value.bytes.size()); }
  };
  return std::visit(Visitor(), parameter);
}

Status Append(const std::shared_ptr<arrow::Array>& array, std::vector<std::vector<Parameter>>& rows) {
  const auto schema = arrow::schema({arrow::field("1", array->type())});
  return AppendParameterRows(*arrow::RecordBatch::Make(schema, array->length(), {array}), rows);
}

std::vector<std::string> TextsOf(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  std::vector<std::vector<Parameter>> rows;
  const auto array = arrow::json::ArrayFromJSONString(type, json);
  if (!array.ok()) return {array.status().ToString()};
  if (const auto appended = Append(*array, rows); !appended) return {appended.error().detail};
  std::vector<std::string> texts;
  texts.reserve(rows.size());
  for (const auto& row : rows) texts.push_back(TextOf(row.at(0)));
  return texts;
}

struct Case {
  std::shared_ptr<arrow::DataType> type;
  std::string json, value, null;
};

TEST(ParametersTest, EachTypeIsTheEnginesNearest) {
  using arrow::TimeUnit;
  const Case cases[] = {
      {arrow::boolean(), "true", "bool true", "BOOLEAN null"},
      {arrow::int8(), "-3", "int -3", "BIGINT null"},
      {arrow::uint32(), "4000000000", "int 4000000000", "BIGINT null"},
      {arrow::int64(), "-9223372036854775808", "int -9223372036854775808", "BIGINT null"},
      {arrow::uint64(), "18446744073709551615", "UBIGINT 18446744073709551615", "UBIGINT null"},
      {arrow::float32(), "0.5", "double 0.5", "DOUBLE null"},
      {arrow::float64(), "1.5", "double 1.5", "DOUBLE null"},
      {arrow::utf8(), R"("it's")", "text it's", "VARCHAR null"},
      {arrow::large_utf8(), R"("x")", "text x", "VARCHAR null"},
      {arrow::utf8_view(), R"("x")", "text x", "VARCHAR null"},
      {arrow::binary(), R"("abc")", "blob of 3", "BLOB null"},
      {arrow::fixed_size_binary(2), R"("ab")", "blob of 2", "BLOB null"},
      {arrow::decimal128(10, 2), R"("12.50")", "DECIMAL(10,2) 12.50", "DECIMAL(10,2) null"},
      {arrow::date32(), "20484", "DATE 2026-01-31", "DATE null"},
      {arrow::date64(), "1769817600000", "DATE 2026-01-31", "DATE null"},
      {arrow::time32(TimeUnit::SECOND), "86399", "TIME 23:59:59", "TIME null"},
      {arrow::time64(TimeUnit::MICRO), "1", "TIME 00:00:00.000001", "TIME null"},
      {arrow::timestamp(TimeUnit::MICRO), "1", "TIMESTAMP 1970-01-01 00:00:00.000001", "TIMESTAMP null"},
      {arrow::timestamp(TimeUnit::NANO), "1", "TIMESTAMP_NS 1970-01-01 00:00:00.000000001", "TIMESTAMP_NS null"},
      {arrow::timestamp(TimeUnit::SECOND, "UTC"), "1", "TIMESTAMPTZ 1970-01-01 00:00:01Z", "TIMESTAMPTZ null"},
      {arrow::duration(TimeUnit::SECOND), "90", "INTERVAL 90 seconds", "INTERVAL null"},
      {arrow::dictionary(arrow::int8(), arrow::utf8()), R"("a")", "text a", "VARCHAR null"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(TextsOf(c.type, "[" + c.json + ",null]"), testing::ElementsAre(c.value, c.null)) << c.type->ToString();
  }
}

TEST(ParametersTest, NullsOfNoTypeAreNulls) {
  EXPECT_THAT(TextsOf(arrow::null(), "[null]"), testing::ElementsAre("null"));
}

TEST(ParametersTest, UnionsAreTheirValues) {
  const auto type = arrow::dense_union({arrow::field("i", arrow::int32()), arrow::field("t", arrow::utf8())});
  EXPECT_THAT(TextsOf(type, R"([[0, 7], [1, "x"]])"), testing::ElementsAre("int 7", "text x"));
}

TEST(ParametersTest, WhatCannotBeBoundIsNamed) {
  for (const auto& type : {arrow::list(arrow::int64()), arrow::struct_({arrow::field("a", arrow::int64())})}) {
    const auto texts = TextsOf(type, "[null]");
    EXPECT_THAT(texts.at(0), HasSubstr("parameter 1, row 1")) << texts.at(0);
    EXPECT_THAT(texts.at(0), HasSubstr("cast them in the SQL"));
  }
}

}  // namespace
}  // namespace lakehouse::flight
