// The client commands against a real HTTP server whose answers the test decides.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "cli/cli.h"
#include "http/server.h"

namespace lakehouse::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Seen {
  std::string target, body;
  http::Headers headers;
  std::string Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (std::equal(key.begin(), key.end(), name.begin(), name.end(),
                     [](char a, char b) { return (a | 0x20) == (b | 0x20); })) {
        return value;
      }
    }
    return "";
  }
};

struct Outcome {
  ExitCode exit_code;
  std::string out, err;
};

std::string ContentsOf(int descriptor) {
  std::string text(static_cast<size_t>(::lseek(descriptor, 0, SEEK_END)), '\0');
  EXPECT_TRUE(ReadFullyAt(descriptor, text.data(), text.size(), 0));
  return text;
}

class Commands : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    auto server = http::Server::Bind({}, Logger::Silent(), metrics_);
    ASSERT_TRUE(server) << server.error().detail;
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_->Stop(Deadline::After(std::chrono::seconds(5)));
    std::filesystem::remove_all(folder_);
  }

  // Answers `method pattern` with this and keeps what was asked.
  void Answer(const std::string& method, const std::string& pattern, int status, std::string body,
              std::string content_type = "application/json") {
    router_.Add({method, pattern,
                 [this, status, body = std::move(body), type = std::move(content_type)](
                     const RequestContext&, http::Request& request, http::Response& response) -> Status {
                   LH_ASSIGN(std::string sent, ReadAll(request.body(), 16 << 20));
                   seen_.push_back({std::string(request.target()), std::move(sent), request.headers()});
                   return response.Send(status, type, body);
                 },
                 ""});
  }

  Outcome Run(std::vector<std::string> arguments, std::string_view input = "", std::stop_token stop = {}) {
    if (!started_) server_->Start(router_);
    started_ = true;
    return RunAgainst("http://" + server_->address(), std::move(arguments), input, std::move(stop));
  }

  Outcome RunAgainst(const std::string& url, std::vector<std::string> arguments, std::string_view input,
                     std::stop_token stop) {
    auto parsed = ParseCommandLine(std::move(arguments));
    if (const Say* say = std::get_if<Say>(&parsed)) return {say->exit_code, "", say->text};
    const FileDescriptor in(memfd_create("in", MFD_CLOEXEC));
    const FileDescriptor out(memfd_create("out", MFD_CLOEXEC));
    const FileDescriptor err(memfd_create("err", MFD_CLOEXEC));
    EXPECT_TRUE(WriteFully(in.get(), input));
    ::lseek(in.get(), 0, SEEK_SET);
    environment_["LAKEHOUSE_URL"] = url;
    Console console({in.get(), out.get(), err.get()}, config::EnvironmentOf(environment_), std::move(stop));
    const ExitCode exit_code = RunClientCommand(std::get<ParsedCommand>(parsed), console);
    return {exit_code, ContentsOf(out.get()), ContentsOf(err.get())};
  }

  std::string File(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("lakehouse-cli-" + RandomUuid());
  std::map<std::string, std::string, std::less<>> environment_;
  std::vector<Seen> seen_;
  http::Router router_;

 private:
  observe::Metrics metrics_;
  std::unique_ptr<http::Server> server_;
  bool started_ = false;
};

constexpr char kIngested[] =
    R"({"dataset_id":"d","name":"trips","fingerprint":"f","version":3,"seq":12,"row_count":1200,"rows_added":1000,"columns":[],
        "objects":[],"existing":true,"replayed":false,"source_bytes":5000,
        "widened":[{"column":"zip","from":"BIGINT","to":"VARCHAR","line":1204}]})";

