#include "ingest/parquet_import.h"

#include <arrow/api.h>
#include <arrow/compute/cast.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <unistd.h>

#include <set>

#include "ingest/arrow_parquet_file.h"
#include "ingest/exact_types.h"
#include "ingest/parquet_errors.h"

namespace lakehouse::ingest {
namespace {

constexpr int64_t kMaxGroupRows = 122'880;
// About how much of the file's values is in memory at once.
constexpr int64_t kBatchBytes = int64_t{128} << 20;
constexpr int64_t kMicrosPerMilli = 1'000, kMicrosPerSecond = 1'000'000, kNanosPerMicro = 1'000;
constexpr int64_t kMillisPerDay = 86'400'000;

bool IsText(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY)
    return IsText(*static_cast<const arrow::DictionaryType&>(type).value_type());
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
}

bool IsNanoseconds(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP &&
         static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO;
}

// More digits than any reader of a dataset has.
bool IsHugeDecimal(const arrow::DataType& type) {
  constexpr int32_t kMaxDigits = 38;
  return arrow::is_decimal(type.id()) && static_cast<const arrow::DecimalType&>(type).precision() > kMaxDigits;
}

// The simple type of a column, nullopt where it keeps its own.
std::optional<ColumnType> TypeOf(const arrow::DataType& type) {
  if (IsText(type)) return ColumnType::kVarchar;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return ColumnType::kBoolean;
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
      return ColumnType::kBigint;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return ColumnType::kDouble;
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return ColumnType::kDate;
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? ColumnType::kTimestamp
                                                                               : ColumnType::kTimestampTz;
    case arrow::Type::NA:
      return ColumnType::kVarchar;
    default:
      return IsHugeDecimal(type) ? std::optional(ColumnType::kVarchar) : std::nullopt;
  }
}

// An integer of any width; REQUIRES: the value is there and fits int64.
int64_t IntAt(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::INT8:
      return static_cast<const arrow::Int8Array&>(array).Value(i);
    case arrow::Type::INT16:
      return static_cast<const arrow::Int16Array&>(array).Value(i);
    case arrow::Type::INT32:
      return static_cast<const arrow::Int32Array&>(array).Value(i);
    case arrow::Type::UINT8:
      return static_cast<const arrow::UInt8Array&>(array).Value(i);
    case arrow::Type::UINT16:
      return static_cast<const arrow::UInt16Array&>(array).Value(i);
    case arrow::Type::UINT32:
      return static_cast<const arrow::UInt32Array&>(array).Value(i);
    default:
      return static_cast<const arrow::Int64Array&>(array).Value(i);
  }
}

// Microseconds; nullopt past 64 bits. REQUIRES: nanoseconds are whole microseconds.
std::optional<int64_t> MicrosAt(const arrow::Array& array, int64_t i) {
  const int64_t value = static_cast<const arrow::TimestampArray&>(array).Value(i);
  const auto unit = static_cast<const arrow::TimestampType&>(*array.type()).unit();
  if (unit == arrow::TimeUnit::NANO) return value / kNanosPerMicro;
  int64_t factor = 1;
  if (unit == arrow::TimeUnit::MILLI) factor = kMicrosPerMilli;
  if (unit == arrow::TimeUnit::SECOND) factor = kMicrosPerSecond;
  int64_t micros = 0;
  if (__builtin_mul_overflow(value, factor, &micros)) return std::nullopt;
  return micros;
}

Result<std::string_view> TextAt(const arrow::Array& array, int64_t i, ColumnData& column) {
  switch (array.type_id()) {
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(array).GetView(i);
    case arrow::Type::LARGE_STRING:
      return static_cast<const arrow::LargeStringArray&>(array).GetView(i);
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
      const int64_t index = dictionary.GetValueIndex(i);
      if (dictionary.dictionary()->IsNull(index)) return UnusableParquet("a dictionary has a NULL");
      return TextAt(*dictionary.dictionary(), index, column);
    }
    default: {
      const auto scalar = array.GetScalar(i);
      if (!scalar.ok()) return UnusableParquet(scalar.status().message());
      return column.kept.emplace_back((*scalar)->ToString());
    }
  }
}

