#include "config/units.h"

#include <gtest/gtest.h>

namespace lakehouse::config {
namespace {

using std::chrono::milliseconds;

TEST(ParseDuration, TakesEveryUnit) {
  EXPECT_EQ(ParseDuration("500ms").value(), milliseconds(500));
  EXPECT_EQ(ParseDuration("10s").value(), milliseconds(10'000));
  EXPECT_EQ(ParseDuration("5m").value(), milliseconds(300'000));
  EXPECT_EQ(ParseDuration("24h").value(), std::chrono::hours(24));
  EXPECT_EQ(ParseDuration("30d").value(), std::chrono::hours(720));
  EXPECT_EQ(ParseDuration("0s").value(), milliseconds(0));
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", "10", "s", "-1s", "1.5s", "1 s", "10S", "1w", "99999999999999999999s", "4000d"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(ParseBytes, TakesBothSystemsOfUnits) {
  EXPECT_EQ(ParseBytes("0").value(), 0u);
  EXPECT_EQ(ParseBytes("64KiB").value(), 65536u);
  EXPECT_EQ(ParseBytes("256MiB").value(), uint64_t{256} << 20);
  EXPECT_EQ(ParseBytes("4GB").value(), 4'000'000'000u);
  EXPECT_EQ(ParseBytes("2TiB").value(), uint64_t{2} << 40);
}

TEST(ParseBytes, RefusesTheRest) {
  for (const char* text : {"", "KiB", "-1", "1.5GiB", "10 MB", "10mb", "10M", "99999999TiB", "99999999999999999999"}) {
    EXPECT_FALSE(ParseBytes(text)) << text;
  }
}

TEST(ParsePercent, IsFromOneToAHundred) {
  EXPECT_EQ(ParsePercent("70%").value(), 70u);
  EXPECT_EQ(ParsePercent("100%").value(), 100u);
  for (const char* text : {"0%", "101%", "70", "%", "7.5%"}) EXPECT_FALSE(ParsePercent(text)) << text;
}

TEST(Format, ReadsBackTheSame) {
  for (const char* text : {"500ms", "10s", "90s", "5m", "24h", "31d"}) {
    const auto parsed = ParseDuration(text).value();
    EXPECT_EQ(ParseDuration(FormatDuration(parsed)).value(), parsed) << text;
  }
  EXPECT_EQ(FormatDuration(milliseconds(90'000)), "90s");
  EXPECT_EQ(FormatDuration(milliseconds(0)), "0ms");
  EXPECT_EQ(FormatBytes(uint64_t{256} << 20), "256MiB");
  EXPECT_EQ(FormatBytes(1536), "1.5KiB");
  EXPECT_EQ(FormatBytes(0), "0B");
}

}  // namespace
}  // namespace lakehouse::config
