#include "ingest/vector_rows.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <gmock/gmock.h>
#include <parquet/arrow/writer.h>
#include <sys/mman.h>

#include "base/file.h"

namespace lakehouse::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<std::optional<Value>>& values) {
  Builder builder;
  for (const auto& value : values) EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  return *builder.Finish();
}
std::shared_ptr<arrow::Array> Texts(const std::vector<std::optional<std::string>>& values) {
  return ArrayOf<arrow::StringBuilder>(values);
}
std::shared_ptr<arrow::Array> Floats(const std::vector<std::optional<float>>& values) {
  return ArrayOf<arrow::FloatBuilder>(values);
}
std::shared_ptr<arrow::Array> Doubles(const std::vector<std::optional<double>>& values) {
  return ArrayOf<arrow::DoubleBuilder>(values);
}
std::shared_ptr<arrow::Array> Fixed(const std::shared_ptr<arrow::Array>& values, int dimension) {
  return *arrow::FixedSizeListArray::FromArrays(values, dimension);
}
std::shared_ptr<arrow::Array> Lists(const std::shared_ptr<arrow::Array>& values, const std::vector<int32_t>& offsets) {
  return *arrow::ListArray::FromArrays(
      *ArrayOf<arrow::Int32Builder>(std::vector<std::optional<int32_t>>(offsets.begin(), offsets.end())), *values);
}

using Columns = std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>;

std::string VectorFileOf(const Columns& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  const auto sink = *arrow::io::BufferOutputStream::Create();
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, 2,
                                         parquet::default_writer_properties(), properties)
                  .ok());
  return (*sink->Finish())->ToString();
}

Result<std::vector<VectorRow>> Read(std::string_view bytes, const VectorColumns& columns = {}) {
  const FileDescriptor file(memfd_create("file", MFD_CLOEXEC));
  EXPECT_TRUE(WriteFully(file.get(), bytes));
  LH_ASSIGN(const auto rows, VectorRows::Open(file.get(), columns));
  std::vector<VectorRow> all;
  VectorRow row;
  while (true) {
    LH_ASSIGN(const bool more, rows->Next(row));
    if (!more) break;
    all.push_back(row);
  }
  EXPECT_EQ(rows->rows(), all.size());
  return all;
}

std::string WrongIn(std::string_view bytes, const VectorColumns& columns = {}) {
  const auto read = Read(bytes, columns);
  return read ? "was read" : read.error().detail;
}

TEST(VectorRows, ReadsListsFixedListsAndDoubles) {
  const auto ids = Texts({"a", "b", "c"});
  const auto numbers = Floats({1, 2, 3, 4, 5, 6});
  for (const auto& vectors : {Fixed(numbers, 2), Lists(numbers, {0, 2, 4, 6}), Fixed(Doubles({1, 2, 3, 4, 5, 6}), 2)}) {
    const auto rows = Read(VectorFileOf({{"before", numbers->Slice(0, 3)}, {"vector", vectors}, {"id", ids}}));
    ASSERT_TRUE(rows) << rows.error().detail;
    ASSERT_EQ(rows->size(), 3u);
    EXPECT_EQ((*rows)[2].id, "c");
    EXPECT_THAT((*rows)[0].vector, ElementsAre(1, 2));
    EXPECT_THAT((*rows)[2].vector, ElementsAre(5, 6));
    EXPECT_FALSE((*rows)[0].metadata);
  }
}

TEST(VectorRows, MetadataIsTextOrNull) {
  const Columns columns{{"id", Texts({"a", "b"})},
                        {"vector", Fixed(Floats({1, 2}), 1)},
                        {"metadata", Texts({R"({"n":1})", std::nullopt})},
                        {"other", Texts({"{}", "{}"})}};
  const auto rows = Read(VectorFileOf(columns));
  ASSERT_TRUE(rows) << rows.error().detail;
  EXPECT_EQ((*rows)[0].metadata, R"({"n":1})");
  EXPECT_FALSE((*rows)[1].metadata);
  EXPECT_EQ((*Read(VectorFileOf(columns), {.metadata = "other"}))[1].metadata, "{}");
}

TEST(VectorRows, IntegersAreIds) {
  const auto file = VectorFileOf({{"key", ArrayOf<arrow::Int64Builder>(std::vector<std::optional<int64_t>>{-7})},
                                  {"embedding", Fixed(Floats({1}), 1)}});
  const auto rows = Read(file, {.id = "key", .vector = "embedding"});
  ASSERT_TRUE(rows) << rows.error().detail;
  EXPECT_EQ((*rows)[0].id, "-7");
}

