#include "query/value_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace lakehouse::query {
namespace {

using duckdb::idx_t;

// A vector seen without regard to how it is held (flat, constant, dictionary).
class Unified : public ValueText {
 public:
  void Attach(duckdb::Vector& vector, idx_t count) override { vector.ToUnifiedFormat(count, format_); }
  bool IsNull(idx_t row) const override { return !format_.validity.RowIsValid(format_.sel->get_index(row)); }
  void AppendJson(TextBuffer& out, idx_t row) const final {
    const idx_t at = format_.sel->get_index(row);
    if (!format_.validity.RowIsValid(at)) {
      out.Append("null");
    } else {
      Json(out, at);
    }
  }
  void AppendText(TextBuffer& out, idx_t row) const final { Text(out, format_.sel->get_index(row)); }

 protected:
  // `at` is a place in the vector's data, not a row.
  virtual void Json(TextBuffer& out, idx_t at) const = 0;
  virtual void Text(TextBuffer& out, idx_t at) const { Json(out, at); }
  template <typename T>
  const T& Data(idx_t at) const {
    return duckdb::UnifiedVectorFormat::GetData<T>(format_)[at];
  }

 private:
  duckdb::UnifiedVectorFormat format_;
};

class PlainUnified : public Unified {
 public:
  bool IsPlain() const final { return true; }
};

class BoolText final : public PlainUnified {
  void Json(TextBuffer& out, idx_t at) const override { out.Append(Data<bool>(at) ? "true" : "false"); }
};

template <typename T>
class IntegerText final : public PlainUnified {
  void Json(TextBuffer& out, idx_t at) const override {
    if constexpr (std::is_signed_v<T>) {
      out.AppendInt(Data<T>(at));
    } else {
      out.AppendUint(Data<T>(at));
    }
  }
};

template <typename T>
class FloatText final : public PlainUnified {
  void Json(TextBuffer& out, idx_t at) const override {
    const T value = Data<T>(at);
    if (std::isfinite(value)) {
      out.AppendFinite(value);
    } else {
      out.AppendJsonString(Name(value));
    }
  }
  void Text(TextBuffer& out, idx_t at) const override {
    const T value = Data<T>(at);
    if (std::isfinite(value)) {
      out.AppendFinite(value);
    } else {
      out.Append(Name(value));
    }
  }
  static std::string_view Name(T value) {
    if (std::isnan(value)) return "NaN";
    return value > 0 ? "Infinity" : "-Infinity";
  }
};

// Days since 1970 as a date of the proleptic Gregorian calendar
// (https://howardhinnant.github.io/date_algorithms.html, civil_from_days).
// False for what needs DuckDB's own words: infinities, years past four digits or before year 1.
bool AppendDate(TextBuffer& out, int32_t days_since_1970) {
  constexpr int32_t kFirst = -719'162, kLast = 2'932'896;  // 0001-01-01 and 9999-12-31
  if (days_since_1970 < kFirst || days_since_1970 > kLast) return false;
  const auto days = static_cast<uint32_t>(days_since_1970 + 719'468);
  const uint32_t era = days / 146'097;
  const uint32_t day_of_era = days % 146'097;
  const uint32_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint32_t shifted_month = (5 * day_of_year + 2) / 153;
  const uint32_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const uint32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  out.AppendDigits(year, 4);
  out.Push('-');
  out.AppendDigits(month, 2);
  out.Push('-');
  out.AppendDigits(day, 2);
  return true;
}

class DateText final : public PlainUnified {
  void Json(TextBuffer& out, idx_t at) const override {
    out.Push('"');
    Text(out, at);
    out.Push('"');
  }
  void Text(TextBuffer& out, idx_t at) const override {
    const auto date = Data<duckdb::date_t>(at);
    if (!AppendDate(out, date.days)) out.Append(duckdb::Date::ToString(date));
  }
};

class TimestampText final : public PlainUnified {
 public:
  explicit TimestampText(bool utc) : utc_(utc) {}

 private:
  void Json(TextBuffer& out, idx_t at) const override {
    out.Push('"');
    Text(out, at);
    out.Push('"');
  }
  void Text(TextBuffer& out, idx_t at) const override {
    const auto time = Data<duckdb::timestamp_t>(at);
    if (!AppendFast(out, time)) out.Append(duckdb::Timestamp::ToString(time));
    if (utc_ && duckdb::Timestamp::IsFinite(time)) out.Append("+00");
  }
  static bool AppendFast(TextBuffer& out, duckdb::timestamp_t time) {
    constexpr int64_t kDay = 86'400'000'000;
    if (!duckdb::Timestamp::IsFinite(time)) return false;
    int64_t day = time.value / kDay;
    int64_t micros = time.value % kDay;
    if (micros < 0) {
      micros += kDay;
      --day;
    }
    if (day > INT32_MAX || day < INT32_MIN || !AppendDate(out, static_cast<int32_t>(day))) return false;
    const auto seconds = static_cast<uint32_t>(micros / 1'000'000);
    auto fraction = static_cast<uint32_t>(micros % 1'000'000);
    out.Push(' ');
    out.AppendDigits(seconds / 3600, 2);
    out.Push(':');
    out.AppendDigits(seconds / 60 % 60, 2);
    out.Push(':');
    out.AppendDigits(seconds % 60, 2);
    if (fraction == 0) return true;
    int digits = 6;
    for (; fraction % 10 == 0; fraction /= 10) --digits;
    out.Push('.');
    out.AppendDigits(fraction, digits);
    return true;
  }

  const bool utc_;
};

std::string_view View(const duckdb::string_t& text) { return {text.GetData(), text.GetSize()}; }

class StringText final : public Unified {
  void Json(TextBuffer& out, idx_t at) const override { out.AppendJsonString(View(Data<duckdb::string_t>(at))); }
  void Text(TextBuffer& out, idx_t at) const override { out.Append(View(Data<duckdb::string_t>(at))); }
};

class BlobText final : public Unified {
  void Json(TextBuffer& out, idx_t at) const override {
    out.Push('"');
    Text(out, at);
    out.Push('"');
  }
  void Text(TextBuffer& out, idx_t at) const override { out.Append(Base64Encode(View(Data<duckdb::string_t>(at)))); }
};

// Whatever has no writer of its own: the text that DuckDB casts it to.
class CastText final : public ValueText {
 public:
  void Attach(duckdb::Vector& vector, idx_t count) override {
    text_ = std::make_unique<duckdb::Vector>(duckdb::LogicalType::VARCHAR, std::max<idx_t>(count, 1));
    duckdb::VectorOperations::DefaultCast(vector, *text_, count);
    strings_.Attach(*text_, count);
  }
  bool IsNull(idx_t row) const override { return strings_.IsNull(row); }
  void AppendJson(TextBuffer& out, idx_t row) const override { strings_.AppendJson(out, row); }
  void AppendText(TextBuffer& out, idx_t row) const override { strings_.AppendText(out, row); }

 private:
  std::unique_ptr<duckdb::Vector> text_;
  StringText strings_;
};

class ListText final : public Unified {
 public:
  explicit ListText(const duckdb::LogicalType& type) : child_(For(duckdb::ListType::GetChildType(type))) {}
  void Attach(duckdb::Vector& vector, idx_t count) override {
    Unified::Attach(vector, count);
    child_->Attach(duckdb::ListVector::GetEntry(vector), duckdb::ListVector::GetListSize(vector));
  }

 private:
  void Json(TextBuffer& out, idx_t at) const override {
    const auto& entry = Data<duckdb::list_entry_t>(at);
    out.Push('[');
    for (idx_t i = 0; i < entry.length; ++i) {
      if (i > 0) out.Push(',');
      child_->AppendJson(out, entry.offset + i);
    }
    out.Push(']');
  }
  const std::unique_ptr<ValueText> child_;
};

class ArrayText final : public Unified {
 public:
  explicit ArrayText(const duckdb::LogicalType& type)
      : size_(duckdb::ArrayType::GetSize(type)), child_(For(duckdb::ArrayType::GetChildType(type))) {}
  void Attach(duckdb::Vector& vector, idx_t count) override {
    Unified::Attach(vector, count);
    // Places in a dictionary may lie past `count`: the child is as long as the array vector says.
    child_->Attach(duckdb::ArrayVector::GetEntry(vector), duckdb::ArrayVector::GetTotalSize(vector));
  }

 private:
  void Json(TextBuffer& out, idx_t at) const override {
    out.Push('[');
    for (idx_t i = 0; i < size_; ++i) {
      if (i > 0) out.Push(',');
      child_->AppendJson(out, at * size_ + i);
    }
    out.Push(']');
  }
  const idx_t size_;
  const std::unique_ptr<ValueText> child_;
};

class StructText final : public Unified {
 public:
  explicit StructText(const duckdb::LogicalType& type) {
    const bool unnamed = duckdb::StructType::IsUnnamed(type);
    for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type)) {
      TextBuffer key;
      key.AppendJsonString(unnamed ? "col" + std::to_string(keys_.size() + 1) : name);
      key.Push(':');
      keys_.emplace_back(key.view());
      children_.push_back(For(child));
    }
  }
  void Attach(duckdb::Vector& vector, idx_t count) override {
    // Children follow the vector's own layout only when it is flat.
    vector.Flatten(count);
    Unified::Attach(vector, count);
    auto& entries = duckdb::StructVector::GetEntries(vector);
    for (size_t i = 0; i < children_.size(); ++i) children_[i]->Attach(*entries[i], count);
  }

