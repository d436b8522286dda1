#include "query/text_buffer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

#include "base/json.h"

namespace lakehouse::query {
namespace {

std::string Double(double value) {
  TextBuffer out;
  out.AppendFinite(value);
  return std::string(out.view());
}

TEST(TextBuffer, IntegersAtTheirEnds) {
  TextBuffer out;
  for (const int64_t value : {int64_t{0}, int64_t{-1}, int64_t{9}, int64_t{10}, int64_t{99}, int64_t{100},
                              std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    out.Clear();
    out.AppendInt(value);
    EXPECT_EQ(out.view(), std::to_string(value));
  }
  out.Clear();
  out.AppendUint(std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(out.view(), "18446744073709551615");
}

TEST(TextBuffer, DoublesAreShortestAndNeverIntegers) {
  EXPECT_EQ(Double(0), "0.0");
  EXPECT_EQ(Double(-0.0), "-0.0");
  EXPECT_EQ(Double(3), "3.0");
  EXPECT_EQ(Double(12.5), "12.5");
  EXPECT_EQ(Double(-0.01), "-0.01");
  EXPECT_EQ(Double(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(Double(1e300), "1e+300");
  EXPECT_EQ(Double(5e-324), "5e-324");
  EXPECT_EQ(Double(99999999999.9999), "99999999999.9999");
}

TEST(TextBuffer, DoublesReadBackAndAreNoLongerThanNeeded) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    double value = std::bit_cast<double>(random());
    if (i % 2 == 0) value = static_cast<double>(static_cast<int64_t>(random()) >> (random() % 60)) / 100;
    if (!std::isfinite(value)) continue;
    const std::string text = Double(value);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    std::string other;
    AppendJsonDouble(other, value);
    const auto digits = [](const std::string& number) {
      std::string kept;
      for (const char c : number.substr(0, number.find('e'))) {
        if (c >= '0' && c <= '9' && !(kept.empty() && c == '0')) kept.push_back(c);
      }
      kept.erase(kept.find_last_not_of('0') + 1);
      return kept;
    };
    ASSERT_EQ(digits(text), digits(other)) << text << " " << other;
  }
}

TEST(TextBuffer, JsonStringsEqualTheGeneralWriter) {
  std::mt19937 random(2);
  const std::string pieces[] = {"a",    "\"",   "\\", "\n", "\t", "\r",        "\b", "\f", std::string(1, '\0'),
                                "\x1f", "\x7f", "ü",  "€",  "😀", "plain text"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t n = random() % 12; n > 0; --n) text += pieces[random() % std::size(pieces)];
    TextBuffer out;
    out.AppendJsonString(text);
    std::string other;
    AppendJsonString(other, text);
    ASSERT_EQ(out.view(), other);
  }
}

TEST(TextBuffer, LongStringsKeepTheirEscapes) {
  std::string text(200'000, 'x');
  text[65'535] = '"';
  text[65'536] = '\\';
  TextBuffer out;
  out.AppendJsonString(text);
  std::string other;
  AppendJsonString(other, text);
  EXPECT_TRUE(out.view() == other);
}

}  // namespace
}  // namespace lakehouse::query