TEST(VectorRows, ColumnsThatAreWrongAreNamed) {
  const auto ids = Texts({"a"});
  const auto vectors = Fixed(Floats({1}), 1);
  EXPECT_THAT(WrongIn(VectorFileOf({{"key", ids}, {"vector", vectors}})), HasSubstr("no column \"id\""));
  EXPECT_THAT(WrongIn(VectorFileOf({{"key", ids}, {"vector", vectors}})), HasSubstr("it has key, vector"));
  EXPECT_THAT(WrongIn(VectorFileOf({{"id", vectors}, {"vector", vectors}})), HasSubstr("column \"id\" has the type"));
  const auto numbers = ArrayOf<arrow::Int64Builder>(std::vector<std::optional<int64_t>>{7});
  EXPECT_THAT(WrongIn(VectorFileOf({{"id", ids}, {"vector", numbers}})),
              HasSubstr("column \"vector\" has the type int64"));
  EXPECT_THAT(WrongIn(VectorFileOf({{"id", ids}, {"vector", ids}})), HasSubstr("no JSON array of numbers"));
  EXPECT_THAT(WrongIn(VectorFileOf({{"id", ids}, {"vector", vectors}}), {.metadata = "m"}),
              HasSubstr("no column \"m\""));
  EXPECT_THAT(WrongIn(VectorFileOf({{"id", ids}, {"vector", vectors}, {"metadata", vectors}})), HasSubstr("JSON text"));
}

TEST(VectorRows, VectorsMayBeJsonAndFieldsBecomeMetadata) {
  const std::string file =
      VectorFileOf({{"id", Texts({"a", "b"})},
                    {"vector", Texts({"[1, -2.5]", "[3e0,4]"})},
                    {"city", Texts({"x \"y\"", std::nullopt})},
                    {"n", ArrayOf<arrow::Int64Builder>(std::vector<std::optional<int64_t>>{7, 8})}});
  const auto rows = Read(file, {.fields = {"city", "n"}});
  ASSERT_TRUE(rows) << rows.error().detail;
  EXPECT_THAT((*rows)[0].vector, ElementsAre(1, -2.5F));
  EXPECT_THAT((*rows)[1].vector, ElementsAre(3, 4));
  EXPECT_EQ((*rows)[0].metadata, R"({"city":"x \"y\"","n":7})");
  EXPECT_EQ((*rows)[1].metadata, R"({"n":8})");
}

TEST(VectorRows, ValuesThatAreWrongAreNamed) {
  const auto file = [](const std::shared_ptr<arrow::Array>& ids, const std::shared_ptr<arrow::Array>& vectors) {
    return VectorFileOf({{"id", ids}, {"vector", vectors}});
  };
  EXPECT_EQ(WrongIn(file(Texts({"a", std::nullopt}), Fixed(Floats({1, 2}), 1))), "column \"id\" is NULL");
  EXPECT_THAT(WrongIn(file(Texts({"a"}), Fixed(Floats({1, std::nullopt}), 2))), HasSubstr("element 1 is not"));
  EXPECT_THAT(WrongIn(file(Texts({"a"}), Fixed(Floats({1, NAN}), 2))), HasSubstr("element 1 is not"));
  EXPECT_THAT(WrongIn(file(Texts({"a"}), Fixed(Doubles({1e39, 1}), 2))), HasSubstr("element 0 is not"));
}

TEST(VectorRows, ACutOrCrookedFileIsAnError) {
  const std::string whole = VectorFileOf({{"id", Texts({"a", "b", "c"})}, {"vector", Fixed(Floats({1, 2, 3}), 1)}});
  ASSERT_TRUE(Read(whole));
  EXPECT_FALSE(Read(""));
  EXPECT_FALSE(Read("PAR1PAR1"));
  for (size_t bytes = 1; bytes < whole.size(); bytes += 7) EXPECT_FALSE(Read(whole.substr(0, bytes))) << bytes;
  // A flipped byte may go unnoticed in a value, but nothing worse comes of it.
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string crooked = whole;
    crooked[at] = static_cast<char>(crooked[at] ^ 0x55);
    const FileDescriptor file(memfd_create("file", MFD_CLOEXEC));
    ASSERT_TRUE(WriteFully(file.get(), crooked));
    const auto rows = VectorRows::Open(file.get(), {});
    VectorRow row;
    for (int i = 0; rows && i < 10; ++i) {
      const auto more = (*rows)->Next(row);
      if (!more || !*more) break;
    }
  }
}

}  // namespace
}  // namespace lakehouse::ingest
