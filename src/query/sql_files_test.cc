// Runs tests/sql/*.test; the format is described in tests/sql/README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/json_value.h"
#include "object/block_cache.h"
#include "query/engine.h"
#include "query/test_lake.h"

namespace lakehouse::query {
namespace {

std::filesystem::path SqlFolder() {
  for (auto folder = std::filesystem::canonical("/proc/self/exe").parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (std::filesystem::exists(folder / "tests" / "sql")) return folder / "tests" / "sql";
  }
  return {};
}

std::vector<std::filesystem::path> SqlFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SqlFolder())) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// A block of lines up to an empty one.
struct Block {
  int line = 0;
  std::vector<std::string> command;
  std::string sql;
  std::vector<std::string> expected;
};

std::vector<Block> ReadBlocks(const std::filesystem::path& file) {
  std::vector<Block> blocks;
  std::ifstream stream(file);
  std::string text;
  bool in_expected = false;
  bool open = false;
  for (int line = 1; std::getline(stream, text); ++line) {
    if (text.starts_with("#")) continue;
    if (text.empty()) {
      open = false;
      continue;
    }
    if (!open) {
      blocks.emplace_back().line = line;
      std::istringstream words(text);
      for (std::string word; words >> word;) blocks.back().command.push_back(word);
      open = true;
      in_expected = false;
    } else if (!in_expected && text == "----") {
      in_expected = true;
    } else if (in_expected) {
      blocks.back().expected.push_back(text);
    } else {
      blocks.back().sql += (blocks.back().sql.empty() ? "" : "\n") + text;
    }
  }
  return blocks;
}

std::string CellText(const boost::json::value& cell) {
  if (cell.is_null()) return "NULL";
  if (cell.is_double()) {
    std::string text;
    AppendJsonDouble(text, cell.as_double());
    return text;
  }
  if (!cell.is_string()) return boost::json::serialize(cell);
  const auto& text = cell.as_string();
  return text.empty() ? "(empty)" : std::string(text);
}

class SqlFile : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.spill_folder = lake_.folder() / "spill";
    auto opened = Engine::Open(options, lake_, cache_, Logger::Silent());
    ASSERT_TRUE(opened) << opened.error().detail;
    engine_ = *std::move(opened);
  }

  Result<std::string> Run(const std::string& sql, std::optional<Seq> at) {
    QueryRequest request;
    request.sql = sql;
    request.at_seq = at;
    LH_ASSIGN(const auto stream, engine_->Run({}, request));
    std::string out;
    StringSink sink(out);
    auto written = stream->WriteTo(sink);
    if (!written) {
      EXPECT_EQ(stream->bytes_written(), 0u) << "an early error must leave the sink untouched";
      return Fail(written.error());
    }
    return out;
  }

  std::vector<std::string> Rows(const std::string& json) {
    std::vector<std::string> rows;
    const auto parsed = ParseJson(json);
    EXPECT_TRUE(parsed) << json.substr(0, 300);
    if (!parsed) return rows;
    for (const auto& row : parsed->as_object().at("rows").as_array()) {
      std::string text;
      for (const auto& cell : row.as_array()) text += (text.empty() ? "" : "\t") + CellText(cell);
      rows.push_back(std::move(text));
    }
    return rows;
  }

  void RunBlock(const Block& block) {
    const auto& command = block.command;
    if (command[0] == "dataset" || command[0] == "append") {
      lake_.Add(command.at(1), block.sql,
                command[0] == "append" ? catalog::WriteMode::kAppend : catalog::WriteMode::kReplace);
    } else if (command[0] == "drop") {
      lake_.Drop(command.at(1));
    } else if (command[0] == "statement") {
      RunStatement(block);
    } else if (command[0] == "query") {
      RunQuery(block);
    } else {
      ADD_FAILURE() << "unknown command " << command[0];
    }
  }

  void RunStatement(const Block& block) {
    const auto result = Run(block.sql, std::nullopt);
    if (block.command.at(1) == "ok") {
      EXPECT_TRUE(result) << result.error().detail;
      return;
    }
    ASSERT_FALSE(result) << "this should have failed";
    const auto kind = block.command.size() > 2 ? block.command[2] : "invalid";
    EXPECT_EQ(ErrorKindName(result.error().kind), kind) << result.error().detail;
    for (const auto& part : block.expected) {
      EXPECT_NE(result.error().detail.find(part), std::string::npos)
          << "the error says: " << result.error().detail << "\nand not: " << part;
    }
    EXPECT_EQ(result.error().detail.find(lake_.folder().string()), std::string::npos) << result.error().detail;
  }

  void RunQuery(const Block& block) {
    std::optional<Seq> at;
    bool sorted = false;
    for (size_t i = 1; i < block.command.size(); ++i) {
      if (block.command[i] == "rowsort") sorted = true;
      if (block.command[i] == "at") at = Seq(std::stoull(block.command.at(i + 1)));
    }
    const auto result = Run(block.sql, at);
    ASSERT_TRUE(result) << result.error().detail;
    auto rows = Rows(*result);
    if (sorted) std::sort(rows.begin(), rows.end());
    EXPECT_EQ(rows, block.expected);
  }

  TestLake lake_;
  object::BlockCache cache_{lake_.store(), {}};
  std::unique_ptr<Engine> engine_;
};

TEST_P(SqlFile, GivesWhatItSays) {
  for (const auto& block : ReadBlocks(GetParam())) {
    SCOPED_TRACE(GetParam().filename().string() + ":" + std::to_string(block.line) + "\n" + block.sql);
    RunBlock(block);
  }
}

INSTANTIATE_TEST_SUITE_P(Sql, SqlFile, testing::ValuesIn(SqlFiles()),
                         [](const auto& tested) { return tested.param.stem().string(); });

}  // namespace
}  // namespace lakehouse::query
