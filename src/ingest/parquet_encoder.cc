#include "ingest/parquet_encoder.h"

#include <arrow/util/compression.h>
#include <libdeflate.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "ingest/parquet_bits.h"
#include "ingest/parquet_delta.h"
#include "ingest/parquet_dictionary.h"
#include "ingest/parquet_thrift.h"
#include "ingest/parquet_varint.h"

namespace lakehouse::ingest {
namespace {

constexpr int kLevelEncoding = 3;  // RLE
constexpr int kPageData = 0, kPageDictionary = 2;
constexpr size_t kMaxStatisticBytes = 64;

template <typename T>
void AppendRaw(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

// `count` times the same value, as one run of the RLE/bit-packing hybrid.
void AppendRun(std::string& out, uint64_t count, uint32_t value, int width) {
  AppendVarint(out, count << 1);
  for (int bits = 0; bits < width; bits += 8) out.push_back(static_cast<char>(value >> bits));
}

// All values as one bit-packed run, the last group of eight filled up with zeros.
template <typename T>
void AppendBitPacked(std::string& out, const std::vector<T>& values, int width) {
  const uint64_t groups = (values.size() + 7) / 8;
  AppendVarint(out, groups << 1 | 1);
  AppendBits(out, std::span<const T>(values), static_cast<unsigned>(width), groups * 8);
}

// Definition levels of an optional column, with the four bytes of length that a version 1 data page wants.
void AppendLevels(std::string& out, const ColumnData& column) {
  const size_t start = out.size();
  out.append(4, '\0');
  if (column.nulls == 0) {
    AppendRun(out, column.rows, 1, 1);
  } else if (column.nulls == column.rows) {
    AppendRun(out, column.rows, 0, 1);
  } else {
    AppendBitPacked(out, column.valid, 1);
  }
  const auto size = static_cast<uint32_t>(out.size() - start - 4);
  std::memcpy(out.data() + start, &size, sizeof(size));
}

template <typename T>
void AppendPlain(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

void AppendPlain(std::string& out, const std::vector<std::string_view>& values) {
  size_t bytes = values.size() * 4;
  for (const std::string_view value : values) bytes += value.size();
  const size_t start = out.size();
  out.resize(start + bytes);
  char* at = out.data() + start;
  for (const std::string_view value : values) {
    const auto size = static_cast<uint32_t>(value.size());
    std::memcpy(at, &size, 4);
    std::memcpy(at + 4, value.data(), size);
    at += 4 + size;
  }
}

// The values as they take least to store and to read back; says how.
template <typename T>
ValueEncoding AppendValues(std::string& out, const std::vector<T>& values) {
  AppendPlain(out, values);
  return ValueEncoding::kPlain;
}

ValueEncoding AppendValues(std::string& out, const std::vector<int64_t>& values) {
  const size_t start = out.size(), plain = values.size() * sizeof(int64_t);
  AppendDeltas(out, values);
  // Adding up costs a reader more than copying.
  if (out.size() - start <= plain - plain / 4) return ValueEncoding::kDelta;
  out.resize(start);
  AppendPlain(out, values);
  return ValueEncoding::kPlain;
}

template <typename T>
std::string PlainOf(T value) {
  std::string out;
  AppendRaw(out, value);
  return out;
}

template <typename T>
void SetRange(EncodedChunk& chunk, const std::vector<T>& values) {
  if (values.empty()) return;
  const auto [low, high] = std::ranges::minmax_element(values);
  chunk.min = PlainOf(*low);
  chunk.max = PlainOf(*high);
}

// NaN has no place in an order, and the two zeros must both lie inside.
void SetRange(EncodedChunk& chunk, const std::vector<double>& values) {
  if (values.empty()) return;
  double low = values.front(), high = values.front();
  for (const double value : values) {
    if (std::isnan(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  chunk.min = PlainOf(low == 0 ? -0.0 : low);
  chunk.max = PlainOf(high == 0 ? 0.0 : high);
}

// string_view compares bytes as unsigned, which is the order that Parquet wants. Long ones are left out.
void SetRange(EncodedChunk& chunk, const std::vector<std::string_view>& values) {
  if (values.empty()) return;
  const auto [low, high] = std::ranges::minmax_element(values);
  if (low->size() > kMaxStatisticBytes || high->size() > kMaxStatisticBytes) return;
  chunk.min = std::string(*low);
  chunk.max = std::string(*high);
}

}  // namespace

struct ParquetEncoder::Impl {
  struct Page {
    int64_t values = 0;
    ValueEncoding encoding = ValueEncoding::kPlain;
    std::string bytes;
    std::string compressed;
  };

  std::unique_ptr<arrow::util::Codec> codec = arrow::util::Codec::Create(arrow::Compression::SNAPPY).ValueOrDie();
  Dictionary<int64_t, NumberTraits<int64_t>> ints;
  Dictionary<double, NumberTraits<double>> doubles;
  Dictionary<int32_t, NumberTraits<int32_t>> dates;
  Dictionary<std::string_view, TextTraits> texts;
  Page dictionary;  // of the chunk in the making; empty: none
  Page data;

  Status Compress(Page& page) const {
    if (page.bytes.size() > INT32_MAX)
      return Fail(ErrorKind::kInvalid, "a column has more than 2 GiB of text in one row group");
    const auto* input = reinterpret_cast<const uint8_t*>(page.bytes.data());
    const auto input_size = static_cast<int64_t>(page.bytes.size());
    page.compressed.resize(static_cast<size_t>(codec->MaxCompressedLen(input_size, input)));
    const auto size = codec->Compress(input_size, input, static_cast<int64_t>(page.compressed.size()),
                                      reinterpret_cast<uint8_t*>(page.compressed.data()));
    if (!size.ok()) return Fail(ErrorKind::kInternal, "cannot compress a page: {}", size.status().message());
    page.compressed.resize(static_cast<size_t>(*size));
    return {};
  }

  static void AppendPage(std::string& out, int type, const Page& page, EncodedChunk& chunk) {
    const std::string& stored = chunk.snappy ? page.compressed : page.bytes;
    const size_t start = out.size();
    ThriftWriter thrift(out);
    thrift.BeginStruct();
    thrift.I32(1, type);
    thrift.I32(2, static_cast<int32_t>(page.bytes.size()));
    thrift.I32(3, static_cast<int32_t>(stored.size()));
    thrift.I32(4, static_cast<int32_t>(libdeflate_crc32(0, stored.data(), stored.size())));
    thrift.Struct(type == kPageData ? 5 : 7);
    thrift.I32(1, static_cast<int32_t>(page.values));
    thrift.I32(2, static_cast<int>(page.encoding));
    if (type == kPageData) {
      thrift.I32(3, kLevelEncoding);
      thrift.I32(4, kLevelEncoding);
    }
    thrift.EndStruct();
    thrift.EndStruct();
    const auto header = static_cast<int64_t>(out.size() - start);
    out.append(stored);
    chunk.uncompressed_bytes += header + static_cast<int64_t>(page.bytes.size());
    chunk.compressed_bytes += header + static_cast<int64_t>(stored.size());
  }

  // Puts the chunk's pages behind their headers.
  Status AddPages(std::string& out, EncodedChunk& chunk) {
    dictionary.compressed.clear();
    if (!dictionary.bytes.empty()) LH_TRY(Compress(dictionary));
    LH_TRY(Compress(data));
    const size_t plain = dictionary.bytes.size() + data.bytes.size();
    chunk.snappy = dictionary.compressed.size() + data.compressed.size() <= plain - plain / 10;
    chunk.encoding = data.encoding;
    if (!dictionary.bytes.empty()) {
      chunk.dictionary_offset = static_cast<int64_t>(out.size());
      AppendPage(out, kPageDictionary, dictionary, chunk);
    }
    chunk.data_offset = static_cast<int64_t>(out.size());
    AppendPage(out, kPageData, data, chunk);
    return {};
  }

  template <typename T, typename Traits>
  void MakeValues(const std::vector<T>& values, Dictionary<T, Traits>& known, EncodedChunk& chunk) {
    if (values.empty() || !known.Build(values)) {
      SetRange(chunk, values);
      data.encoding = AppendValues(data.bytes, values);
      return;
    }
    SetRange(chunk, known.distinct);
    AppendPlain(dictionary.bytes, known.distinct);
    dictionary.values = static_cast<int64_t>(known.distinct.size());
    const int width = std::max(1, static_cast<int>(std::bit_width(known.distinct.size() - 1)));
    data.bytes.push_back(static_cast<char>(width));
    if (known.distinct.size() == 1) {
      AppendRun(data.bytes, known.codes.size(), 0, width);
    } else {
      AppendBitPacked(data.bytes, known.codes, width);
    }
    data.encoding = ValueEncoding::kDictionary;
  }

  void MakeBooleans(const ColumnData& column, EncodedChunk& chunk) {
    if (!column.booleans.empty()) {
      const auto [low, high] = std::ranges::minmax_element(column.booleans);
      chunk.min = std::string(1, static_cast<char>(*low));
      chunk.max = std::string(1, static_cast<char>(*high));
    }
    const size_t start = data.bytes.size();
    data.bytes.resize(start + (column.booleans.size() + 7) / 8);
    for (size_t i = 0; i < column.booleans.size(); ++i) {
      char& byte = data.bytes[start + i / 8];
      if (column.booleans[i] != 0) byte = static_cast<char>(byte | 1 << (i % 8));
    }
  }

  Result<EncodedChunk> AddChunk(std::string& out, const ColumnData& column) {
    EncodedChunk chunk;
    chunk.type = column.type;
    chunk.values = static_cast<int64_t>(column.rows);
    chunk.nulls = static_cast<int64_t>(column.nulls);
    dictionary.bytes.clear();
    data.bytes.clear();
    data.values = chunk.values;
    data.encoding = ValueEncoding::kPlain;
    AppendLevels(data.bytes, column);
    switch (column.type) {
      case ColumnType::kBoolean:
        MakeBooleans(column, chunk);
        break;
      case ColumnType::kBigint:
      case ColumnType::kTimestamp:
      case ColumnType::kTimestampTz:
        MakeValues(column.ints, ints, chunk);
        break;
      case ColumnType::kDouble:
        MakeValues(column.doubles, doubles, chunk);
        break;
      case ColumnType::kDate:
        MakeValues(column.dates, dates, chunk);
        break;
      case ColumnType::kVarchar:
        MakeValues(column.texts, texts, chunk);
        break;
    }
    LH_TRY(AddPages(out, chunk));
    return chunk;
  }
};

ParquetEncoder::ParquetEncoder() : impl_(std::make_unique<Impl>()) {}
ParquetEncoder::~ParquetEncoder() = default;

Result<EncodedRowGroup> ParquetEncoder::Encode(const std::vector<ColumnData>& columns) {
  EncodedRowGroup group;
  group.rows = static_cast<int64_t>(columns.front().rows);
  for (const ColumnData& column : columns) {
    LH_ASSIGN(auto chunk, impl_->AddChunk(group.bytes, column));
    group.chunks.push_back(std::move(chunk));
  }
  return group;
}

}  // namespace lakehouse::ingest
