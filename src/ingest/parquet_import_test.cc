#include "ingest/parquet_import.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingest/import_test_target.h"

namespace lakehouse::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Imported> ImportFile(std::string_view bytes, const ImportOptions& options = {}) {
  const int descriptor = ::memfd_create("file", 0);
  EXPECT_EQ(::write(descriptor, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  auto imported =
      ImportedBy([&](MemoryTarget& target) { return ImportParquet(RequestContext{}, descriptor, options, target); });
  ::close(descriptor);
  return imported;
}

// A file with one column of each type; two rows, the second NULL.
template <typename Builder, typename... Value>
std::shared_ptr<arrow::Array> OneAndNull(const std::shared_ptr<arrow::DataType>& type, Value... value) {
  Builder builder(std::move(type), arrow::default_memory_pool());
  EXPECT_TRUE(builder.Append(value...).ok());
  EXPECT_TRUE(builder.AppendNull().ok());
  return builder.Finish().ValueOrDie();
}

std::string FileOf(const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  const auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  const auto version = parquet::WriterProperties::Builder().version(parquet::ParquetVersion::PARQUET_2_6)->build();
  const auto arrow_schema = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, 1024, version, arrow_schema).ok());
  return sink->Finish().ValueOrDie()->ToString();
}

std::shared_ptr<arrow::Array> Nanos(int64_t value) {
  return OneAndNull<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::NANO), value);
}

