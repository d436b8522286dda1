#include "cli/text.h"

#include <gtest/gtest.h>

namespace lakehouse::cli {
namespace {

TEST(Printable, EscapesWhatWouldDriveTheTerminal) {
  EXPECT_EQ(Printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(Printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(Printable("\xC2\x9B"), "\\x9b") << "the one-byte CSI";
  EXPECT_EQ(Printable("\xE2\x80\xAE"
                      "abc"),
            "\\u202eabc")
      << "right-to-left override";
  EXPECT_EQ(Printable("Zürich 東京 🚕"), "Zürich 東京 🚕");
}

TEST(Printable, ReplacesBrokenUtf8) { EXPECT_EQ(Printable("a\xFFz"), "a\xEF\xBF\xBDz"); }

TEST(CellWidth, CountsCellsNotBytes) {
  EXPECT_EQ(CellWidth(""), 0u);
  EXPECT_EQ(CellWidth("Zürich"), 6u);
  EXPECT_EQ(CellWidth("東京"), 4u);
  EXPECT_EQ(CellWidth("🚕"), 2u);
  EXPECT_EQ(CellWidth("e\xCC\x81"), 1u) << "combining accent";
}

TEST(Cut, KeepsWhatFits) {
  EXPECT_EQ(Cut("abcdef", 6), "abcdef");
  EXPECT_EQ(Cut("abcdef", 4), "abc…");
  EXPECT_EQ(Cut("東京都", 4), "東…") << "a wide character is never halved";
  EXPECT_EQ(Cut("abc", 1), "…");
}

TEST(Grouped, PutsACommaBeforeEveryThreeDigits) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
}

TEST(HumanBytes, ChoosesTheUnit) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(9'800'000), "9.8 MB");
  EXPECT_EQ(HumanBytes(123'000'000), "123 MB");
  EXPECT_EQ(HumanBytes(999'960), "1.0 MB") << "never 1000 kB";
}

TEST(HumanSeconds, ChoosesTheUnit) {
  EXPECT_EQ(HumanSeconds(0.424), "0.42 s");
  EXPECT_EQ(HumanSeconds(200), "3 min 20 s");
  EXPECT_EQ(HumanSeconds(3660), "1 h 1 min");
}

}  // namespace
}  // namespace lakehouse::cli
