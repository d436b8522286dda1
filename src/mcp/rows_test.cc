#include "mcp/rows.h"

#include <gtest/gtest.h>

namespace lakehouse::mcp {
namespace {

constexpr std::string_view kResult =
    R"({"columns":[{"name":"a]\"[","type":"VARCHAR"},{"name":"b","type":"INTEGER[]"}],)"
    R"("rows":[["x,[\"",[1,2]],[null,[]],["y",[3]]],"row_count":3,"seq":4})";

std::string Cut(const RowLimits& limits, bool* cut = nullptr, size_t piece = 1) {
  RowCutter cutter(limits);
  for (size_t at = 0; at < kResult.size(); at += piece) {
    if (!cutter.Write(kResult.substr(at, piece))) break;
  }
  if (cut != nullptr) *cut = cutter.cut();
  const std::string text = cutter.Json();
  return text.substr(text.find("\"rows\""));
}

TEST(RowCutterTest, KeepsAllThatFits) {
  bool cut = true;
  EXPECT_EQ(Cut({}, &cut), R"("rows":[["x,[\"",[1,2]],[null,[]],["y",[3]]]})");
  EXPECT_FALSE(cut);
  EXPECT_EQ(Cut({}, nullptr, 1000), Cut({}));
}

TEST(RowCutterTest, ExactlyTheBudgetIsNotCut) {
  bool cut = true;
  EXPECT_EQ(Cut({.max_rows = 3}, &cut), Cut({}));
  EXPECT_FALSE(cut);
}

TEST(RowCutterTest, CutsAtRows) {
  bool cut = false;
  EXPECT_EQ(Cut({.max_rows = 2}, &cut), R"("rows":[["x,[\"",[1,2]],[null,[]]]})");
  EXPECT_TRUE(cut);
}

TEST(RowCutterTest, SkipsRowsThatWereGiven) {
  EXPECT_EQ(Cut({.skip = 1, .max_rows = 1}), R"("rows":[[null,[]]]})");
  EXPECT_EQ(Cut({.skip = 5}), R"("rows":[]})");
}

TEST(RowCutterTest, CutsAtBytesBetweenRows) {
  bool cut = false;
  EXPECT_EQ(Cut({.max_bytes = 20}, &cut), R"("rows":[["x,[\"",[1,2]]]})");
  EXPECT_TRUE(cut);
}

TEST(RowCutterTest, SaysWhenNotEvenOneRowFits) {
  RowCutter cutter({.max_bytes = 5});
  EXPECT_FALSE(cutter.Write(kResult));
  EXPECT_TRUE(cutter.too_large());
}

TEST(QuoteTest, DoublesQuotes) {
  EXPECT_EQ(QuoteName("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(QuoteText("it's"), "'it''s'");
}

}  // namespace
}  // namespace lakehouse::mcp
