#include "query/value_text.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/json.h"

namespace lakehouse::query {
namespace {

using duckdb::idx_t;

// A vector seen without regard to how it is held (flat, constant, dictionary).
class Unified : public ValueText {
 public:
  void Attach(duckdb::Vector& vector, idx_t count) override { vector.ToUnifiedFormat(count, format_); }
  bool IsNull(idx_t row) const override { return !format_.validity.RowIsValid(format_.sel->get_index(row)); }
  void AppendJson(std::string& out, idx_t row) const final {
    const idx_t at = format_.sel->get_index(row);
    if (!format_.validity.RowIsValid(at)) {
      out.append("null", 4);
    } else {
      Json(out, at);
    }
  }
  void AppendText(std::string& out, idx_t row) const final { Text(out, format_.sel->get_index(row)); }

 protected:
  // `at` is a place in the vector's data, not a row.
  virtual void Json(std::string& out, idx_t at) const = 0;
  virtual void Text(std::string& out, idx_t at) const { Json(out, at); }
  template <typename T>
  const T& Data(idx_t at) const {
    return duckdb::UnifiedVectorFormat::GetData<T>(format_)[at];
  }

 private:
  duckdb::UnifiedVectorFormat format_;
};

class BoolText final : public Unified {
  void Json(std::string& out, idx_t at) const override { out.append(Data<bool>(at) ? "true" : "false"); }
};

template <typename T>
class IntegerText final : public Unified {
  void Json(std::string& out, idx_t at) const override {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, Data<T>(at)).ptr;
    out.append(digits, static_cast<size_t>(end - digits));
  }
};

template <typename T>
class FloatText final : public Unified {
  void Json(std::string& out, idx_t at) const override {
    if constexpr (std::is_same_v<T, float>) {
      AppendJsonFloat(out, Data<T>(at));
    } else {
      AppendJsonDouble(out, Data<T>(at));
    }
  }
  void Text(std::string& out, idx_t at) const override {
    const size_t before = out.size();
    Json(out, at);
    // NaN and the infinities are quoted in JSON only.
    if (out[before] == '"') {
      out.pop_back();
      out.erase(before, 1);
    }
  }
};

void AppendPadded(std::string& out, uint32_t value, int digits) {
  char text[10];
  for (int i = digits; i-- > 0; value /= 10) text[i] = static_cast<char>('0' + value % 10);
  out.append(text, static_cast<size_t>(digits));
}

// False for what needs DuckDB's own words: infinities, years past four digits or before year 1.
bool AppendDate(std::string& out, duckdb::date_t date) {
  if (!duckdb::Date::IsFinite(date)) return false;
  int32_t year, month, day;
  duckdb::Date::Convert(date, year, month, day);
  if (year < 1 || year > 9999) return false;
  AppendPadded(out, static_cast<uint32_t>(year), 4);
  out.push_back('-');
  AppendPadded(out, static_cast<uint32_t>(month), 2);
  out.push_back('-');
  AppendPadded(out, static_cast<uint32_t>(day), 2);
  return true;
}

class DateText final : public Unified {
  void Json(std::string& out, idx_t at) const override {
    out.push_back('"');
    Text(out, at);
    out.push_back('"');
  }
  void Text(std::string& out, idx_t at) const override {
    if (!AppendDate(out, Data<duckdb::date_t>(at))) out.append(duckdb::Date::ToString(Data<duckdb::date_t>(at)));
  }
};

class TimestampText final : public Unified {
 public:
  explicit TimestampText(bool utc) : utc_(utc) {}

