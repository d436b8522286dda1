#include "ingest/field_rules.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace lakehouse::ingest {
namespace {

constexpr std::array<std::string_view, kColumnTypes> kNames = {
    "BOOLEAN", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "VARCHAR"};
constexpr int64_t kExactInDouble = int64_t{1} << 53;
constexpr int kMaxSignificantDigits = 17;
constexpr int64_t kMicrosInSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 32) != lower[i]) return false;
  }
  return true;
}

// The parts of a decimal number as it may be written here: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
struct Number {
  bool negative = false;
  std::string_view whole, fraction;
  bool has_exponent = false;
};

bool SplitNumber(std::string_view text, Number& number) {
  size_t at = 0;
  if (at < text.size() && text[at] == '-') {
    number.negative = true;
    ++at;
  }
  const size_t whole = at;
  while (at < text.size() && IsDigit(text[at])) ++at;
  number.whole = text.substr(whole, at - whole);
  if (number.whole.empty() || (number.whole.size() > 1 && number.whole[0] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = ++at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    number.fraction = text.substr(fraction, at - fraction);
    if (number.fraction.empty()) return false;
  }
  if (at < text.size() && (text[at] | 32) == 'e') {
    number.has_exponent = true;
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    if (at == exponent || at - exponent > 4) return false;
  }
  return at == text.size();
}

// Significant digits and the exponent of the last of them: 1.20e3 is "12" and 2.
struct Decimal {
  char digits[kMaxSignificantDigits + 1] = {};
  int count = 0;
  int exponent = 0;
  bool too_long = false;
};

Decimal Normalize(std::string_view text) {
  Decimal decimal;
  int zeros = 0;  // after the last digit that is kept
  int scale = 0;
  bool after_point = false;
  size_t at = text.starts_with('-') ? 1 : 0;
  for (; at < text.size() && (text[at] | 32) != 'e'; ++at) {
    if (text[at] == '.') {
      after_point = true;
      continue;
    }
    if (after_point) --scale;
    if (text[at] == '0') {
      if (decimal.count > 0) ++zeros;
      continue;
    }
    if (decimal.count + zeros + 1 > kMaxSignificantDigits) {
      decimal.too_long = true;
      return decimal;
    }
    for (; zeros > 0; --zeros) decimal.digits[decimal.count++] = '0';
    decimal.digits[decimal.count++] = text[at];
  }
  if (at < text.size()) {
    ++at;
    if (text[at] == '+') ++at;
    int exponent = 0;
    std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    scale += exponent;
  }
  decimal.exponent = decimal.count == 0 ? 0 : scale + zeros;
  return decimal;
}

// True when the double nearest to `text` has `text`'s decimal as its shortest form: nothing is lost.
bool DoubleKeeps(std::string_view text, const Number& number) {
  const size_t digits = number.whole.size() + number.fraction.size();
  // Up to 15 digits always come back, as long as the exponent stays far from the ends.
  if (digits <= 15 && !number.has_exponent) return true;
  const Decimal wanted = Normalize(text);
  if (wanted.too_long) return false;
  const double value = ParseDouble(text);
  if (!std::isfinite(value) || (value == 0 && wanted.count > 0)) return false;
  char shortest[40];
  const auto end = std::to_chars(shortest, shortest + sizeof(shortest), value).ptr;
  const Decimal got = Normalize({shortest, end});
  return got.count == wanted.count && got.exponent == wanted.exponent &&
         std::memcmp(got.digits, wanted.digits, static_cast<size_t>(got.count)) == 0;
}

bool FitsBigint(std::string_view text, const Number& number) {
  if (!number.fraction.empty() || number.has_exponent) return false;
  if (number.negative && number.whole == "0") return false;  // an integer has no negative zero
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

TypeSet NumberTypes(std::string_view text) {
  Number number;
  if (!SplitNumber(text, number)) return 0;
  TypeSet types = 0;
  if (FitsBigint(text, number)) {
    types |= Bit(ColumnType::kBigint);
    const int64_t value = ParseBigint(text);
    if (value >= -kExactInDouble && value <= kExactInDouble) types |= Bit(ColumnType::kDouble);
    return types;
  }
  // An integer past 64 bits is text, whatever a double would make of it.
  const bool integer = number.fraction.empty() && !number.has_exponent;
  if ((!integer || number.whole == "0") && DoubleKeeps(text, number)) types |= Bit(ColumnType::kDouble);
  return types;
}

int TwoDigits(const char* at) { return IsDigit(at[0]) && IsDigit(at[1]) ? (at[0] - '0') * 10 + (at[1] - '0') : -1; }

constexpr bool IsLeap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

// Howard Hinnant's days_from_civil, for years 1 to 9999.
int32_t DaysOf(int year, int month, int day) {
  const int y = month <= 2 ? year - 1 : year;
  const int era = y / 400;
  const int year_of_era = y - era * 400;
  const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

// 2026-01-31 at the front of `text`.
bool SplitDate(std::string_view text, int32_t& days) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return false;
  const int high = TwoDigits(text.data()), low = TwoDigits(text.data() + 2);
  const int month = TwoDigits(text.data() + 5), day = TwoDigits(text.data() + 8);
  if (high < 0 || low < 0 || month < 1 || month > 12 || day < 1) return false;
  const int year = high * 100 + low;
  if (year < 1 || day > DaysInMonth(year, month)) return false;
  days = DaysOf(year, month, day);
  return true;
}

struct Moment {
  int64_t micros = 0;
  bool has_offset = false;
};

// "Z" or ±hh:mm, to the end.
bool SplitOffset(std::string_view text, int64_t& seconds) {
  if (text == "Z") {
    seconds = 0;
    return true;
  }
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return false;
  const int hours = TwoDigits(text.data() + 1), minutes = TwoDigits(text.data() + 4);
  if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59) return false;
  seconds = (int64_t{hours} * 60 + minutes) * 60 * (text[0] == '-' ? -1 : 1);
  return true;
}

// A date, T or a space, hh:mm, then optionally :ss, a fraction of at most six digits, and an offset.
bool SplitMoment(std::string_view text, Moment& moment) {
  int32_t days = 0;
  if (text.size() < 16 || !SplitDate(text, days) || (text[10] != 'T' && text[10] != ' ') || text[13] != ':')
    return false;
  const int hour = TwoDigits(text.data() + 11), minute = TwoDigits(text.data() + 14);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false;
  int second = 0;
  int64_t fraction = 0;
  size_t at = 16;
  if (text.size() >= 19 && text[16] == ':') {
    second = TwoDigits(text.data() + 17);
    if (second < 0 || second > 59) return false;
    at = 19;
    if (at < text.size() && text[at] == '.') {
      const size_t first = ++at;
      int64_t unit = 100'000;
      for (; at < text.size() && IsDigit(text[at]); ++at, unit /= 10) fraction += (text[at] - '0') * unit;
      if (at == first || at - first > 6) return false;
    }
  }
  int64_t offset = 0;
  if (at < text.size()) {
    if (!SplitOffset(text.substr(at), offset)) return false;
    moment.has_offset = true;
  }
  const int64_t seconds = days * kSecondsPerDay + int64_t{hour} * 3600 + int64_t{minute} * 60 + second - offset;
  moment.micros = seconds * kMicrosInSecond + fraction;
  return true;
}

TypeSet DateTypes(std::string_view text) {
  int32_t days = 0;
  if (text.size() == 10) return SplitDate(text, days) ? Bit(ColumnType::kDate) : 0;
  Moment moment;
  if (!SplitMoment(text, moment)) return 0;
  return Bit(moment.has_offset ? ColumnType::kTimestampTz : ColumnType::kTimestamp);
}

bool IsBoolean(std::string_view text) { return EqualsIgnoringCase(text, "true") || EqualsIgnoringCase(text, "false"); }

}  // namespace

