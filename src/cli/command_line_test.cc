#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/source_format.h"

namespace lakehouse::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ParsedCommand Parse(std::vector<std::string> arguments) {
  auto parsed = ParseCommandLine(std::move(arguments));
  if (const Say* say = std::get_if<Say>(&parsed)) {
    ADD_FAILURE() << say->text;
    return {};
  }
  return std::get<ParsedCommand>(std::move(parsed));
}

Say Refused(std::vector<std::string> arguments) {
  auto parsed = ParseCommandLine(std::move(arguments));
  if (std::holds_alternative<ParsedCommand>(parsed)) {
    ADD_FAILURE() << "was accepted";
    return {};
  }
  return std::get<Say>(std::move(parsed));
}

TEST(CommandLine, GlobalFlagsStandBeforeAndAfterTheCommand) {
  const auto before = Parse({"--url", "http://h:1", "--json", "ls"});
  EXPECT_EQ(before.global.url, "http://h:1");
  EXPECT_TRUE(before.global.json);
  const auto after = Parse({"ls", "--url", "http://h:1", "--json", "--config", "x.toml"});
  EXPECT_EQ(after.global.url, "http://h:1");
  EXPECT_TRUE(after.global.json);
  EXPECT_EQ(after.global.config, "x.toml");
}

TEST(CommandLine, Ingest) {
  const auto parsed =
      Parse({"ingest", "a.csv", "-", "--name", "n", "--mode", "append", "--types", "zip=VARCHAR,day=DATE",
             "--delimiter", ";", "--encoding", "latin1", "--no-header", "--duplicates"});
  const auto& options = std::get<IngestOptions>(parsed.command);
  EXPECT_THAT(options.files, ElementsAre("a.csv", "-"));
  EXPECT_EQ(options.name, "n");
  EXPECT_EQ(options.mode, "append");
  EXPECT_THAT(options.types, ElementsAre("zip=VARCHAR", "day=DATE"));
  EXPECT_EQ(options.delimiter, ";");
  EXPECT_EQ(options.encoding, "latin1");
  EXPECT_TRUE(options.no_header);
  EXPECT_TRUE(options.duplicates);
}

TEST(CommandLine, FlagsMayStandBeforeTheFiles) {
  const auto parsed = Parse({"ingest", "--name", "n", "--types", "zip=VARCHAR", "a.csv", "b.csv"});
  EXPECT_THAT(std::get<IngestOptions>(parsed.command).files, ElementsAre("a.csv", "b.csv"));
}

TEST(CommandLine, Sql) {
  const auto parsed =
      Parse({"sql", "SELECT ?, ?", "-p", "5", "--param", "x,y", "--format", "csv", "-o", "out", "--at-seq", "7"});
  const auto& options = std::get<SqlOptions>(parsed.command);
  EXPECT_EQ(options.statement, "SELECT ?, ?");
  EXPECT_THAT(options.parameters, ElementsAre("5", "x,y"));
  EXPECT_EQ(options.format, "csv");
  EXPECT_EQ(options.output, "out");
  EXPECT_EQ(options.at_seq, 7u);
  EXPECT_EQ(std::get<SqlOptions>(Parse({"sql", "-"}).command).statement, "-");
  EXPECT_EQ(std::get<SqlOptions>(Parse({"sql", "-p", "1", "SELECT ?"}).command).statement, "SELECT ?");
}

TEST(CommandLine, ARoleCarriesItsOverrides) {
  const auto parsed = Parse({"queryd", "--bind", "127.0.0.1:0", "--data-dir", "/tmp/x", "--insecure"});
  const auto& options = std::get<RoleOptions>(parsed.command);
  EXPECT_EQ(options.role, server::Role::kQueryd);
  ASSERT_EQ(options.overrides.size(), 3u);
  EXPECT_EQ(options.overrides[0].section, "queryd");
  EXPECT_EQ(options.overrides[0].origin, "--bind");
  EXPECT_EQ(std::get<RoleOptions>(Parse({"serve", "--bind", "127.0.0.1:0"}).command).overrides[0].section, "gateway");
}

