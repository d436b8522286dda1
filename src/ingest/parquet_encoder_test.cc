#include "ingest/parquet_encoder.h"

#include <gtest/gtest.h>
#include <parquet/encoding.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <functional>
#include <limits>
#include <random>

#include "ingest/import_test_target.h"
#include "ingest/parquet_delta.h"

namespace lakehouse::ingest {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();

std::vector<int64_t> Made(size_t count, const std::function<int64_t(size_t)>& value) {
  std::vector<int64_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = value(i);
  return values;
}

// A file of one column; every seventh row is NULL if asked for.
std::string FileOf(ColumnData column, bool with_nulls) {
  const size_t values = std::max({column.ints.size(), column.doubles.size(), column.texts.size()});
  for (size_t i = 0; i < values; ++i) {
    if (with_nulls && i % 6 == 0) column.AddNull();
    column.AddValid();
  }
  MemoryTarget target;
  EXPECT_TRUE(target.Begin({{{"c", column.type, 1, ""}}, {}}));
  ParquetEncoder encoder;
  std::vector<ColumnData> columns;
  columns.push_back(std::move(column));
  EXPECT_TRUE(target.Add(encoder.Encode(columns).value()));
  EXPECT_TRUE(target.Finish());
  return target.bytes;
}

TEST(ParquetEncoder, PagesHaveChecksums) {
  ColumnData column(ColumnType::kBigint);
  column.ints = Made(1000, [](size_t i) { return static_cast<int64_t>(i * i * 7919 % 1'000'003); });
  std::string bytes = FileOf(std::move(column), false);
  ASSERT_NE(ReadParquet(bytes), nullptr);
  bytes[bytes.size() / 2] ^= 1;  // inside the only page
  EXPECT_EQ(ReadParquet(bytes), nullptr);
}

std::vector<int64_t> ReadInts(const std::string& bytes) {
  std::vector<int64_t> values;
  const auto table = ReadParquet(bytes);
  if (table == nullptr) return values;
  for (const auto& chunk : table->column(0)->chunks()) {
    const auto& array = static_cast<const arrow::Int64Array&>(*chunk);
    for (int64_t i = 0; i < array.length(); ++i) {
      if (array.IsValid(i)) values.push_back(array.Value(i));
    }
  }
  return values;
}

std::unique_ptr<parquet::ColumnChunkMetaData> FirstChunk(const std::string& bytes) {
  const auto reader =
      parquet::ParquetFileReader::Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes)));
  return reader->metadata()->RowGroup(0)->ColumnChunk(0);
}

bool Has(const parquet::ColumnChunkMetaData& chunk, parquet::Encoding::type encoding) {
  return std::ranges::count(chunk.encodings(), encoding) > 0;
}

std::string FileOfInts(std::vector<int64_t> values, bool with_nulls = false) {
  ColumnData column;
  column.Clear(ColumnType::kBigint);
  column.ints = std::move(values);
  return FileOf(std::move(column), with_nulls);
}

