#include "query/arrow_columns.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/buffer_builder.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace lakehouse::query {
namespace {

// DuckDB's memory has run out, as far as the query is concerned.
void Check(const arrow::Status& status) {
  if (!status.ok()) throw duckdb::OutOfMemoryException(status.message());
}

std::shared_ptr<arrow::Buffer> Finish(auto& builder) {
  auto finished = builder.Finish(/*shrink_to_fit=*/false);
  Check(finished.status());
  return *std::move(finished);
}

// Bytes that grow. What lies behind the last one is never touched: Arrow's own builders clear it, which costs more than
// the values where a batch is much smaller than was made ready for.
template <typename T>
class Values {
 public:
  void Reserve(int64_t more) {
    const int64_t needed = (length_ + more) * kWidth;
    if (!buffer_) {
      auto made = arrow::AllocateResizableBuffer(needed);
      Check(made.status());
      buffer_ = *std::move(made);
    } else if (buffer_->capacity() < needed) {
      // What is there is kept as far as the buffer's size goes.
      Check(buffer_->Resize(length_ * kWidth, /*shrink_to_fit=*/false));
      Check(buffer_->Reserve(std::max(needed, 2 * buffer_->capacity())));
    }
  }
  // The place of the next value. REQUIRES: it was reserved.
  T* end() { return reinterpret_cast<T*>(buffer_->mutable_data()) + length_; }
  void Advance(int64_t count) { length_ += count; }
  int64_t length() const { return length_; }
  uint64_t bytes() const { return static_cast<uint64_t>(length_ * kWidth); }
  std::shared_ptr<arrow::Buffer> Take() {
    Reserve(0);
    Check(buffer_->Resize(length_ * kWidth, /*shrink_to_fit=*/false));
    length_ = 0;
    return std::exchange(buffer_, nullptr);
  }

 private:
  static constexpr int64_t kWidth = sizeof(T);
  std::shared_ptr<arrow::ResizableBuffer> buffer_;
  int64_t length_ = 0;
};

// A mask that was made and never cleared says so only when it is looked through.
bool AllValid(const duckdb::UnifiedVectorFormat& format, duckdb::idx_t count) {
  if (format.validity.AllValid()) return true;
  if (!format.sel->IsSet()) return format.validity.CheckAllValid(count);
  for (duckdb::idx_t i = 0; i < count; ++i) {
    if (!format.validity.RowIsValid(format.sel->get_index(i))) return false;
  }
  return true;
}

// Which rows are there; no bytes as long as all are.
class Validity {
 public:
  void Append(const duckdb::UnifiedVectorFormat& format, duckdb::idx_t count, bool all_valid) {
    if (nulls_ == 0 && all_valid) {
      rows_ += count;
      return;
    }
    Check(bits_.Reserve(static_cast<int64_t>(rows_ + count) - bits_.length()));
    if (nulls_ == 0) bits_.UnsafeAppend(static_cast<int64_t>(rows_) - bits_.length(), true);
    for (duckdb::idx_t i = 0; i < count; ++i) {
      const bool valid = format.validity.RowIsValid(format.sel->get_index(i));
      bits_.UnsafeAppend(valid);
      nulls_ += valid ? 0 : 1;
    }
    rows_ += count;
  }
  int64_t rows() const { return static_cast<int64_t>(rows_); }
  int64_t nulls() const { return nulls_; }
  // nullptr: all are there.
  std::shared_ptr<arrow::Buffer> Take() {
    auto bits = nulls_ == 0 ? nullptr : Finish(bits_);
    bits_.Reset();
    rows_ = 0;
    nulls_ = 0;
    return bits;
  }