Status AddValue(const arrow::Array& array, int64_t i, const std::string& name, ColumnData& column) {
  column.AddValid();
  switch (column.type) {
    case ColumnType::kBoolean:
      column.booleans.push_back(static_cast<const arrow::BooleanArray&>(array).Value(i) ? 1 : 0);
      return {};
    case ColumnType::kBigint:
      column.ints.push_back(IntAt(array, i));
      return {};
    case ColumnType::kDouble:
      column.doubles.push_back(array.type_id() == arrow::Type::FLOAT
                                   ? static_cast<const arrow::FloatArray&>(array).Value(i)
                                   : static_cast<const arrow::DoubleArray&>(array).Value(i));
      return {};
    case ColumnType::kDate: {
      const int64_t day = array.type_id() == arrow::Type::DATE32
                              ? static_cast<const arrow::Date32Array&>(array).Value(i)
                              : static_cast<const arrow::Date64Array&>(array).Value(i) / kMillisPerDay;
      if (day < INT32_MIN || day > INT32_MAX)
        return Fail(ErrorKind::kInvalid, "column \"{}\": a date is out of range", name);
      column.dates.push_back(static_cast<int32_t>(day));
      return {};
    }
    case ColumnType::kTimestamp:
    case ColumnType::kTimestampTz: {
      const auto micros = MicrosAt(array, i);
      if (!micros) return Fail(ErrorKind::kInvalid, "column \"{}\": a timestamp is out of range", name);
      column.ints.push_back(*micros);
      return {};
    }
    case ColumnType::kVarchar: {
      LH_ASSIGN(const std::string_view text, TextAt(array, i, column));
      if (text.size() > kMaxFieldBytes)
        return Fail(ErrorKind::kInvalid, "column \"{}\": a value is longer than {} MiB", name, kMaxFieldBytes >> 20);
      column.texts.push_back(text);
      return {};
    }
  }
  return {};
}

class ParquetImport {
 public:
  ParquetImport(const RequestContext& context, const ImportOptions& options, ImportTarget& target)
      : context_(context), options_(options), target_(target) {}

  Status Run(int descriptor) {
    LH_TRY(Open(descriptor));
    LH_TRY(FindColumns());
    LH_TRY(target_.Begin(schema_));
    int64_t rows = 0;
    LH_TRY(EachBatch({}, [&](const arrow::RecordBatch& batch) -> Status {
      rows += batch.num_rows();
      return Encode(batch);
    }));
    if (rows != claimed_rows_) return UnusableParquet("it does not hold the rows that its footer counts");
    return {};
  }

 private:
  using OnBatch = std::function<Status(const arrow::RecordBatch&)>;

