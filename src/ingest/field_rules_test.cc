#include "ingest/field_rules.h"

#include <gmock/gmock.h>

#include <cmath>

namespace lakehouse::ingest {
namespace {

ColumnType TypeOf(std::string_view text) { return Narrowest(TypesOf(text)); }

TEST(FieldRules, Booleans) {
  for (const auto* text : {"true", "false", "TRUE", "False", "tRuE"})
    EXPECT_EQ(TypeOf(text), ColumnType::kBoolean) << text;
  for (const auto* text : {"t", "yes", "no", "truE ", " true", "truer", "on", "T\x52UE\x01"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kVarchar) << text;
  }
  EXPECT_TRUE(ParseBoolean("True"));
  EXPECT_FALSE(ParseBoolean("FALSE"));
}

TEST(FieldRules, Integers) {
  for (const auto* text : {"0", "-1", "42", "9223372036854775807", "-9223372036854775808"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kBigint) << text;
    EXPECT_TRUE(Fits(text, ColumnType::kBigint)) << text;
  }
  EXPECT_EQ(ParseBigint("-9223372036854775808"), INT64_MIN);
}

TEST(FieldRules, WhatLooksLikeANumberButIsText) {
  for (const auto* text : {"00123",
                           "+5",
                           "9223372036854775808",
                           "-9223372036854775809",
                           "1_000",
                           "1,000",
                           "0x1F",
                           " 5",
                           "5 ",
                           "-",
                           "5.",
                           ".5",
                           "-.5",
                           "01.5",
                           "1e",
                           "1e+",
                           "e5",
                           "NaN",
                           "nan",
                           "inf",
                           "-inf",
                           "Infinity",
                           "1.2.3",
                           "--5",
                           "1-2",
                           "1e400",
                           "123456789012345678.5",
                           "0.1000000000000000055511151231257827"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kVarchar) << text;
    EXPECT_FALSE(Fits(text, ColumnType::kBigint)) << text;
    EXPECT_FALSE(Fits(text, ColumnType::kDouble)) << text;
  }
}

TEST(FieldRules, DecimalsComeBackAsTheSameDecimal) {
  for (const auto* text :
       {"1.5", "-0", "-0.0", "1.50", "1e5", "1E-7", "0.1", "123456.789012345", "1.7976931348623157e308", "0e9"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kDouble) << text;
  }
  EXPECT_EQ(ParseDouble("1E-7"), 1e-7);
  EXPECT_TRUE(std::signbit(ParseDouble("-0")));
  // The double nearest to this is 0.1, whose shortest form is another decimal.
  EXPECT_EQ(TypeOf("0.10000000000000001"), ColumnType::kVarchar);
  EXPECT_EQ(TypeOf("0.30000000000000004"), ColumnType::kDouble);
}

TEST(FieldRules, IntegersFitADoubleOnlyWhileExact) {
  EXPECT_TRUE(Fits("9007199254740992", ColumnType::kDouble));
  EXPECT_FALSE(Fits("9007199254740993", ColumnType::kDouble));
  EXPECT_FALSE(Fits("9223372036854775808", ColumnType::kDouble));
}

TEST(FieldRules, Dates) {
  for (const auto* text : {"2026-01-31", "2024-02-29", "0001-01-01", "9999-12-31"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kDate) << text;
  }
  for (const auto* text : {"01/02/2026", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01",
                           "2026-1-31", "20260131", "2026-01-32", "12026-01-01", "2026/01/31"}) {
    EXPECT_FALSE(Fits(text, ColumnType::kDate)) << text;
  }
  EXPECT_EQ(ParseDate("1970-01-02"), 1);
  EXPECT_EQ(ParseDate("1969-12-31"), -1);
}

TEST(FieldRules, Timestamps) {
  for (const auto* text : {"2026-01-31T10:00:00", "2026-01-31 10:00", "2026-01-31 23:59:59.123456"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kTimestamp) << text;
  }
  for (const auto* text : {"2026-01-31T10:00:00Z", "2026-01-31 10:00:00+02:00", "2026-01-31T10:00:00.5-05:30"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kTimestampTz) << text;
  }
  for (const auto* text :
       {"2026-01-31T24:00:00", "2026-01-31T10:00:60", "2026-01-31T10:60:00", "2026-01-31T10:00:00.1234567",
        "2026-01-31T10:00:00.", "2026-01-31T10", "2026-01-31 10:00:00 UTC", "2026-01-31T10:00:00+2:00",
        "2026-02-30T10:00:00", "2026-01-31  10:00:00"}) {
    EXPECT_EQ(TypeOf(text), ColumnType::kVarchar) << text;
  }
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00.5"), 500'000);
  EXPECT_EQ(ParseTimestamp("1970-01-01T02:00:00+02:00"), 0);
  EXPECT_EQ(ParseTimestamp("1969-12-31T23:59:59.999999Z"), -1);
}

TEST(FieldRules, MixedKindsAreText) {
  EXPECT_EQ(Narrowest(TypesOf("2026-01-31") & TypesOf("2026-01-31T10:00:00")), ColumnType::kVarchar);
  EXPECT_EQ(Narrowest(TypesOf("2026-01-31T10:00:00") & TypesOf("2026-01-31T10:00:00Z")), ColumnType::kVarchar);
  EXPECT_EQ(Narrowest(TypesOf("1") & TypesOf("true")), ColumnType::kVarchar);
  EXPECT_EQ(Narrowest(TypesOf("1") & TypesOf("1.5")), ColumnType::kDouble);
  EXPECT_EQ(Narrowest(TypesOf("9007199254740993") & TypesOf("1.5")), ColumnType::kVarchar);
}

TEST(FieldRules, NamesOfTypes) {
  EXPECT_EQ(ParseTypeName("varchar"), ColumnType::kVarchar);
  EXPECT_EQ(ParseTypeName("TimestampTZ"), ColumnType::kTimestampTz);
  EXPECT_EQ(ParseTypeName("timestamp with time zone"), ColumnType::kTimestampTz);
  EXPECT_EQ(ParseTypeName("INTEGER"), std::nullopt);
}

// The fast path of Fits and the full rules must not differ.
TEST(FieldRules, FitsAgreesWithTypesOf) {
  constexpr std::string_view kAlphabet = "0123456789-+.eE:TZ truefals";
  uint64_t random = 7;
  const auto next = [&](size_t below) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(random >> 33) % below;
  };
  for (int i = 0; i < 200'000; ++i) {
    std::string text(1 + next(24), '0');
    const size_t letters = i % 3 == 0 ? 10 : kAlphabet.size();
    for (char& c : text) c = kAlphabet[next(letters)];
    for (int t = 0; t < kColumnTypes; ++t) {
      const auto type = static_cast<ColumnType>(t);
      ASSERT_EQ(Fits(text, type), (TypesOf(text) & Bit(type)) != 0) << text << " as " << TypeName(type);
    }
  }
}

}  // namespace
}  // namespace lakehouse::ingest