 private:
  void Json(TextBuffer& out, idx_t at) const override {
    out.Push('{');
    for (size_t i = 0; i < children_.size(); ++i) {
      if (i > 0) out.Push(',');
      out.Append(keys_[i]);
      children_[i]->AppendJson(out, at);
    }
    out.Push('}');
  }
  std::vector<std::string> keys_;
  std::vector<std::unique_ptr<ValueText>> children_;
};

class MapText final : public Unified {
 public:
  explicit MapText(const duckdb::LogicalType& type)
      : by_name_(duckdb::MapType::KeyType(type).id() == duckdb::LogicalTypeId::VARCHAR),
        key_(For(duckdb::MapType::KeyType(type))),
        value_(For(duckdb::MapType::ValueType(type))) {}
  void Attach(duckdb::Vector& vector, idx_t count) override {
    Unified::Attach(vector, count);
    const idx_t entries = duckdb::ListVector::GetListSize(vector);
    key_->Attach(duckdb::MapVector::GetKeys(vector), entries);
    value_->Attach(duckdb::MapVector::GetValues(vector), entries);
  }

 private:
  void Json(TextBuffer& out, idx_t at) const override {
    const auto& entry = Data<duckdb::list_entry_t>(at);
    out.Push(by_name_ ? '{' : '[');
    for (idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
      if (i > entry.offset) out.Push(',');
      if (!by_name_) out.Append("{\"key\":");
      key_->AppendJson(out, i);
      out.Append(by_name_ ? ":" : ",\"value\":");
      value_->AppendJson(out, i);
      if (!by_name_) out.Push('}');
    }
    out.Push(by_name_ ? '}' : ']');
  }
  const bool by_name_;
  const std::unique_ptr<ValueText> key_, value_;
};

}  // namespace