TEST(ParquetEncoder, NumbersCloseTogetherAreDeltas) {
  std::mt19937_64 random(1);
  const std::vector<std::pair<const char*, std::vector<int64_t>>> columns = {
      {"counting", Made(100'000, [](size_t i) { return static_cast<int64_t>(i); })},
      {"down from the top", Made(5'000, [](size_t i) { return kMost - static_cast<int64_t>(i) * 1'000; })},
      {"up from the bottom", Made(4'097, [](size_t i) { return kLeast + static_cast<int64_t>(i) * 60'000'000; })},
      {"jitter", Made(70'001, [&](size_t i) { return static_cast<int64_t>(i * 1'000'000 + random() % 900'000); })},
      {"one block", Made(1'025, [](size_t i) { return static_cast<int64_t>(i); })},
      {"one more", Made(1'026, [](size_t i) { return static_cast<int64_t>(i); })},
      {"far jumps, few", Made(100'000, [](size_t i) { return i % 50'000 == 7 ? kLeast : static_cast<int64_t>(i); })}};
  for (const auto& [name, values] : columns) {
    for (const bool with_nulls : {false, true}) {
      const std::string bytes = FileOfInts(values, with_nulls);
      EXPECT_TRUE(Has(*FirstChunk(bytes), parquet::Encoding::DELTA_BINARY_PACKED)) << name;
      EXPECT_LT(bytes.size(), values.size() * 6 + 2'000) << name;
      EXPECT_EQ(ReadInts(bytes), values) << name << (with_nulls ? ", with NULLs" : "");
    }
  }
}

TEST(ParquetEncoder, NumbersFarApartArePlain) {
  std::mt19937_64 random(2);
  const auto values = Made(50'000, [&](size_t) { return static_cast<int64_t>(random()); });
  const std::string bytes = FileOfInts(values);
  const auto chunk = FirstChunk(bytes);
  EXPECT_TRUE(Has(*chunk, parquet::Encoding::PLAIN));
  EXPECT_FALSE(Has(*chunk, parquet::Encoding::DELTA_BINARY_PACKED));
  EXPECT_EQ(chunk->compression(), arrow::Compression::UNCOMPRESSED) << "nothing to gain from noise";
  EXPECT_EQ(chunk->total_compressed_size(), chunk->total_uncompressed_size());
  EXPECT_EQ(ReadInts(bytes), values);
}

// Also where the encoder would not choose them, and where differences wrap around.
TEST(ParquetEncoder, DeltasOfEveryWidthAreRead) {
  std::mt19937_64 random(3);
  for (unsigned width = 0; width <= 64; ++width) {
    const uint64_t mask = width == 64 ? UINT64_MAX : (uint64_t{1} << width) - 1;
    for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{3'000}}) {
      uint64_t last = random();
      const auto values = Made(count, [&](size_t) { return static_cast<int64_t>(last += random() & mask); });
      std::string page;
      AppendDeltas(page, values);
      EXPECT_LE(page.size(), count * 81 / 10 + 1'100);
      const auto decoder = parquet::MakeTypedDecoder<parquet::Int64Type>(parquet::Encoding::DELTA_BINARY_PACKED);
      decoder->SetData(static_cast<int>(count), reinterpret_cast<const uint8_t*>(page.data()),
                       static_cast<int>(page.size()));
      std::vector<int64_t> read(count);
      EXPECT_EQ(decoder->Decode(read.data(), static_cast<int>(count)), static_cast<int>(count));
      EXPECT_EQ(read, values) << width << " bits, " << count;
    }
  }
}

TEST(ParquetEncoder, SnappyOnlyWhereItPays) {
  std::mt19937_64 random(4);
  ColumnData noise;
  noise.Clear(ColumnType::kVarchar);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int j = 0; j < 16; ++j) text.push_back(static_cast<char>('!' + random() % 90));
    noise.kept.push_back(text);
  }
  for (const auto& text : noise.kept) noise.texts.push_back(text);
  EXPECT_EQ(FirstChunk(FileOf(std::move(noise), false))->compression(), arrow::Compression::UNCOMPRESSED);
  ColumnData alike;
  alike.Clear(ColumnType::kVarchar);
  for (int i = 0; i < 20'000; ++i) alike.kept.push_back("the same beginning, and then " + std::to_string(i));
  for (const auto& text : alike.kept) alike.texts.push_back(text);
  const auto chunk = FirstChunk(FileOf(std::move(alike), false));
  EXPECT_EQ(chunk->compression(), arrow::Compression::SNAPPY);
  EXPECT_LT(chunk->total_compressed_size(), chunk->total_uncompressed_size() / 2);
  ColumnData numbers;
  numbers.Clear(ColumnType::kDouble);
  for (int i = 0; i < 20'000; ++i) numbers.doubles.push_back(static_cast<double>(random()) / 7.0);
  EXPECT_EQ(FirstChunk(FileOf(std::move(numbers), true))->compression(), arrow::Compression::UNCOMPRESSED);
}

}  // namespace
}  // namespace lakehouse::ingest