std::string_view TypeName(ColumnType type) { return kNames[static_cast<size_t>(type)]; }

std::optional<ColumnType> ParseTypeName(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  if (upper == "TIMESTAMPTZ") return ColumnType::kTimestampTz;
  for (int i = 0; i < kColumnTypes; ++i) {
    if (upper == kNames[static_cast<size_t>(i)]) return static_cast<ColumnType>(i);
  }
  return std::nullopt;
}

TypeSet TypesOf(std::string_view text) {
  TypeSet types = Bit(ColumnType::kVarchar);
  if (text.empty()) return types;
  const char first = text.front();
  if (first == '-' || IsDigit(first)) {
    if (text.size() >= 10 && text[4] == '-') return types | DateTypes(text);
    return types | NumberTypes(text);
  }
  if (IsBoolean(text)) types |= Bit(ColumnType::kBoolean);
  return types;
}

bool Fits(std::string_view text, ColumnType type) {
  if (type == ColumnType::kVarchar) return true;
  if (type == ColumnType::kBigint && !text.empty() && text.size() <= 18) {
    // The common case: at most 18 digits, none of them a leading zero.
    const size_t start = text[0] == '-' ? 1 : 0;
    if (start == text.size() || (text[start] == '0' && text.size() > 1)) return false;
    for (size_t i = start; i < text.size(); ++i) {
      if (!IsDigit(text[i])) return false;
    }
    return true;
  }
  return (TypesOf(text) & Bit(type)) != 0;
}

ColumnType Narrowest(TypeSet types) {
  for (int i = 0; i < kColumnTypes; ++i) {
    if ((types & (1U << i)) != 0) return static_cast<ColumnType>(i);
  }
  return ColumnType::kVarchar;
}

std::string_view KindOf(std::string_view text) {
  switch (Narrowest(TypesOf(text))) {
    case ColumnType::kBoolean:
      return "a boolean";
    case ColumnType::kBigint:
      return "an integer";
    case ColumnType::kDouble:
      return "a decimal number";
    case ColumnType::kDate:
      return "a date";
    case ColumnType::kTimestamp:
      return "a timestamp";
    case ColumnType::kTimestampTz:
      return "a timestamp with an offset";
    case ColumnType::kVarchar:
      break;
  }
  return text.empty() ? "an empty string" : "text";
}

bool ParseBoolean(std::string_view text) { return text.size() == 4; }

int64_t ParseBigint(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double ParseDouble(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int32_t ParseDate(std::string_view text) {
  int32_t days = 0;
  SplitDate(text, days);
  return days;
}

int64_t ParseTimestamp(std::string_view text) {
  Moment moment;
  SplitMoment(text, moment);
  return moment.micros;
}

}  // namespace lakehouse::ingest
