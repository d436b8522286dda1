#include "ingest/vector_rows.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/json.h"
#include "base/json_value.h"
#include "ingest/parquet_errors.h"

namespace lakehouse::ingest {
namespace {

// At most 32 MiB of doubles with 4,096 dimensions.
constexpr int64_t kBatchRows = 1024;

bool IsPlainText(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
}

bool IsIdType(const arrow::DataType& type) {
  return IsPlainText(type) || (type.id() >= arrow::Type::UINT8 && type.id() <= arrow::Type::INT64);
}

bool IsVectorType(const arrow::DataType& type) {
  if (IsPlainText(type)) return true;
  const auto id = type.id();
  if (id != arrow::Type::LIST && id != arrow::Type::LARGE_LIST && id != arrow::Type::FIXED_SIZE_LIST) return false;
  const auto item = static_cast<const arrow::BaseListType&>(type).value_type()->id();
  return item == arrow::Type::FLOAT || item == arrow::Type::DOUBLE;
}

bool IsFieldType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::BOOL:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
      return true;
    default:
      return IsIdType(type);
  }
}

// REQUIRES: text, and a value that is there.
std::string_view TextAt(const arrow::Array& array, int64_t i) {
  if (array.type_id() == arrow::Type::STRING) return static_cast<const arrow::StringArray&>(array).GetView(i);
  return static_cast<const arrow::LargeStringArray&>(array).GetView(i);
}

struct ListRange {
  const arrow::Array& values;
  int64_t first, count;
};

template <typename ListArray>
ListRange RangeOf(const arrow::Array& array, int64_t i) {
  const auto& list = static_cast<const ListArray&>(array);
  return {*list.values(), list.value_offset(i), list.value_length(i)};
}

ListRange RangeAt(const arrow::Array& array, int64_t i) {
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return RangeOf<arrow::ListArray>(array, i);
    case arrow::Type::LARGE_LIST:
      return RangeOf<arrow::LargeListArray>(array, i);
    default:
      return RangeOf<arrow::FixedSizeListArray>(array, i);
  }
}

