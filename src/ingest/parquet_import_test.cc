#include "ingest/parquet_import.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingest/import_test_target.h"

namespace lakehouse::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Imported> Import(std::string_view bytes, const ImportOptions& options = {}) {
  const int descriptor = ::memfd_create("file", 0);
  EXPECT_EQ(::write(descriptor, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  auto imported =
      ImportedBy([&](MemoryTarget& target) { return ImportParquet(RequestContext{}, descriptor, options, target); });
  ::close(descriptor);
  return imported;
}

// A file with one column of each type; two rows, the second NULL.
template <typename Builder, typename... Value>
std::shared_ptr<arrow::Array> OneAndNull(std::shared_ptr<arrow::DataType> type, Value... value) {
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
  const auto imported = Import(Sample());
  ASSERT_TRUE(imported) << imported.error().detail;
  EXPECT_THAT(imported->types(), ElementsAre("BIGINT", "VARCHAR", "DOUBLE", "DATE", "VARCHAR",
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

TEST(ParquetImport, BinaryColumnsAreNamed) {
  const auto imported = Import(FileOf({{"raw", OneAndNull<arrow::BinaryBuilder>(arrow::binary(), "x")}}));
  ASSERT_FALSE(imported);
  EXPECT_EQ(imported.error().kind, ErrorKind::kUnprocessable);
  EXPECT_THAT(imported.error().detail, HasSubstr("\"raw\" has the type binary"));
}

TEST(ParquetImport, InvalidUtf8AndDuplicateNamesAreRefused) {
  const auto bad = Import(FileOf({{"s", OneAndNull<arrow::StringBuilder>(arrow::utf8(), "\xff")}}));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, ErrorKind::kInvalid);
  const auto one = OneAndNull<arrow::Int8Builder>(arrow::int8(), int8_t{1});
  EXPECT_THAT(Import(FileOf({{"a", one}, {"a", one}})).error().detail, HasSubstr("two columns"));
}

TEST(ParquetImport, IntoADatasetTheColumnsMustBeTheSame) {
  const std::string file = FileOf({{"a", OneAndNull<arrow::Int8Builder>(arrow::int8(), int8_t{1})}});
  ImportOptions options;
  options.existing = std::vector<FileColumn>{{"a", ColumnType::kBigint, 7}};
  EXPECT_TRUE(Import(file, options));
  options.existing = std::vector<FileColumn>{{"a", ColumnType::kDouble, 7}};
  const auto differs = Import(file, options);
  ASSERT_FALSE(differs);
  EXPECT_EQ(differs.error().kind, ErrorKind::kConflict);
}

TEST(ParquetImport, TruncatedFilesAreRefused) {
  const std::string file = Sample();
  for (size_t size = 0; size < file.size(); size += 13) {
    const auto imported = Import(std::string_view(file).substr(0, size));
    ASSERT_FALSE(imported) << size;
    EXPECT_EQ(imported.error().kind, ErrorKind::kInvalid) << size;
  }
}

TEST(ParquetImport, FlippedBitsNeverCrash) {
  const std::string file = Sample();
  for (size_t at = 0; at < file.size(); at += 3) {
    std::string broken = file;
    broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
    const auto imported = Import(broken);
    if (!imported) EXPECT_NE(imported.error().kind, ErrorKind::kInternal) << at << ": " << imported.error().detail;
  }
}

}  // namespace
}  // namespace lakehouse::ingest