  Status Open(int descriptor) {
    const int own = ::dup(descriptor);
    if (own < 0) return Fail(ErrorKind::kUnavailable, "cannot open the file once more");
    auto file = arrow::io::ReadableFile::Open(own);
    if (!file.ok()) return CheckedRead(file.status());
    auto reader = parquet::ParquetFileReader::Open(*file);
    const auto metadata = reader->metadata();
    LH_TRY(CountRows(*metadata));
    parquet::ArrowReaderProperties properties;
    properties.set_pre_buffer(false);
    properties.set_batch_size(BatchRows(*metadata));
    return CheckedRead(
        parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(reader), properties).Value(&reader_));
  }

  Status CountRows(const parquet::FileMetaData& metadata) {
    for (int i = 0; i < metadata.num_row_groups(); ++i) {
      const int64_t rows = metadata.RowGroup(i)->num_rows();
      if (rows < 0 || __builtin_add_overflow(claimed_rows_, rows, &claimed_rows_))
        return UnusableParquet("a row group has an impossible number of rows");
    }
    if (claimed_rows_ != metadata.num_rows())
      return UnusableParquet("its row groups have other rows than its footer counts");
    return {};
  }

  int64_t BatchRows(const parquet::FileMetaData& metadata) const {
    int64_t widest = 1;
    for (int i = 0; i < metadata.num_row_groups(); ++i) {
      const auto group = metadata.RowGroup(i);
      if (group->num_rows() > 0) widest = std::max(widest, group->total_byte_size() / group->num_rows());
    }
    return std::clamp<int64_t>(kBatchBytes / widest, 1, kMaxGroupRows);
  }

  Status FindColumns() {
    std::shared_ptr<arrow::Schema> schema;
    LH_TRY(CheckedRead(reader_->GetSchema(&schema)));
    if (schema->num_fields() == 0) return Fail(ErrorKind::kInvalid, "the file has no columns");
    if (static_cast<size_t>(schema->num_fields()) > kMaxColumns)
      return Fail(ErrorKind::kInvalid, "the file has {} columns; at most {} are possible", schema->num_fields(),
                  kMaxColumns);
    if (!options_.types.empty())
      return Fail(ErrorKind::kInvalid, "types cannot be given: a Parquet file has its columns' types in it");
    std::set<std::string> names;
    for (int i = 0; i < schema->num_fields(); ++i) {
      const arrow::Field& field = *schema->field(i);
      if (field.name().empty()) return Fail(ErrorKind::kInvalid, "column {} has no name", i + 1);
      if (!names.insert(field.name()).second)
        return Fail(ErrorKind::kInvalid, "two columns have the name \"{}\"", field.name());
      LH_TRY(AddColumn(field));
      if (IsNanoseconds(*field.type())) LH_TRY(CheckNanoseconds(i));
    }
    LH_TRY(options_.existing ? MatchExisting(*options_.existing) : Status());
    typed_ = HasExactTypes(schema_.columns);
    return {};
  }

  Status AddColumn(const arrow::Field& field) {
    FileColumn column{field.name(), ColumnType::kVarchar, static_cast<int32_t>(schema_.columns.size() + 1)};
    if (const auto simple = TypeOf(*field.type())) {
      column.type = *simple;
      stored_.push_back(nullptr);
    } else {
      auto exact = ExactTypeOf(*field.type());
      if (!exact) return Fail(exact.error().kind, "column \"{}\": {}", field.name(), exact.error().detail);
      column.exact = exact->name;
      stored_.push_back(exact->stored);
    }
    schema_.columns.push_back(std::move(column));
    return {};
  }

  // Where the file's reader counts a column that is not nested.
  int LeafOf(int column) const {
    const parquet::SchemaDescriptor& schema = *reader_->parquet_reader()->metadata()->schema();
    for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
      if (schema.group_node()->FieldIndex(*schema.GetColumnRoot(leaf)) == column) return leaf;
    }
    return column;
  }

  // Nanoseconds that microseconds cannot hold make the column text.
  Status CheckNanoseconds(int column) {
    return EachBatch({LeafOf(column)}, [&](const arrow::RecordBatch& batch) -> Status {
      const auto& array = static_cast<const arrow::TimestampArray&>(*batch.column(0));
      for (int64_t i = 0; i < array.length(); ++i) {
        if (!array.IsNull(i) && array.Value(i) % kNanosPerMicro != 0)
          schema_.columns[static_cast<size_t>(column)].type = ColumnType::kVarchar;
      }
      return {};
    });
  }

  Status MatchExisting(const std::vector<FileColumn>& existing) {
    if (existing.size() != schema_.columns.size())
      return Fail(ErrorKind::kConflict, "the file has {} columns where the dataset has {}", schema_.columns.size(),
                  existing.size());
    for (size_t i = 0; i < existing.size(); ++i) {
      FileColumn& column = schema_.columns[i];
      if (existing[i].name != column.name || existing[i].type_name() != column.type_name()) {
        return Fail(ErrorKind::kConflict, "column {} is \"{}\" {} where the dataset has \"{}\" {}", i + 1, column.name,
                    column.type_name(), existing[i].name, existing[i].type_name());
      }
      column.field_id = existing[i].field_id;
    }
    return {};
  }

  // All columns where none is named.
  Status EachBatch(const std::vector<int>& columns, const OnBatch& on_batch) {
    std::vector<int> groups(static_cast<size_t>(reader_->num_row_groups()));
    for (size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
    std::unique_ptr<arrow::RecordBatchReader> batches;
    LH_TRY(CheckedRead(
        (columns.empty() ? reader_->GetRecordBatchReader(groups) : reader_->GetRecordBatchReader(groups, columns))
            .Value(&batches)));
    while (true) {
      LH_TRY(context_.Check("reading the file"));
      std::shared_ptr<arrow::RecordBatch> batch;
      LH_TRY(CheckedRead(batches->ReadNext(&batch)));
      if (!batch) return {};
      LH_TRY(CheckedRead(batch->ValidateFull()));
      if (batch->num_rows() > 0) LH_TRY(on_batch(*batch));
    }
  }

  Status Encode(const arrow::RecordBatch& batch) {
    data_.resize(schema_.columns.size());
    if (static_cast<size_t>(batch.num_columns()) != data_.size()) return UnusableParquet("a row group lacks columns");
    if (typed_) return AddTyped(batch);
    for (size_t c = 0; c < data_.size(); ++c) {
      data_[c].Clear(schema_.columns[c].type);
      const auto array = batch.column(static_cast<int>(c));
      for (int64_t i = 0; i < array->length(); ++i) {
        if (array->type_id() == arrow::Type::NA || array->IsNull(i)) {
          data_[c].AddNull();
        } else {
          LH_TRY(AddValue(*array, i, schema_.columns[c].name, data_[c]));
        }
      }
    }
    LH_ASSIGN(const auto group, encoder_.Encode(data_));
    return target_.Add(group);
  }

  Status AddTyped(const arrow::RecordBatch& batch) {
    arrow::ArrayVector arrays;
    arrow::FieldVector fields;
    for (size_t c = 0; c < data_.size(); ++c) {
      const auto type = stored_[c] != nullptr ? stored_[c] : StoredType(schema_.columns[c].type);
      LH_ASSIGN(arrays.emplace_back(), Stored(*batch.column(static_cast<int>(c)), type, schema_.columns[c]));
      fields.push_back(arrow::field(schema_.columns[c].name, type));
    }
    return target_.AddBatch(*arrow::RecordBatch::Make(arrow::schema(fields), batch.num_rows(), std::move(arrays)));
  }

  static Result<std::shared_ptr<arrow::Array>> Stored(const arrow::Array& array,
                                                      const std::shared_ptr<arrow::DataType>& type,
                                                      const FileColumn& column) {
    const auto cast = arrow::compute::Cast(array, type, arrow::compute::CastOptions::Safe());
    if (cast.ok()) return *cast;
    if (cast.status().IsOutOfMemory())
      return Fail(ErrorKind::kExhausted, "there is no memory to read the Parquet file");
    return Fail(ErrorKind::kUnprocessable, "column \"{}\": its values cannot become {}: {}", column.name,
                column.type_name(), cast.status().message());
  }

  const RequestContext& context_;
  const ImportOptions& options_;
  ImportTarget& target_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  int64_t claimed_rows_ = 0;
  ImportSchema schema_;
  // By column: what one with an exact type is stored as; nullptr for one of a simple type.
  std::vector<std::shared_ptr<arrow::DataType>> stored_;
  bool typed_ = false;
  std::vector<ColumnData> data_;
  ParquetEncoder encoder_;
};

}  // namespace

Status ImportParquet(const RequestContext& context, int descriptor, const ImportOptions& options,
                     ImportTarget& target) {
  // The reader throws on much of what a file can lie about.
  try {
    return ParquetImport(context, options, target).Run(descriptor);
  } catch (const std::bad_alloc&) {
    return Fail(ErrorKind::kExhausted, "there is no memory to read the Parquet file");
  } catch (const std::exception& error) {
    return UnusableParquet(error.what());
  }
}

}  // namespace lakehouse::ingest