 private:
  arrow::TypedBufferBuilder<bool> bits_;
  uint64_t rows_ = 0;
  int64_t nulls_ = 0;
};

class PlainColumn : public ArrowColumn {
 public:
  PlainColumn(std::shared_ptr<arrow::DataType> type, uint64_t expected_rows)
      : type_(std::move(type)), expected_rows_(static_cast<int64_t>(expected_rows)) {}
  void Append(duckdb::Vector& values, duckdb::idx_t count) final {
    duckdb::UnifiedVectorFormat format;
    values.ToUnifiedFormat(count, format);
    const bool all_valid = AllValid(format, count);
    AppendValues(format, static_cast<int64_t>(count), all_valid);
    validity_.Append(format, count, all_valid);
  }
  std::shared_ptr<arrow::Array> Take() final {
    const int64_t rows = validity_.rows(), nulls = validity_.nulls();
    auto buffers = TakeValues();
    buffers.insert(buffers.begin(), validity_.Take());
    return arrow::MakeArray(arrow::ArrayData::Make(type_, rows, std::move(buffers), nulls));
  }

 protected:
  virtual void AppendValues(const duckdb::UnifiedVectorFormat& format, int64_t count, bool all_valid) = 0;
  virtual arrow::BufferVector TakeValues() = 0;
  int64_t rows() const { return validity_.rows(); }
  // For as many as come now; where a full chunk comes, for all that a batch may have.
  int64_t RowsToReserve(int64_t count) const {
    return rows() == 0 && count == STANDARD_VECTOR_SIZE ? std::max(count, expected_rows_) : count;
  }

 private:
  const std::shared_ptr<arrow::DataType> type_;
  const int64_t expected_rows_;
  Validity validity_;
};

// Values of one width, which both sides store alike.
template <typename T>
class FixedColumn final : public PlainColumn {
 public:
  using PlainColumn::PlainColumn;
  uint64_t bytes() const override { return values_.bytes(); }

 private:
  void AppendValues(const duckdb::UnifiedVectorFormat& format, int64_t count, bool all_valid) override {
    values_.Reserve(RowsToReserve(count));
    const auto* const values = reinterpret_cast<const T*>(format.data);  // of either sign
    T* const out = values_.end();
    if (all_valid && !format.sel->IsSet()) {
      std::memcpy(out, values, static_cast<size_t>(count) * sizeof(T));
    } else {
      for (int64_t i = 0; i < count; ++i) {
        const auto at = format.sel->get_index(static_cast<duckdb::idx_t>(i));
        // What stands where a row is NULL may be anybody's bytes.
        out[i] = all_valid || format.validity.RowIsValid(at) ? values[at] : T{};
      }
    }
    values_.Advance(count);
  }
  arrow::BufferVector TakeValues() override { return {values_.Take()}; }

  Values<T> values_;
};

class BooleanColumn final : public PlainColumn {
 public:
  using PlainColumn::PlainColumn;
  uint64_t bytes() const override { return static_cast<uint64_t>(values_.length()) / 8; }

 private:
  void AppendValues(const duckdb::UnifiedVectorFormat& format, int64_t count, bool all_valid) override {
    Check(values_.Reserve(count));
    const auto* const values = duckdb::UnifiedVectorFormat::GetData<bool>(format);
    for (int64_t i = 0; i < count; ++i) {
      const auto at = format.sel->get_index(static_cast<duckdb::idx_t>(i));
      // Where a row is NULL the byte may be any.
      values_.UnsafeAppend((all_valid || format.validity.RowIsValid(at)) && values[at]);
    }
  }
  arrow::BufferVector TakeValues() override { return {Finish(values_)}; }

  arrow::TypedBufferBuilder<bool> values_;
};

class TextColumn final : public PlainColumn {
 public:
  using PlainColumn::PlainColumn;
  uint64_t bytes() const override { return text_.bytes() + ends_.bytes(); }

 private:
  // A short text lies in its string_t and is copied whole, whatever its size.
  static constexpr size_t kShort = duckdb::string_t::INLINE_LENGTH;