TEST_F(Commands, IngestSendsTheFileAsItIs) {
  Answer("POST", "/v1/ingest", 201, kIngested);
  const auto done = Run(
      {"ingest", File("trips.csv", "a,b\n1,2\n"), "--types", "zip=VARCHAR", "--mode", "append", "--delimiter", ";"});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0].body, "a,b\n1,2\n");
  EXPECT_EQ(seen_[0].target, "/v1/ingest?name=trips&mode=append&delimiter=%3B&types=%7B%22zip%22%3A%22VARCHAR%22%7D");
  EXPECT_EQ(seen_[0].Header("Content-Type"), "text/csv");
  EXPECT_EQ(seen_[0].Header("Content-Length"), "8");
  EXPECT_EQ(seen_[0].Header("Content-Encoding"), "");
  EXPECT_THAT(done.out, StartsWith("trips: 1,000 rows added, 1,200 in all; 5.0 kB in "));
  EXPECT_THAT(done.out, HasSubstr("version 3, seq 12"));
  EXPECT_THAT(done.out,
              HasSubstr("column zip is VARCHAR instead of BIGINT: the value in line 1,204 does not fit BIGINT"));
  EXPECT_THAT(done.err, IsEmpty()) << "no progress bar where nobody watches";
}

TEST_F(Commands, IngestOfSeveralFilesReplacesOnceThenAppends) {
  Answer("POST", "/v1/ingest", 200, kIngested);
  File("b.tsv.gz", "x");
  File("a.csv", "y");
  const auto done = Run({"ingest", (folder_ / "*").string(), "--name", "n"});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[0].target, "/v1/ingest?name=n&mode=replace");
  EXPECT_EQ(seen_[0].body, "y");
  EXPECT_EQ(seen_[1].target, "/v1/ingest?name=n&mode=append&delimiter=%09");
  EXPECT_EQ(seen_[1].Header("Content-Encoding"), "gzip");
}

TEST_F(Commands, IngestOfStandardInputIsChunked) {
  Answer("POST", "/v1/ingest", 201, kIngested);
  const auto done = Run({"ingest", "-", "--name", "n", "--json"}, "a\n1\n");
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0].body, "a\n1\n");
  EXPECT_EQ(seen_[0].Header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(done.out, std::string(kIngested) + "\n") << "--json is the server's own answer";
}

TEST_F(Commands, IngestWithoutANameOrFileSaysSo) {
  EXPECT_EQ(Run({"ingest", "-"}).exit_code, ExitCode::kUsage);
  const auto missing = Run({"ingest", (folder_ / "none.csv").string()});
  EXPECT_EQ(missing.exit_code, ExitCode::kNotFound);
  EXPECT_THAT(missing.err, HasSubstr("there is no file"));
  EXPECT_EQ(Run({"ingest", File("a.csv", "x"), "--types", "zip"}).exit_code, ExitCode::kUsage);
}

TEST_F(Commands, ARefusalIsOneClearLine) {
  Answer(
      "POST", "/v1/ingest", 400,
      R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"a quote is not closed\u001b[2J","line":"12",
             "column":3,"request_id":"r-1"})",
      "application/problem+json");
  const auto done = Run({"ingest", File("a.csv", "x")});
  EXPECT_EQ(done.exit_code, ExitCode::kFailed);
  EXPECT_EQ(done.err, "lakehouse: a quote is not closed\\x1b[2J (line 12, column 3) [request r-1]\n");
  EXPECT_THAT(done.out, IsEmpty());
}

TEST_F(Commands, TheCaretOfASqlErrorStaysUnderItsPlace) {
  Answer("POST", "/v1/sql", 400,
         R"({"detail":"Binder Error: no column nope\n\nLINE 1: SELECT nope\n               ^","request_id":"r"})",
         "application/problem+json");
  EXPECT_EQ(Run({"sql", "SELECT nope"}).err,
            "lakehouse: Binder Error: no column nope [request r]\n  LINE 1: SELECT nope\n                 ^\n");
}

TEST_F(Commands, ExitCodesTellFailuresApart) {
  Answer("GET", "/v1/catalog/manifest/{name}", 404, R"({"detail":"no dataset x"})", "application/problem+json");
  Answer("DELETE", "/v1/catalog/manifest/{name}", 409, "<html>", "text/html");
  EXPECT_EQ(Run({"show", "x"}).exit_code, ExitCode::kNotFound);
  const auto failed = Run({"drop", "x"});
  EXPECT_EQ(failed.exit_code, ExitCode::kFailed);
  EXPECT_THAT(failed.err, HasSubstr("status 409"));
  const auto nobody = RunAgainst("http://127.0.0.1:1", {"ls"}, "", {});
  EXPECT_EQ(nobody.exit_code, ExitCode::kCannotConnect);
  EXPECT_THAT(nobody.err, HasSubstr("http://127.0.0.1:1"));
  EXPECT_EQ(RunAgainst("localhost:1", {"ls"}, "", {}).exit_code, ExitCode::kUsage);
}