class Rows final : public VectorRows {
 public:
  Status Open(int descriptor, const VectorColumns& columns) {
    const int own = ::dup(descriptor);
    if (own < 0) return Fail(ErrorKind::kUnavailable, "cannot open the file once more");
    std::shared_ptr<arrow::io::ReadableFile> file;
    LH_TRY(CheckedRead(arrow::io::ReadableFile::Open(own).Value(&file)));
    auto reader = parquet::ParquetFileReader::Open(file);
    const auto metadata = reader->metadata();
    if (metadata->num_rows() < 0) return UnusableParquet("it has a negative number of rows");
    rows_ = static_cast<uint64_t>(metadata->num_rows());
    parquet::ArrowReaderProperties properties;
    properties.set_pre_buffer(false);
    properties.set_batch_size(kBatchRows);
    LH_TRY(CheckedRead(
        parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(reader), properties).Value(&reader_)));
    return Start(columns);
  }

  uint64_t rows() const override { return rows_; }

  Result<bool> Next(VectorRow& row) override {
    // The reader throws on much of what a file can lie about.
    try {
      while (!batch_ || at_ == batch_->num_rows()) {
        LH_TRY(CheckedRead(batches_->ReadNext(&batch_)));
        if (!batch_) return false;
        LH_TRY(CheckedRead(batch_->ValidateFull()));
        at_ = 0;
      }
      LH_TRY(Take(row));
      ++at_;
      return true;
    } catch (const std::bad_alloc&) {
      return Fail(ErrorKind::kExhausted, "there is no memory to read the Parquet file");
    } catch (const std::exception& error) {
      return UnusableParquet(error.what());
    }
  }

 private:
  struct Column {
    std::string name;
    int field = -1;
  };

  Status Start(const VectorColumns& columns) {
    std::shared_ptr<arrow::Schema> schema;
    LH_TRY(CheckedRead(reader_->GetSchema(&schema)));
    LH_TRY(Find(*schema, columns.id, IsIdType, "text or integers", id_));
    if (columns.text.empty()) {
      LH_TRY(
          Find(*schema, columns.vector, IsVectorType, "lists of floats or doubles, or JSON arrays as text", vector_));
    } else {
      LH_TRY(Find(*schema, columns.text, IsPlainText, "text", text_));
    }
    for (const std::string& field : columns.fields) {
      LH_TRY(Find(*schema, field, IsFieldType, "booleans, numbers, texts, dates or times", fields_.emplace_back()));
    }
    const bool has_metadata = fields_.empty() && (!columns.metadata.empty() || schema->GetFieldIndex("metadata") >= 0);
    if (has_metadata) {
      LH_TRY(
          Find(*schema, columns.metadata.empty() ? "metadata" : columns.metadata, IsPlainText, "JSON text", metadata_));
    }
    // Only the leaves below these columns are read.
    std::vector<int> leaves;
    std::vector<Column*> wanted{&id_, &vector_, &text_, &metadata_};
    for (Column& column : fields_) wanted.push_back(&column);
    for (const Column* column : wanted) {
      if (column->field >= 0) AddLeaves(reader_->manifest().schema_fields[static_cast<size_t>(column->field)], leaves);
    }
    std::vector<int> groups(static_cast<size_t>(reader_->num_row_groups()));
    for (size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
    std::ranges::sort(leaves);
    leaves.erase(std::unique(leaves.begin(), leaves.end()), leaves.end());
    LH_TRY(CheckedRead(reader_->GetRecordBatchReader(groups, leaves).Value(&batches_)));
    for (Column* column : wanted) {
      if (column->field >= 0) column->field = batches_->schema()->GetFieldIndex(column->name);
    }
    return {};
  }

  static void AddLeaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
    if (field.children.empty()) leaves.push_back(field.column_index);
    for (const auto& child : field.children) AddLeaves(child, leaves);
  }

  static Status Find(const arrow::Schema& schema, const std::string& name, bool (*fits)(const arrow::DataType&),
                     std::string_view wanted, Column& column) {
    const int field = schema.GetFieldIndex(name);
    if (field < 0) {
      std::string names;
      for (int i = 0; i < schema.num_fields() && i < 20; ++i)
        names += (names.empty() ? "" : ", ") + schema.field(i)->name();
      return Fail(ErrorKind::kInvalid, "the file has no column \"{}\", or two of them; it has {}", name, names);
    }
    const arrow::DataType& type = *schema.field(field)->type();
    if (!fits(type))
      return Fail(ErrorKind::kInvalid, "column \"{}\" has the type {}; it must have {}", name, type.ToString(), wanted);
    column = {name, field};
    return {};
  }

  Status Take(VectorRow& row) const {
    LH_TRY(TakeId(row));
    if (text_.field < 0) {
      LH_TRY(TakeVector(row));
    } else {
      const auto array = batch_->column(text_.field);
      if (array->IsNull(at_)) return Fail(ErrorKind::kInvalid, "column \"{}\" is NULL", text_.name);
      row.text = TextAt(*array, at_);
    }
    row.metadata.reset();
    if (!fields_.empty()) return TakeFields(row.metadata.emplace());
    if (metadata_.field < 0) return {};
    const auto array = batch_->column(metadata_.field);
    if (!array->IsNull(at_)) row.metadata = TextAt(*array, at_);
    return {};
  }

  Status TakeId(VectorRow& row) const {
    const auto array = batch_->column(id_.field);
    if (array->IsNull(at_)) return Fail(ErrorKind::kInvalid, "column \"{}\" is NULL", id_.name);
    if (IsPlainText(*array->type())) {
      row.id = TextAt(*array, at_);
      return {};
    }
    const auto scalar = array->GetScalar(at_);
    if (!scalar.ok()) return UnusableParquet(scalar.status().message());
    row.id = (*scalar)->ToString();
    return {};
  }

  Status TakeFields(std::string& metadata) const {
    JsonWriter out(metadata);
    out.BeginObject();
    for (const Column& column : fields_) {
      const auto array = batch_->column(column.field);
      if (array->IsNull(at_)) continue;
      out.Key(column.name);
      const auto id = array->type_id();
      if (IsPlainText(*array->type())) {
        out.String(TextAt(*array, at_));
        continue;
      }
      const auto scalar = array->GetScalar(at_);
      if (!scalar.ok()) return UnusableParquet(scalar.status().message());
      if (id == arrow::Type::DOUBLE) {
        out.Number(static_cast<const arrow::DoubleArray&>(*array).Value(at_));
      } else if (id == arrow::Type::FLOAT) {
        std::string number;
        AppendJsonFloat(number, static_cast<const arrow::FloatArray&>(*array).Value(at_));
        out.Raw(number);
      } else if (id == arrow::Type::DATE32 || id == arrow::Type::TIMESTAMP) {
        out.String((*scalar)->ToString());
      } else {
        out.Raw((*scalar)->ToString());  // true, false, or digits
      }
    }
    out.EndObject();
    return {};
  }

  // "[0.1, 0.2]", which is what a file without lists has.
  Status TakeVectorText(std::string_view text, std::vector<float>& vector) const {
    const auto value = ParseJson(text);
    if (!value || !value->is_array()) {
      return Fail(ErrorKind::kInvalid, "column \"{}\" holds a text that is no JSON array of numbers", vector_.name);
    }
    for (const auto& element : value->get_array()) {
      boost::system::error_code wrong;
      const auto number = element.to_number<double>(wrong);
      if (wrong || !(std::abs(number) <= double{std::numeric_limits<float>::max()})) {
        return Fail(ErrorKind::kInvalid, "column \"{}\": element {} is not a number that a 32-bit float can hold",
                    vector_.name, vector.size());
      }
      vector.push_back(static_cast<float>(number));
    }
    return {};
  }

  Status TakeVector(VectorRow& row) const {
    const auto array = batch_->column(vector_.field);
    if (array->IsNull(at_)) return Fail(ErrorKind::kInvalid, "column \"{}\" is NULL", vector_.name);
    if (IsPlainText(*array->type())) {
      row.vector.clear();
      return TakeVectorText(TextAt(*array, at_), row.vector);
    }
    const ListRange range = RangeAt(*array, at_);
    row.vector.clear();
    const bool doubles = range.values.type_id() == arrow::Type::DOUBLE;
    for (int64_t i = range.first; i < range.first + range.count; ++i) {
      const double value = doubles ? static_cast<const arrow::DoubleArray&>(range.values).Value(i)
                                   : double{static_cast<const arrow::FloatArray&>(range.values).Value(i)};
      if (range.values.IsNull(i) || !(std::abs(value) <= double{std::numeric_limits<float>::max()})) {
        return Fail(ErrorKind::kInvalid, "column \"{}\": element {} is not a number that a 32-bit float can hold",
                    vector_.name, i - range.first);
      }
      row.vector.push_back(static_cast<float>(value));
    }
    return {};
  }

  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t at_ = 0;
  uint64_t rows_ = 0;
  Column id_, vector_, text_, metadata_;
  std::vector<Column> fields_;
};

}  // namespace

Result<std::unique_ptr<VectorRows>> VectorRows::Open(int descriptor, const VectorColumns& columns) {
  try {
    auto rows = std::make_unique<Rows>();
    LH_TRY(rows->Open(descriptor, columns));
    return rows;
  } catch (const std::bad_alloc&) {
    return Fail(ErrorKind::kExhausted, "there is no memory to read the Parquet file");
  } catch (const std::exception& error) {
    return UnusableParquet(error.what());
  }
}

}  // namespace lakehouse::ingest
