#include "ingest/ndjson_import.h"

#include <gmock/gmock.h>

#include "ingest/import_test_target.h"

namespace lakehouse::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Imported> ImportLines(std::string_view json, const ImportOptions& options = {}) {
  return ImportedBy([&](MemoryTarget& target) {
    return ImportNdjson(RequestContext{}, json, options, target, [](size_t, size_t) {});
  });
}

std::string LineOf(const Error& error) {
  for (const auto& [name, value] : error.members) {
    if (name == "line") return value;
  }
  return "";
}

TEST(NdjsonImport, EveryKindHasItsType) {
  const auto imported = ImportLines(
      "{\"b\":true,\"i\":-7,\"d\":1.5,\"s\":\"12\",\"n\":{\"a\": [1, 2]},\"m\":1}\n\n"
      "{\"late\":null,\"m\":\"a\\n\\\"b\",\"d\":2}\r\n");
  ASSERT_TRUE(imported) << imported.error().detail;
  EXPECT_THAT(imported->columns(),
              ElementsAre("b BOOLEAN", "i BIGINT", "d DOUBLE", "s VARCHAR", "n VARCHAR", "m VARCHAR", "late VARCHAR"));
  EXPECT_THAT(imported->Values(),
              ElementsAre(ElementsAre("true", "null"), ElementsAre("-7", "null"), ElementsAre("1.5", "2"),
                          ElementsAre("12", "null"), ElementsAre("{\"a\": [1, 2]}", "null"), ElementsAre("1", "a\n\"b"),
                          ElementsAre("null", "null")));
  ASSERT_EQ(imported->schema.widened.size(), 1U);
  EXPECT_EQ(imported->schema.widened[0].column, "m");
  EXPECT_EQ(imported->schema.widened[0].from, ColumnType::kBigint);
  EXPECT_EQ(imported->schema.widened[0].line, 3U);
}

TEST(NdjsonImport, NumbersThatDoNotComeBackAreText) {
  const auto imported = ImportLines("{\"a\":18446744073709551616,\"b\":0.12345678901234567891,\"c\":1e5}\n");
  ASSERT_TRUE(imported) << imported.error().detail;
  EXPECT_THAT(imported->columns(), ElementsAre("a VARCHAR", "b VARCHAR", "c DOUBLE"));
  EXPECT_EQ(imported->Values()[0][0], "18446744073709551616");
}

TEST(NdjsonImport, WhatIsNoObjectIsNamedByItsLine) {
  const std::string deep = "{\"a\":" + std::string(2000, '[') + std::string(2000, ']') + "}";
  for (const std::string& line :
       {std::string("[1]"), std::string("1"), std::string("{\"a\":1} 2"), std::string("{\"a\":1}{\"a\":1}"),
        std::string("{\"a\":1,\"a\":2}"), std::string("{\"a\":"), std::string("{\"a\":01}"),
        std::string("{\"a\":[1,]}"), std::string("{\"a\":[nul]}"), std::string("{\"a\":{\"b\":\"\\x\"}}"),
        std::string("{\"a\":[1}"), std::string("{\"a\":truex}"), std::string("{\"a\":\"\xff\"}"),
        std::string("{\"\":1}"), deep}) {
    const auto imported = ImportLines("{\"a\":1}\n" + line + "\n{\"a\":2}\n");
    ASSERT_FALSE(imported) << line;
    EXPECT_EQ(imported.error().kind, ErrorKind::kInvalid) << line;
    EXPECT_EQ(LineOf(imported.error()), "2") << line;
  }
}

TEST(NdjsonImport, AFileWithoutRowsIsRefused) {
  for (const char* text : {"", "\n \r\n", "\xEF\xBB\xBF"}) EXPECT_FALSE(ImportLines(text)) << text;
}

TEST(NdjsonImport, IntoADatasetTheFileMustFit) {
  ImportOptions options;
  options.existing = std::vector<FileColumn>{{"a", ColumnType::kBigint, 4}, {"day", ColumnType::kDate, 9}};
  const auto fits = ImportLines("{\"day\":\"2026-01-31\"}\n{\"a\":1}\n", options);
  ASSERT_TRUE(fits) << fits.error().detail;
  EXPECT_THAT(fits->Values(), ElementsAre(ElementsAre("null", "1"), ElementsAre("2026-01-31", "null")));
  for (const char* line : {"{\"a\":\"1\"}", "{\"a\":1.5}", "{\"x\":1}", "{\"day\":\"soon\"}", "{\"a\":[1]}"}) {
    const auto differs = ImportLines("{\"a\":1}\n" + std::string(line) + "\n", options);
    ASSERT_FALSE(differs) << line;
    EXPECT_EQ(differs.error().kind, ErrorKind::kConflict) << line;
    EXPECT_EQ(LineOf(differs.error()), "2") << line;
  }
}

TEST(NdjsonImport, TheOutcomeDoesNotDependOnBlocks) {
  std::string json;
  for (int i = 0; i < 500; ++i)
    json += fmt::format("{{\"k{}\":{},\"t\":\"\\u00e9{}\"}}\n", i % 7, i == 400 ? "1.5" : std::to_string(i), i);
  const auto whole = ImportLines(json);
  ASSERT_TRUE(whole) << whole.error().detail;
  ImportOptions options;
  options.block_bytes = 100;
  options.threads = 3;
  const auto cut = ImportLines(json, options);
  ASSERT_TRUE(cut) << cut.error().detail;
  EXPECT_EQ(cut->columns(), whole->columns());
  EXPECT_EQ(cut->Values(), whole->Values());
}

}  // namespace
}  // namespace lakehouse::ingest