TEST_F(Commands, InterruptedIs130WithoutAWord) {
  Answer("POST", "/v1/ingest", 201, kIngested);
  std::stop_source stop;
  stop.request_stop();
  const auto done = Run({"ingest", "-", "--name", "n"}, "a\n", stop.get_token());
  EXPECT_EQ(done.exit_code, ExitCode::kInterrupted);
  EXPECT_THAT(done.err, IsEmpty());
}

TEST_F(Commands, TheKeyComesFromTheEnvironment) {
  Answer("GET", "/v1/catalog/list", 200, R"({"datasets":[],"next_token":null})");
  environment_["LAKEHOUSE_API_KEY"] = "k3y";
  EXPECT_EQ(Run({"ls"}).exit_code, ExitCode::kOk);
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0].Header("Authorization"), "Bearer k3y");
}

TEST_F(Commands, SqlPrintsATable) {
  Answer(
      "POST", "/v1/sql", 200,
      R"({"columns":[{"name":"a","type":"BIGINT"},{"name":"b","type":"VARCHAR"}],"rows":[[10,"x"],[2,null]],"row_count":2,"seq":1})");
  const auto done = Run({"sql", "SELECT ?", "-p", "5", "-p", "five", "-p", "null", "--timeout", "2s", "--at-seq", "9"});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  EXPECT_EQ(done.out, " a  b\n--  ----\n10  x\n 2  NULL\n(2 rows)\n");
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0].body, R"({"sql":"SELECT ?","params":[5,"five",null],"timeout_ms":2000,"at_seq":9})");
  EXPECT_EQ(seen_[0].Header("Accept"), "application/json");
}

TEST_F(Commands, SqlReadsTheStatementFromInputAndFile) {
  Answer("POST", "/v1/sql", 200, "1\n", "text/csv");
  EXPECT_EQ(Run({"sql", "-", "--format", "csv"}, "SELECT 1").out, "1\n");
  EXPECT_EQ(Run({"sql", "-f", File("q.sql", "SELECT 2"), "--format", "csv"}).exit_code, ExitCode::kOk);
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[0].body, R"({"sql":"SELECT 1"})");
  EXPECT_EQ(seen_[1].body, R"({"sql":"SELECT 2"})");
  EXPECT_EQ(seen_[0].Header("Accept"), "text/csv");
  EXPECT_EQ(Run({"sql"}).exit_code, ExitCode::kUsage);
}

TEST_F(Commands, SqlWritesAWholeFileOrNone) {
  Answer("POST", "/v1/sql", 200, "PAR1", "application/vnd.apache.parquet");
  const std::string path = (folder_ / "out.parquet").string();
  EXPECT_EQ(Run({"sql", "SELECT 1", "-o", path}).exit_code, ExitCode::kOk);
  EXPECT_EQ(seen_[0].Header("Accept"), "application/vnd.apache.parquet");
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "PAR1");
  EXPECT_EQ(Run({"sql", "SELECT 1", "-o", (folder_ / "out.xls").string()}).exit_code, ExitCode::kUsage);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 1u) << "nothing half written is left";
}

TEST_F(Commands, LsFollowsThePages) {
  Answer(
      "GET", "/v1/catalog/list", 200,
      R"({"datasets":[{"name":"a","row_count":1234,"version":2,"schema":[{},{}],"objects":[{"size":1000},{"size":500}],
             "updated_at":"2026-01-31T12:00:00.123456Z"}],"next_token":null})");
  const auto done = Run({"ls"});
  EXPECT_EQ(done.out,
            "name   rows    size  columns  version  updated\n"
            "----  -----  ------  -------  -------  -------------------\n"
            "a     1,234  1.5 kB        2        2  2026-01-31 12:00:00\n");
}

