#include "ingest/parquet_file.h"

#include <cstring>

#include "ingest/parquet_thrift.h"
#include "version.h"

namespace lakehouse::ingest {
namespace {

constexpr std::string_view kMagic = "PAR1";
constexpr int kCodecNone = 0, kCodecSnappy = 1;
constexpr int kOptional = 1;

// Parquet's physical types.
int PhysicalType(ColumnType type) {
  switch (type) {
    case ColumnType::kBoolean:
      return 0;
    case ColumnType::kDate:
      return 1;
    case ColumnType::kBigint:
    case ColumnType::kTimestamp:
    case ColumnType::kTimestampTz:
      return 2;
    case ColumnType::kDouble:
      return 5;
    case ColumnType::kVarchar:
      return 6;
  }
  return 6;
}

// The older way of saying what a type means, for readers that know no other.
void WriteConvertedType(ThriftWriter& thrift, ColumnType type) {
  constexpr int kUtf8 = 0, kDate = 6, kTimestampMicros = 10;
  if (type == ColumnType::kTimestampTz) thrift.I32(6, kTimestampMicros);
  if (type == ColumnType::kDate) thrift.I32(6, kDate);
  if (type == ColumnType::kVarchar) thrift.I32(6, kUtf8);
}

void WriteSchemaColumn(ThriftWriter& thrift, const FileColumn& column) {
  constexpr int16_t kLogical = 10, kString = 1, kDate = 6, kTimestamp = 8, kMicros = 2;
  thrift.BeginStruct();
  thrift.I32(1, PhysicalType(column.type));
  thrift.I32(3, kOptional);
  thrift.Binary(4, column.name);
  WriteConvertedType(thrift, column.type);
  thrift.I32(9, column.field_id);
  const auto empty = [&](int16_t id) {
    thrift.Struct(id);
    thrift.EndStruct();
  };
  if (column.type == ColumnType::kVarchar || column.type == ColumnType::kDate) {
    thrift.Struct(kLogical);
    empty(column.type == ColumnType::kVarchar ? kString : kDate);
    thrift.EndStruct();
  } else if (column.type == ColumnType::kTimestamp || column.type == ColumnType::kTimestampTz) {
    thrift.Struct(kLogical);
    thrift.Struct(kTimestamp);
    thrift.Bool(1, column.type == ColumnType::kTimestampTz);
    thrift.Struct(2);
    empty(kMicros);
    thrift.EndStruct();
    thrift.EndStruct();
    thrift.EndStruct();
  }
  thrift.EndStruct();
}

void WriteChunk(ThriftWriter& thrift, const FileColumn& column, const EncodedChunk& chunk, int64_t group_offset) {
  const int64_t start = group_offset + chunk.dictionary_offset.value_or(chunk.data_offset);
  thrift.BeginStruct();
  thrift.I64(2, start);
  thrift.Struct(3);
  thrift.I32(1, PhysicalType(column.type));
  const bool dictionary = chunk.dictionary_offset.has_value();
  thrift.List(2, ThriftWriter::kI32, dictionary ? 3 : 2);
  thrift.I32Item(3);  // RLE: the levels
  thrift.I32Item(static_cast<int>(chunk.encoding));
  if (dictionary) thrift.I32Item(static_cast<int>(ValueEncoding::kPlain));
  thrift.List(3, ThriftWriter::kBinary, 1);
  thrift.BinaryItem(column.name);
  thrift.I32(4, chunk.snappy ? kCodecSnappy : kCodecNone);
  thrift.I64(5, chunk.values);
  thrift.I64(6, chunk.uncompressed_bytes);
  thrift.I64(7, chunk.compressed_bytes);
  thrift.I64(9, group_offset + chunk.data_offset);
  if (dictionary) thrift.I64(11, start);
  thrift.Struct(12);
  thrift.I64(3, chunk.nulls);
  if (chunk.min && chunk.max) {
    thrift.Binary(5, *chunk.max);
    thrift.Binary(6, *chunk.min);
  }
  thrift.EndStruct();
  thrift.EndStruct();
  thrift.EndStruct();
}

template <typename T>
T ReadPlain(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof(T), bytes.size()));
  return value;
}

// Smaller in the order of the type; both are plain values of it.
bool Less(ColumnType type, std::string_view a, std::string_view b) {
  switch (type) {
    case ColumnType::kBoolean:
      return a[0] < b[0];
    case ColumnType::kBigint:
    case ColumnType::kTimestamp:
    case ColumnType::kTimestampTz:
      return ReadPlain<int64_t>(a) < ReadPlain<int64_t>(b);
    case ColumnType::kDouble:
      return ReadPlain<double>(a) < ReadPlain<double>(b);
    case ColumnType::kDate:
      return ReadPlain<int32_t>(a) < ReadPlain<int32_t>(b);
    case ColumnType::kVarchar:
      return a < b;
  }
  return false;
}