 private:
  void Json(std::string& out, idx_t at) const override {
    out.push_back('"');
    Text(out, at);
    out.push_back('"');
  }
  void Text(std::string& out, idx_t at) const override {
    const auto time = Data<duckdb::timestamp_t>(at);
    if (!AppendFast(out, time)) out.append(duckdb::Timestamp::ToString(time));
    if (utc_ && duckdb::Timestamp::IsFinite(time)) out.append("+00");
  }
  static bool AppendFast(std::string& out, duckdb::timestamp_t time) {
    constexpr int64_t kDay = 86'400'000'000;
    if (!duckdb::Timestamp::IsFinite(time)) return false;
    int64_t day = time.value / kDay;
    int64_t micros = time.value % kDay;
    if (micros < 0) {
      micros += kDay;
      --day;
    }
    const size_t before = out.size();
    if (day > INT32_MAX || day < INT32_MIN || !AppendDate(out, duckdb::date_t(static_cast<int32_t>(day)))) {
      out.resize(before);
      return false;
    }
    const auto seconds = static_cast<uint32_t>(micros / 1'000'000);
    auto fraction = static_cast<uint32_t>(micros % 1'000'000);
    out.push_back(' ');
    AppendPadded(out, seconds / 3600, 2);
    out.push_back(':');
    AppendPadded(out, seconds / 60 % 60, 2);
    out.push_back(':');
    AppendPadded(out, seconds % 60, 2);
    if (fraction == 0) return true;
    int digits = 6;
    for (; fraction % 10 == 0; fraction /= 10) --digits;
    out.push_back('.');
    AppendPadded(out, fraction, digits);
    return true;
  }

  const bool utc_;
};

std::string_view View(const duckdb::string_t& text) { return {text.GetData(), text.GetSize()}; }

class StringText final : public Unified {
  void Json(std::string& out, idx_t at) const override { AppendJsonString(out, View(Data<duckdb::string_t>(at))); }
  void Text(std::string& out, idx_t at) const override { out.append(View(Data<duckdb::string_t>(at))); }
};

class BlobText final : public Unified {
  void Json(std::string& out, idx_t at) const override {
    out.push_back('"');
    Text(out, at);
    out.push_back('"');
  }
  void Text(std::string& out, idx_t at) const override { out.append(Base64Encode(View(Data<duckdb::string_t>(at)))); }
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
  void AppendJson(std::string& out, idx_t row) const override { strings_.AppendJson(out, row); }
  void AppendText(std::string& out, idx_t row) const override { strings_.AppendText(out, row); }

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
  void Json(std::string& out, idx_t at) const override {
    const auto& entry = Data<duckdb::list_entry_t>(at);
    out.push_back('[');
    for (idx_t i = 0; i < entry.length; ++i) {
      if (i > 0) out.push_back(',');
      child_->AppendJson(out, entry.offset + i);
    }
    out.push_back(']');
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
  void Json(std::string& out, idx_t at) const override {
    out.push_back('[');
    for (idx_t i = 0; i < size_; ++i) {
      if (i > 0) out.push_back(',');
      child_->AppendJson(out, at * size_ + i);
    }
    out.push_back(']');
  }
  const idx_t size_;
  const std::unique_ptr<ValueText> child_;
};

class StructText final : public Unified {
 public:
  explicit StructText(const duckdb::LogicalType& type) {
    const bool unnamed = duckdb::StructType::IsUnnamed(type);
    for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type)) {
      std::string key;
      AppendJsonString(key, unnamed ? "col" + std::to_string(keys_.size() + 1) : name);
      keys_.push_back(key + ":");
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
  void Json(std::string& out, idx_t at) const override {
    out.push_back('{');
    for (size_t i = 0; i < children_.size(); ++i) {
      if (i > 0) out.push_back(',');
      out.append(keys_[i]);
      children_[i]->AppendJson(out, at);
    }
    out.push_back('}');
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
  void Json(std::string& out, idx_t at) const override {
    const auto& entry = Data<duckdb::list_entry_t>(at);
    out.push_back(by_name_ ? '{' : '[');
    for (idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
      if (i > entry.offset) out.push_back(',');
      if (!by_name_) out.append("{\"key\":");
      key_->AppendJson(out, i);
      out.append(by_name_ ? ":" : ",\"value\":");
      value_->AppendJson(out, i);
      if (!by_name_) out.push_back('}');
    }
    out.push_back(by_name_ ? '}' : ']');
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