constexpr char kIndex[] = R"({"name":"docs","dimension":2,"metric":"l2","quantization":"sq8","m":16,
        "ef_construction":200,"length":2000,"version":4,"bytes":1500})";
constexpr char kAdded[] = R"({"added":1,"updated":0,"length":7,"version":3})";

TEST_F(Commands, VectorsCreateSendsOnlyWhatIsSaid) {
  Answer("POST", "/v1/vectors/index", 201, kIndex);
  const auto done = Run({"vectors", "create", "docs", "--dimension", "2", "--metric", "l2", "--m", "8"});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  EXPECT_EQ(done.out,
            "name  items  dimension  metric  quantization  memory  version\n"
            "----  -----  ---------  ------  ------------  ------  -------\n"
            "docs  2,000          2  l2      sq8           1.5 kB        4\n");
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[0].body, R"({"name":"docs","dimension":2,"metric":"l2","m":8})");
  EXPECT_EQ(Run({"vectors", "create", "docs"}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(Run({"vectors"}).exit_code, ExitCode::kUsage);
}

TEST_F(Commands, VectorsAddSendsLinesAsTheyStand) {
  Answer("GET", "/v1/vectors/index/{name}", 200, kIndex);
  Answer("POST", "/v1/vectors/index/{name}/add", 200, kAdded);
  const std::string one = R"({"id":"a","vector":[1,2.50]})";
  const std::string two = R"({ "id":"b","vector":[3,4],"metadata":{"n":1}})";
  const auto done = Run({"vectors", "add", "d/x", File("a.ndjson", one + "\r\n\n" + two)});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[1].target, "/v1/vectors/index/d%2Fx/add");
  EXPECT_EQ(seen_[1].body, R"({"items":[)" + one + "," + two + "]}");
  EXPECT_THAT(done.out, StartsWith("d/x: 1 items added, 0 replaced, 7 in all; "));
  EXPECT_THAT(done.out, HasSubstr("version 3"));
}

TEST_F(Commands, VectorsAddKeepsTheOrderOfAnIdThatStandsTwice) {
  Answer("GET", "/v1/vectors/index/{name}", 200, kIndex);
  Answer("POST", "/v1/vectors/index/{name}/add", 200, kAdded);
  const std::string first = R"({"id":"a","vector":[1,2]})";
  const std::string again = R"({"id":"a","vector":[3,4]})";
  const auto done = Run({"vectors", "add", "docs", "-", "--json"}, first + "\n" + again + "\n");
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  ASSERT_EQ(seen_.size(), 3u);
  EXPECT_EQ(seen_[1].body, R"({"items":[)" + first + "]}");
  EXPECT_EQ(seen_[2].body, R"({"items":[)" + again + "]}");
  EXPECT_THAT(done.out, StartsWith(R"({"added":2,"updated":0,"length":7,"version":3,)"));
}

TEST_F(Commands, VectorsAddSendsAtMost500ItemsAtOnce) {
  Answer("GET", "/v1/vectors/index/{name}", 200, kIndex);
  Answer("POST", "/v1/vectors/index/{name}/add", 200, kAdded);
  std::string lines;
  for (int i = 0; i < 1001; ++i) lines += fmt::format(R"({{"id":"{}","vector":[1,2]}})", i) + "\n";
  EXPECT_EQ(Run({"vectors", "add", "docs", File("a.jsonl", lines)}).exit_code, ExitCode::kOk);
  ASSERT_EQ(seen_.size(), 4u);
  EXPECT_THAT(seen_[3].body, StartsWith(R"({"items":[{"id":"1000")"));
}

