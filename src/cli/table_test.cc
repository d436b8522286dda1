#include "cli/table.h"

#include <gtest/gtest.h>

#include "cli/result_table.h"

namespace lakehouse::cli {
namespace {

TEST(Table, AlignsNumbersRightAndTextLeft) {
  Table table({{"vendor"}, {"trips", Align::kRight}});
  table.AddRow({"Zürich", "7"});
  table.AddRow({"a", "12345"});
  table.AddRow({std::nullopt, std::nullopt});
  EXPECT_EQ(table.Render(std::nullopt),
            "vendor  trips\n"
            "------  -----\n"
            "Zürich      7\n"
            "a       12345\n"
            "NULL     NULL\n");
}

TEST(Table, ARowIsALineWhateverItHolds) {
  Table table({{"a"}});
  table.AddRow({"x\ny\x1b[31m"});
  EXPECT_EQ(table.Render(std::nullopt), "a\n------------\nx\\ny\\x1b[31m\n");
}

TEST(Table, CutsTheWidestColumnsToTheTerminal) {
  Table table({{"id", Align::kRight}, {"note"}, {"text"}});
  table.AddRow({"1", std::string(50, 'n'), std::string(30, 't')});
  const std::string text = table.Render(40);
  EXPECT_EQ(text.substr(0, text.find('\n')), "id  note               text");
  EXPECT_NE(text.find("n…  t"), std::string::npos) << text;
  EXPECT_NE(text.find("t…\n"), std::string::npos) << text;
  const size_t rule = text.find('\n') + 1;
  EXPECT_EQ(text.find('\n', rule) - rule, 40u);
}

TEST(Table, StaysReadableOnATinyTerminal) {
  Table table({{"a"}, {"b"}});
  table.AddRow({std::string(20, 'x'), std::string(20, 'y')});
  EXPECT_EQ(table.Render(3), "a       b\n------  ------\nxxxxx…  yyyyy…\n");
}

TEST(TableOfResult, ShowsTheAnswerOfAQuery) {
  const auto result = TableOfResult(
      R"j({"columns":[{"name":"n","type":"BIGINT"},{"name":"d","type":"DECIMAL(9,2)"},{"name":"s","type":"VARCHAR"},
          {"name":"l","type":"INTEGER[]"},{"name":"x","type":"DOUBLE"},{"name":"b","type":"BOOLEAN"}],
          "rows":[[9007199254740993,"1.50","a",[1,2],0.1,true],[null,null,null,null,"NaN",null]],"row_count":2,"seq":7})j",
      0);
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->row_count, 2u);
  EXPECT_EQ(result->table.Render(std::nullopt),
            "               n     d  s     l        x  b\n"
            "----------------  ----  ----  -----  ---  ----\n"
            "9007199254740993  1.50  a     [1,2]  0.1  true\n"
            "            NULL  NULL  NULL  NULL   NaN  NULL\n");
}

TEST(TableOfResult, LeavesOutRowsPastTheLimit) {
  const auto result = TableOfResult(R"({"columns":[{"name":"n","type":"BIGINT"}],"rows":[[1],[2],[3]]})", 2);
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->table.rows(), 2u);
  EXPECT_EQ(result->row_count, 3u);
}

TEST(TableOfResult, SaysWhatIsNoAnswer) {
  for (const char* text : {"", "[]", "{}", R"({"columns":[]})", R"({"columns":[{"name":"a"}],"rows":[[1,2]]})",
                           R"({"columns":[{"name":"a"}],"rows":[{}]})"}) {
    const auto result = TableOfResult(text, 0);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().kind, ErrorKind::kUpstream) << text;
  }
}

}  // namespace
}  // namespace lakehouse::cli