std::unique_ptr<ValueText> ValueText::For(const duckdb::LogicalType& type) {
  using enum duckdb::LogicalTypeId;
  switch (type.id()) {
    case BOOLEAN:
      return std::make_unique<BoolText>();
    case TINYINT:
      return std::make_unique<IntegerText<int8_t>>();
    case SMALLINT:
      return std::make_unique<IntegerText<int16_t>>();
    case INTEGER:
      return std::make_unique<IntegerText<int32_t>>();
    case BIGINT:
      return std::make_unique<IntegerText<int64_t>>();
    case UTINYINT:
      return std::make_unique<IntegerText<uint8_t>>();
    case USMALLINT:
      return std::make_unique<IntegerText<uint16_t>>();
    case UINTEGER:
      return std::make_unique<IntegerText<uint32_t>>();
    case UBIGINT:
      return std::make_unique<IntegerText<uint64_t>>();
    case FLOAT:
      return std::make_unique<FloatText<float>>();
    case DOUBLE:
      return std::make_unique<FloatText<double>>();
    case DATE:
      return std::make_unique<DateText>();
    case TIMESTAMP:
      return std::make_unique<TimestampText>(false);
    case TIMESTAMP_TZ:
      return std::make_unique<TimestampText>(true);
    case VARCHAR:
      return std::make_unique<StringText>();
    case BLOB:
      return std::make_unique<BlobText>();
    case LIST:
      return std::make_unique<ListText>(type);
    case ARRAY:
      return std::make_unique<ArrayText>(type);
    case STRUCT:
      return std::make_unique<StructText>(type);
    case MAP:
      return std::make_unique<MapText>(type);
    default:
      return std::make_unique<CastText>();
  }
}

}  // namespace lakehouse::query