TEST_F(Commands, VectorsAddReadsArraysWithAndWithoutIds) {
  Answer("GET", "/v1/vectors/index/{name}", 200, kIndex);
  Answer("POST", "/v1/vectors/index/{name}/add", 200, kAdded);
  const std::string dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
  const float numbers[] = {1, 2.5F, 3, -4};
  std::string npy("\x93NUMPY\x01\x00", 8);
  npy += {static_cast<char>(dictionary.size()), '\0'};
  npy += dictionary + std::string(reinterpret_cast<const char*>(numbers), sizeof numbers);
  const std::string file = File("a.npy", npy);
  EXPECT_EQ(Run({"vectors", "add", "docs", file}).exit_code, ExitCode::kOk);
  EXPECT_EQ(seen_.at(1).body, R"({"items":[{"id":"0","vector":[1.0,2.5]},{"id":"1","vector":[3.0,-4.0]}]})");
  EXPECT_EQ(Run({"vectors", "add", "docs", file, "--ids", File("ids", "x\ny\n")}).exit_code, ExitCode::kOk);
  EXPECT_EQ(seen_.at(3).body, R"({"items":[{"id":"x","vector":[1.0,2.5]},{"id":"y","vector":[3.0,-4.0]}]})");
  EXPECT_THAT(Run({"vectors", "add", "docs", file, "--ids", File("few", "x\n")}).err,
              HasSubstr("it ends before line 2"));
  EXPECT_THAT(Run({"vectors", "add", "docs", file, "--ids", File("many", "x\ny\nz")}).err, HasSubstr("more lines"));
  EXPECT_THAT(Run({"vectors", "add", "docs", File("b.npy", npy + "x")}).err, HasSubstr("where its header says"));
  EXPECT_THAT(Run({"vectors", "add", "docs", "--format", "npy", "-"}, npy.substr(0, npy.size() - 1)).err,
              HasSubstr("the file ends in row 2 of the 2"));
}