// Timestamps as microseconds and dates as days since 1970: plain numbers, whatever the reader's calendar.
std::string StatText(ColumnType type, std::string_view plain) {
  switch (type) {
    case ColumnType::kBoolean:
      return plain[0] != 0 ? "true" : "false";
    case ColumnType::kBigint:
    case ColumnType::kTimestamp:
    case ColumnType::kTimestampTz:
      return std::to_string(ReadPlain<int64_t>(plain));
    case ColumnType::kDouble:
      return fmt::format("{}", ReadPlain<double>(plain));
    case ColumnType::kDate:
      return std::to_string(ReadPlain<int32_t>(plain));
    case ColumnType::kVarchar:
      return std::string(plain);
  }
  return {};
}

}  // namespace

Status ParquetFile::Write(std::string_view bytes) {
  LH_TRY(sink_.Write(bytes));
  bytes_ += bytes.size();
  return {};
}

Status ParquetFile::Add(const EncodedRowGroup& group) {
  if (bytes_ == 0) LH_TRY(Write(kMagic));
  groups_.push_back({static_cast<int64_t>(bytes_), group.rows, static_cast<int64_t>(group.bytes.size()), group.chunks});
  rows_ += static_cast<uint64_t>(group.rows);
  return Write(group.bytes);
}

std::string ParquetFile::Footer() const {
  std::string footer;
  ThriftWriter thrift(footer);
  thrift.BeginStruct();
  thrift.I32(1, 2);
  thrift.List(2, ThriftWriter::kStruct, columns_.size() + 1);
  thrift.BeginStruct();
  thrift.Binary(4, "schema");
  thrift.I32(5, static_cast<int32_t>(columns_.size()));
  thrift.EndStruct();
  for (const FileColumn& column : columns_) WriteSchemaColumn(thrift, column);
  thrift.I64(3, static_cast<int64_t>(rows_));
  thrift.List(4, ThriftWriter::kStruct, groups_.size());
  for (const Group& group : groups_) {
    thrift.BeginStruct();
    thrift.List(1, ThriftWriter::kStruct, group.chunks.size());
    int64_t uncompressed = 0;
    for (size_t i = 0; i < group.chunks.size(); ++i) {
      WriteChunk(thrift, columns_[i], group.chunks[i], group.offset);
      uncompressed += group.chunks[i].uncompressed_bytes;
    }
    thrift.I64(2, uncompressed);
    thrift.I64(3, group.rows);
    thrift.I64(5, group.offset);
    thrift.I64(6, group.bytes);
    thrift.EndStruct();
  }
  thrift.Binary(6, std::string("lakehouse version ") + kVersion);
  // The order that statistics were made in: each type's own. Without this nobody may use those of texts.
  thrift.List(7, ThriftWriter::kStruct, columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    thrift.BeginStruct();
    thrift.Struct(1);
    thrift.EndStruct();
    thrift.EndStruct();
  }
  thrift.EndStruct();
  return footer;
}

Status ParquetFile::Finish() {
  if (bytes_ == 0) LH_TRY(Write(kMagic));
  std::string footer = Footer();
  if (footer.size() > INT32_MAX)
    return Fail(ErrorKind::kInvalid, "the file has too many columns for its size: its Parquet footer would pass 2 GiB");
  const auto size = static_cast<uint32_t>(footer.size());
  footer.append(reinterpret_cast<const char*>(&size), sizeof(size));
  footer.append(kMagic);
  return Write(footer);
}

catalog::ColumnStats StatsOf(const FileColumn& column, const std::vector<const EncodedChunk*>& chunks) {
  catalog::ColumnStats stats;
  stats.field_id = column.field_id;
  uint64_t nulls = 0;
  std::optional<std::string> min, max;
  bool complete = true;
  for (const EncodedChunk* chunk : chunks) {
    nulls += static_cast<uint64_t>(chunk->nulls);
    if (chunk->nulls == chunk->values) continue;
    complete = complete && chunk->min && chunk->max;
    if (!complete) continue;
    if (!min || Less(column.type, *chunk->min, *min)) min = chunk->min;
    if (!max || Less(column.type, *max, *chunk->max)) max = chunk->max;
  }
  stats.null_count = nulls;
  if (complete && min) {
    stats.min = StatText(column.type, *min);
    stats.max = StatText(column.type, *max);
  }
  return stats;
}

std::vector<catalog::ColumnStats> ParquetFile::Stats() const {
  std::vector<catalog::ColumnStats> stats;
  for (size_t i = 0; i < columns_.size(); ++i) {
    std::vector<const EncodedChunk*> chunks;
    chunks.reserve(groups_.size());
    for (const Group& group : groups_) chunks.push_back(&group.chunks[i]);
    stats.push_back(StatsOf(columns_[i], chunks));
  }
  return stats;
}

}  // namespace lakehouse::ingest