std::string Sample() {
  return FileOf(
      {{"i", OneAndNull<arrow::Int8Builder>(arrow::int8(), int8_t{-3})},
       {"u", OneAndNull<arrow::UInt64Builder>(arrow::uint64(), UINT64_MAX)},
       {"f", OneAndNull<arrow::FloatBuilder>(arrow::float32(), 0.5F)},
       {"d", OneAndNull<arrow::Date32Builder>(arrow::date32(), 1)},
       {"s", OneAndNull<arrow::StringBuilder>(arrow::utf8(), "text")},
       {"ms", OneAndNull<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"), int64_t{1})},
       {"whole", Nanos(1'000)},
       {"odd", Nanos(1'001)},
       {"b", OneAndNull<arrow::BooleanBuilder>(arrow::boolean(), true)}});
}

TEST(ParquetImport, EveryTypeHasItsCounterpart) {
  const auto imported = ImportFile(Sample());
  ASSERT_TRUE(imported) << imported.error().detail;
  EXPECT_THAT(imported->types(), ElementsAre("BIGINT", "UBIGINT", "DOUBLE", "DATE", "VARCHAR",
                                             "TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "VARCHAR", "BOOLEAN"));
  std::vector<std::string> first;
  for (const auto& column : imported->Values()) {
    ASSERT_EQ(column.size(), 2U);
    first.push_back(column[0]);
    EXPECT_EQ(column[1], "null");
  }
  EXPECT_THAT(first,
              ElementsAre("-3", "18446744073709551615", "0.5", "1970-01-02", "text", "1970-01-01 00:00:00.001000Z",
                          "1970-01-01 00:00:00.000001", "1970-01-01 00:00:00.000001001", "true"));
}

std::shared_ptr<arrow::Array> FromJson(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

TEST(ParquetImport, NestedAndExactColumnsKeepTheirTypes) {
  const auto person =
      arrow::struct_({arrow::field("na\"me", arrow::large_utf8()), arrow::field("age", arrow::int16())});
  const std::string file = FileOf({
      {"id", FromJson(arrow::int32(), "[7, null, 9]")},
      {"embedding", FromJson(arrow::fixed_size_list(arrow::float32(), 2), "[[0.5, 1], null, [2, 3]]")},
      {"tags", FromJson(arrow::large_list(arrow::utf8()), R"([["a", null], [], null])")},
      {"who", FromJson(person, R"([["Ada", 36], null, [null, 1]])")},
      {"counts", FromJson(arrow::map(arrow::utf8(), arrow::uint32()), R"([[["x", 1]], [], null])")},
      {"price", FromJson(arrow::decimal128(9, 2), R"(["1.50", null, "-3.25"])")},
      {"raw", FromJson(arrow::binary(), R"(["ab", null, ""])")},
      {"at", FromJson(arrow::time32(arrow::TimeUnit::SECOND), "[3600, null, 0]")},
      {"when", FromJson(arrow::timestamp(arrow::TimeUnit::NANO), "[1001, null, 0]")},
  });
  const auto imported = ImportFile(file);
  ASSERT_TRUE(imported) << imported.error().detail;
  EXPECT_THAT(imported->types(),
              ElementsAre("BIGINT", "FLOAT[]", "VARCHAR[]", "STRUCT(\"na\"\"me\" VARCHAR, \"age\" SMALLINT)",
                          "MAP(VARCHAR, UINTEGER)", "DECIMAL(9,2)", "BLOB", "TIME", "VARCHAR"));
  const auto table = ReadParquet(imported->bytes);
  ASSERT_NE(table, nullptr);
  const auto column = [&](const char* name) { return table->GetColumnByName(name)->chunk(0); };
  EXPECT_TRUE(column("id")->Equals(FromJson(arrow::int64(), "[7, null, 9]")));
  EXPECT_TRUE(column("price")->Equals(FromJson(arrow::decimal128(9, 2), R"(["1.50", null, "-3.25"])")));
  EXPECT_TRUE(column("raw")->Equals(FromJson(arrow::binary(), R"(["ab", null, ""])")));
  EXPECT_EQ((*column("embedding")->GetScalar(0))->ToString(), "list<element: float>[0.5, 1]");
  EXPECT_TRUE(column("embedding")->IsNull(1));
  EXPECT_TRUE(column("tags")->IsValid(1));
  EXPECT_TRUE(column("who")->IsNull(1));
  EXPECT_EQ((*column("when")->GetScalar(0))->ToString(), "1970-01-01 00:00:00.000001001");
  EXPECT_EQ(table->schema()->field(1)->metadata()->Get("PARQUET:field_id").ValueOrDie(), "2");
}

TEST(ParquetImport, StatisticsOfAFileWithANestedColumn) {
  const auto imported = ImportFile(FileOf({{"l", FromJson(arrow::list(arrow::int8()), "[[1], null, [2, 3]]")},
                                           {"i", FromJson(arrow::int16(), "[5, null, -2]")},
                                           {"p", FromJson(arrow::decimal128(4, 1), R"(["1.5", null, null])")}}));
  ASSERT_TRUE(imported) << imported.error().detail;
  ASSERT_EQ(imported->stats.size(), 2U);
  EXPECT_EQ(imported->stats[0].field_id, 2);
  EXPECT_EQ(imported->stats[0].null_count, 1U);
  EXPECT_EQ(imported->stats[0].min, "-2");
  EXPECT_EQ(imported->stats[0].max, "5");
  EXPECT_EQ(imported->stats[1].null_count, 2U);
  EXPECT_EQ(imported->stats[1].min, std::nullopt);
}

TEST(ParquetImport, WhatHasNoCounterpartIsNamed) {
  const auto nested = arrow::struct_({arrow::field("a", arrow::int8()), arrow::field("A", arrow::int8())});
  const auto twice = ImportFile(FileOf({{"s", FromJson(nested, "[[1, 2]]")}}));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind, ErrorKind::kUnprocessable);
  EXPECT_THAT(twice.error().detail, HasSubstr("column \"s\": two fields of a struct have the name \"A\""));
  const auto duration = ImportFile(FileOf({{"d", FromJson(arrow::duration(arrow::TimeUnit::SECOND), "[1]")}}));
  ASSERT_FALSE(duration);
  EXPECT_THAT(duration.error().detail, HasSubstr("column \"d\": the type duration[s] has no counterpart"));
  auto deep = arrow::int8();
  for (int i = 0; i < 40; ++i) deep = arrow::list(deep);
  EXPECT_THAT(ImportFile(FileOf({{"deep", FromJson(deep, "[null]")}})).error().detail, HasSubstr("levels deep"));
}

TEST(ParquetImport, IntoADatasetWithAnExactType) {
  const std::string file = FileOf({{"p", FromJson(arrow::decimal128(9, 2), R"(["1.50"])")}});
  ImportOptions options;
  options.existing = std::vector<FileColumn>{{"p", ColumnType::kVarchar, 4, "DECIMAL(9,2)"}};
  const auto same = ImportFile(file, options);
  ASSERT_TRUE(same) << same.error().detail;
  EXPECT_EQ(same->schema.columns[0].field_id, 4);
  options.existing->front().exact = "DECIMAL(9,3)";
  const auto other = ImportFile(file, options);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::kConflict);
}

TEST(ParquetImport, InvalidUtf8AndDuplicateNamesAreRefused) {
  const auto bad = ImportFile(FileOf({{"s", OneAndNull<arrow::StringBuilder>(arrow::utf8(), "\xff")}}));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, ErrorKind::kInvalid);
  const auto one = OneAndNull<arrow::Int8Builder>(arrow::int8(), int8_t{1});
  EXPECT_THAT(ImportFile(FileOf({{"a", one}, {"a", one}})).error().detail, HasSubstr("two columns"));
}

TEST(ParquetImport, IntoADatasetTheColumnsMustBeTheSame) {
  const std::string file = FileOf({{"a", OneAndNull<arrow::Int8Builder>(arrow::int8(), int8_t{1})}});
  ImportOptions options;
  options.existing = std::vector<FileColumn>{{"a", ColumnType::kBigint, 7}};
  EXPECT_TRUE(ImportFile(file, options));
  options.existing = std::vector<FileColumn>{{"a", ColumnType::kDouble, 7}};
  const auto differs = ImportFile(file, options);
  ASSERT_FALSE(differs);
  EXPECT_EQ(differs.error().kind, ErrorKind::kConflict);
}

TEST(ParquetImport, TruncatedFilesAreRefused) {
  const std::string file = Sample();
  for (size_t size = 0; size < file.size(); size += 13) {
    const auto imported = ImportFile(std::string_view(file).substr(0, size));
    ASSERT_FALSE(imported) << size;
    EXPECT_EQ(imported.error().kind, ErrorKind::kInvalid) << size;
  }
}

TEST(ParquetImport, FlippedBitsNeverCrash) {
  const std::string file = Sample();
  for (size_t at = 0; at < file.size(); at += 3) {
    std::string broken = file;
    broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
    const auto imported = ImportFile(broken);
    if (!imported) EXPECT_NE(imported.error().kind, ErrorKind::kInternal) << at << ": " << imported.error().detail;
  }
}

}  // namespace
}  // namespace lakehouse::ingest