TEST(CommandLine, WrongUsageSaysWhatIsWrong) {
  EXPECT_EQ(Refused({}).exit_code, ExitCode::kUsage);
  for (const auto& [arguments, named] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"nonsense"}, "nonsense"},
           {{"ls", "--nonsense"}, "--nonsense"},
           {{"show"}, "NAME"},
           {{"ingest", "--name", "x"}, "FILE"},
           {{"ingest", "a", "--mode", "maybe"}, "--mode"},
           {{"completion", "tcsh"}, "tcsh"},
           {{"sql", "SELECT 1", "--max-rows", "many"}, "--max-rows"}}) {
    const Say say = Refused(arguments);
    EXPECT_EQ(say.exit_code, ExitCode::kUsage);
    EXPECT_THAT(say.text, HasSubstr(named));
  }
}

TEST(CommandLine, EveryCommandHasHelpWithAnExample) {
  EXPECT_THAT(Refused({"--help"}).text, HasSubstr("Exit status"));
  const auto commands = DescribeCommands();
  ASSERT_GT(commands.size(), 15u);
  for (size_t i = 1; i < commands.size(); ++i) {
    const Say say = Refused({commands[i].name, "--help"});
    EXPECT_EQ(say.exit_code, ExitCode::kOk) << commands[i].name;
    EXPECT_THAT(say.text, HasSubstr("Example:")) << commands[i].name;
    EXPECT_THAT(say.text, HasSubstr(commands[i].example)) << commands[i].name;
    for (const auto& below : commands[i].commands) {
      EXPECT_THAT(Refused({commands[i].name, below.name, "--help"}).text, HasSubstr(below.example)) << below.name;
    }
  }
}

TEST(CommandLine, EveryExampleOfHelpParses) {
  std::vector<CommandDescription> commands = DescribeCommands();
  for (const auto& command : DescribeCommands()) {
    commands.insert(commands.end(), command.commands.begin(), command.commands.end());
  }
  for (const auto& command : commands) {
    if (command.example.starts_with("source") || command.example.find('|') != std::string::npos) continue;
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    for (const char c : command.example + " ") {
      if (c == '"') quoted = !quoted;
      if (c == ' ' && !quoted) {
        if (!word.empty()) words.push_back(word);
        word.clear();
      } else if (c != '"') {
        word.push_back(c);
      }
    }
    if (words.empty()) continue;
    words.erase(words.begin());
    EXPECT_TRUE(std::holds_alternative<ParsedCommand>(ParseCommandLine(words))) << command.example;
  }
}

TEST(FormatOfFile, FollowsTheName) {
  struct Case {
    const char *file, *type, *encoding;
  };
  for (const Case& c : {Case{"a.csv", "text/csv", ""}, Case{"dir.parquet/A.CSV.GZ", "text/csv", "gzip"},
                        Case{"a.tsv.zst", "text/csv", "zstd"}, Case{"a.jsonl", "application/x-ndjson", ""},
                        Case{"a.ndjson.gz", "application/x-ndjson", "gzip"},
                        Case{"a.parquet", "application/vnd.apache.parquet", ""}, Case{"-", "text/csv", ""}}) {
    const auto format = FormatOfFile(c.file, "");
    ASSERT_TRUE(format) << c.file;
    EXPECT_EQ(format->content_type, c.type) << c.file;
    EXPECT_EQ(format->content_encoding, c.encoding) << c.file;
  }
  EXPECT_TRUE(FormatOfFile("a.tsv", "")->is_tsv);
  EXPECT_EQ(FormatOfFile("-", "ndjson")->content_type, "application/x-ndjson");
}

TEST(NameOfFile, DropsFolderAndExtensions) {
  EXPECT_EQ(NameOfFile("data/Trips.csv.gz"), "Trips");
  EXPECT_EQ(NameOfFile("trips"), "trips");
  EXPECT_EQ(NameOfFile("a.b.parquet"), "a.b");
}

}  // namespace
}  // namespace lakehouse::cli