TEST_F(Commands, VectorsAddNamesTheLineThatIsWrong) {
  Answer("GET", "/v1/vectors/index/{name}", 200, kIndex);
  Answer("POST", "/v1/vectors/index/{name}/add", 400,
         R"x({"detail":"items[1] (id \"b\"): the vector has 1 dimensions; the index has 2"})x",
         "application/problem+json");
  const std::string lines = "{\"id\":\"a\",\"vector\":[1,2]}\n\n{\"id\":\"b\",\"vector\":[1]}\n";
  const std::string file = File("a.ndjson", lines);
  EXPECT_THAT(Run({"vectors", "add", "docs", file}).err,
              StartsWith("lakehouse: " + file + ": line 3 (id \"b\"): the vector has 1 dimensions; the index has 2"));
  EXPECT_THAT(Run({"vectors", "add", "docs", File("b.ndjson", "{\"id\":7}\n")}).err,
              HasSubstr("b.ndjson: line 1: field \"id\""));
  EXPECT_THAT(Run({"vectors", "add", "docs", File("c.ndjson", "\nnonsense")}).err, HasSubstr("c.ndjson: line 2: "));
  EXPECT_EQ(Run({"vectors", "add", "docs", File("d.txt", "")}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(Run({"vectors", "add", "docs", "-", "--format", "parquet"}).exit_code, ExitCode::kUsage);
}

TEST_F(Commands, VectorsSearchTakesAVectorOrAnItem) {
  Answer("GET", "/v1/vectors/index/{name}/items/{id}", 200, R"({"id":"a","vector":[1.5,2],"metadata":null})");
  Answer(
      "POST", "/v1/vectors/index/{name}/search", 200,
      R"({"results":[{"id":"a","distance":0.5,"metadata":{"n":1}},{"id":"b","distance":2,"metadata":null}],"version":4})");
  const auto done = Run({"vectors", "search", "docs", "--vector", "[1, -2]", "-k", "2", "--ef", "50", "--exact",
                         "--filter", R"({"n":{"$gte":1}})"});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  EXPECT_EQ(done.out,
            "id  distance  metadata\n"
            "--  --------  --------\n"
            "a        0.5  {\"n\":1}\n"
            "b          2  NULL\n"
            "(2 items; version 4)\n");
  EXPECT_EQ(seen_.at(0).body, R"({"vector":[1, -2],"k":2,"ef":50,"filter":{"n":{"$gte":1}},"exact":true})");
  EXPECT_EQ(Run({"vectors", "search", "docs", "--id", "a/b", "--include", "vector,metadata"}).exit_code, ExitCode::kOk);
  EXPECT_EQ(seen_.at(1).target, "/v1/vectors/index/docs/items/a%2Fb");
  EXPECT_EQ(seen_.at(2).body, R"({"vector":[1.5,2],"k":10,"include":["vector","metadata"]})");
  EXPECT_EQ(Run({"vectors", "search", "docs"}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(Run({"vectors", "search", "docs", "--vector", "1,2"}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(Run({"vectors", "search", "docs", "--vector", "[1]", "--filter", "{"}).exit_code, ExitCode::kUsage);
}

TEST_F(Commands, VectorsAreListedShownAndDropped) {
  Answer("GET", "/v1/vectors/index", 200, R"({"indexes":[)" + std::string(kIndex) + "]}");
  Answer("GET", "/v1/vectors/index/{name}", 200, kIndex);
  Answer("DELETE", "/v1/vectors/index/{name}", 200, "");
  EXPECT_THAT(Run({"vectors", "ls"}).out, HasSubstr("docs  2,000 "));
  EXPECT_EQ(Run({"vectors", "show", "docs", "--json"}).out, std::string(kIndex) + "\n");
  EXPECT_EQ(Run({"vectors", "drop", "docs"}).out, "dropped docs\n");
}

TEST_F(Commands, ObjectsComeAndGo) {
  Answer("PUT", "/v1/storage/objects/{key...}", 201, R"({"key":"a/b c","size":3,"etag":"e"})");
  Answer("GET", "/v1/storage/objects/{key...}", 200, "xyz", "application/octet-stream");
  Answer("DELETE", "/v1/storage/objects/{key...}", 200, "");
  EXPECT_EQ(Run({"put", "a/b c", File("f", "xyz")}).out, "stored a/b c\n");
  EXPECT_EQ(seen_[0].target, "/v1/storage/objects/a/b%20c");
  EXPECT_EQ(seen_[0].body, "xyz");
  EXPECT_EQ(Run({"get", "a/b c"}).out, "xyz");
  EXPECT_EQ(Run({"rm", "a/b c"}).out, "deleted a/b c\n");
}

TEST_F(Commands, StatusSaysWhyItIsNotReady) {
  Answer("GET", "/health", 200, R"({"service":"gateway","status":"ok","version":"0.1.0"})");
  Answer("GET", "/ready", 503, R"({"detail":"queryd is not in step"})", "application/problem+json");
  Answer("GET", "/v1/catalog/epoch", 200, R"({"seq":41})");
  const auto done = Run({"status"});
  EXPECT_EQ(done.exit_code, ExitCode::kFailed);
  EXPECT_THAT(done.out, HasSubstr("41"));
  EXPECT_THAT(done.err, HasSubstr("queryd is not in step"));
}

TEST_F(Commands, VerifyHoldsObjectsAgainstTheDigestInTheirName) {
  const std::string bytes = "PAR1 some bytes PAR1", digest = ToHex(Sha256Of(bytes));
  const auto object = [](const std::string& key, size_t size) {
    return fmt::format(R"({{"key":"{}","size":{},"rows":1}})", key, size);
  };
  const auto manifest = [](const std::string& objects) {
    return R"({"name":"trips","version":3,"objects":[)" + objects + "]}";
  };
  const std::string good = object("datasets/trips/f/" + digest + "-c.parquet", bytes.size());
  Answer("GET", "/v1/storage/objects/{key...}", 200, bytes, "application/octet-stream");
  Answer("GET", "/v1/catalog/list", 200, R"({"datasets":[)" + manifest(good) + R"(],"next_token":null})");
  Answer("GET", "/v1/catalog/manifest/bad", 200,
         manifest(good + "," + object("d/" + std::string(64, 'a') + "-c.parquet", bytes.size()) + "," +
                  object("mine.parquet", 7)));
  EXPECT_THAT(Run({"verify"}).out, HasSubstr("1 objects of 1 datasets"));

  const auto damaged = Run({"verify", "bad"});
  EXPECT_EQ(damaged.exit_code, ExitCode::kFailed);
  EXPECT_THAT(damaged.out, HasSubstr("trips version 3: d/aaaa"));
  EXPECT_THAT(damaged.out, HasSubstr("mine.parquet: has 20 bytes, not 7"));
  EXPECT_THAT(damaged.err, HasSubstr("2 of 3 objects"));
  EXPECT_THAT(Run({"verify", "bad", "--json"}).out,
              HasSubstr(R"({"objects":3,"bytes":47,"damaged":[{"dataset":"trips")"));
}

TEST_F(Commands, GcChangesNothingUnlessTold) {
  Answer("POST", "/v1/catalog/gc", 200, R"({"removed":[{"key":"k","size":10,"why":"no version"}],"bytes":10})");
  EXPECT_THAT(Run({"gc"}).out, HasSubstr("would remove 1 objects, 10 B"));
  EXPECT_THAT(Run({"gc", "--run", "--min-age", "48h"}).out, HasSubstr("removed 1 objects"));
  EXPECT_EQ(Run({"gc", "--min-age", "soon"}).exit_code, ExitCode::kUsage);
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[0].body, R"({"dry_run":true})");
  EXPECT_EQ(seen_[1].body, R"({"dry_run":false,"min_age":"48h"})");
}

TEST_F(Commands, ConfigPrintsEverySettingWithItsOrigin) {
  environment_["LAKEHOUSE_STORAGED_PUT_SLOTS"] = "9";
  const auto done = Run({"config", "--print", "--config", File("l.toml", "[s3]\nregion = \"eu-west-1\"\n")});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  EXPECT_THAT(done.out, HasSubstr("LAKEHOUSE_STORAGED_PUT_SLOTS"));
  EXPECT_THAT(done.out, HasSubstr("l.toml:2"));
  const auto wrong = Run({"config", "--config", File("w.toml", "[s3]\nregoin = \"x\"\n")});
  EXPECT_EQ(wrong.exit_code, ExitCode::kFailed);
  EXPECT_THAT(wrong.err, HasSubstr("w.toml:2"));
}

TEST_F(Commands, ConvertWritesParquetHere) {
  const std::string output = (folder_ / "out.parquet").string();
  const auto done = Run({"convert", File("in.csv", "zip,n\n007,1\n008,2\n"), output});
  EXPECT_EQ(done.exit_code, ExitCode::kOk) << done.err;
  EXPECT_THAT(done.out, StartsWith(output + ": 2 rows; 18 B to "));
  std::ifstream file(output);
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(file), {}), StartsWith("PAR1"));
  EXPECT_THAT(Run({"--json", "convert", File("in.csv", "zip,n\n007,1\n"), output}).out,
              HasSubstr(R"("columns":[{"name":"zip","type":"VARCHAR"},{"name":"n","type":"BIGINT"}])"));
  EXPECT_EQ(Run({"convert", (folder_ / "none.csv").string(), output}).exit_code, ExitCode::kNotFound);
  EXPECT_EQ(Run({"convert", File("bad.csv", "a,b\n1\n"), (folder_ / "bad.parquet").string()}).exit_code,
            ExitCode::kFailed);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "bad.parquet"));
}

TEST_F(Commands, CompletionNamesEveryCommand) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto done = Run({"completion", shell});
    EXPECT_EQ(done.exit_code, ExitCode::kOk);
    for (const auto& command : DescribeCommands()) EXPECT_THAT(done.out, HasSubstr(command.name)) << shell;
    EXPECT_THAT(done.out, HasSubstr("append")) << shell << ": choices of --mode";
  }
}

TEST_F(Commands, AReaderThatLeavesEndsTheCommandQuietly) {
  Answer("POST", "/v1/sql", 200, std::string(1 << 20, 'x'), "text/csv");
  Run({"version"});
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  const FileDescriptor out(ends[1]);
  const FileDescriptor err(memfd_create("err", MFD_CLOEXEC));
  std::signal(SIGPIPE, SIG_IGN);
  const auto parsed = std::get<ParsedCommand>(ParseCommandLine({"sql", "SELECT 1", "--format", "csv"}));
  Console console({STDIN_FILENO, out.get(), err.get()}, config::EnvironmentOf(environment_), {});
  EXPECT_EQ(RunClientCommand(parsed, console), ExitCode::kOk);
  EXPECT_THAT(ContentsOf(err.get()), IsEmpty());
}

}  // namespace
}  // namespace lakehouse::cli