  void AppendValues(const duckdb::UnifiedVectorFormat& format, int64_t count, bool all_valid) override {
    const auto* const texts = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
    const auto at = [&format](int64_t row) { return format.sel->get_index(static_cast<duckdb::idx_t>(row)); };
    const auto is_there = [&](duckdb::idx_t index) { return all_valid || format.validity.RowIsValid(index); };
    int64_t more = 0;
    for (int64_t i = 0; i < count; ++i) more += is_there(at(i)) ? texts[at(i)].GetSize() : 0;
    if (text_.length() + more > INT32_MAX) {
      throw duckdb::InvalidInputException("a column has more than 2 GiB of text in one batch of %llu rows",
                                          static_cast<uint64_t>(rows() + count));
    }
    ends_.Reserve(RowsToReserve(count) + 1);
    if (ends_.length() == 0) {
      *ends_.end() = 0;
      ends_.Advance(1);
    }
    text_.Reserve(more + static_cast<int64_t>(kShort));
    char* const begin = text_.end();
    char* out = begin;
    int32_t* ends = ends_.end();
    const auto before = static_cast<int32_t>(text_.length());
    for (int64_t i = 0; i < count; ++i) {
      const auto index = at(i);
      if (is_there(index)) {
        const duckdb::string_t& text = texts[index];
        const uint32_t size = text.GetSize();
        if (text.IsInlined()) {
          std::memcpy(out, text.GetData(), kShort);
        } else {
          std::memcpy(out, text.GetData(), size);
        }
        out += size;
      }
      *ends++ = before + static_cast<int32_t>(out - begin);
    }
    ends_.Advance(count);
    text_.Advance(more);
  }
  arrow::BufferVector TakeValues() override {
    auto ends = ends_.Take();
    return {std::move(ends), text_.Take()};
  }

  Values<int32_t> ends_;
  Values<char> text_;
};

}  // namespace

std::unique_ptr<ArrowColumn> ArrowColumn::For(const duckdb::LogicalType& type, std::shared_ptr<arrow::DataType> stored,
                                              uint64_t expected_rows) {
  // An alias may have a form of its own.
  if (type.HasAlias()) return nullptr;
  using Id = arrow::Type;
  const auto fixed = [&]<typename T>(T, std::initializer_list<Id::type> ids) -> std::unique_ptr<ArrowColumn> {
    if (std::ranges::find(ids, stored->id()) == ids.end()) return nullptr;
    return std::make_unique<FixedColumn<T>>(stored, expected_rows);
  };
  switch (type.id()) {
    case duckdb::LogicalTypeId::BOOLEAN:
      if (stored->id() != Id::BOOL) return nullptr;
      return std::make_unique<BooleanColumn>(stored, expected_rows);
    case duckdb::LogicalTypeId::TINYINT:
    case duckdb::LogicalTypeId::UTINYINT:
      return fixed(uint8_t{}, {Id::INT8, Id::UINT8});
    case duckdb::LogicalTypeId::SMALLINT:
    case duckdb::LogicalTypeId::USMALLINT:
      return fixed(uint16_t{}, {Id::INT16, Id::UINT16});
    case duckdb::LogicalTypeId::INTEGER:
    case duckdb::LogicalTypeId::UINTEGER:
    case duckdb::LogicalTypeId::FLOAT:
    case duckdb::LogicalTypeId::DATE:
      return fixed(uint32_t{}, {Id::INT32, Id::UINT32, Id::FLOAT, Id::DATE32});
    case duckdb::LogicalTypeId::BIGINT:
    case duckdb::LogicalTypeId::UBIGINT:
    case duckdb::LogicalTypeId::DOUBLE:
    case duckdb::LogicalTypeId::TIME:
    case duckdb::LogicalTypeId::TIMESTAMP:
    case duckdb::LogicalTypeId::TIMESTAMP_SEC:
    case duckdb::LogicalTypeId::TIMESTAMP_MS:
    case duckdb::LogicalTypeId::TIMESTAMP_NS:
    case duckdb::LogicalTypeId::TIMESTAMP_TZ:
      return fixed(uint64_t{}, {Id::INT64, Id::UINT64, Id::DOUBLE, Id::TIME64, Id::TIMESTAMP});
    case duckdb::LogicalTypeId::VARCHAR:
      if (stored->id() != Id::STRING) return nullptr;
      return std::make_unique<TextColumn>(stored, expected_rows);
    default:
      return nullptr;
  }
}

}  // namespace lakehouse::query
