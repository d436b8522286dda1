#include "query/engine.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>

#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "object/block_cache.h"
#include "query/test_lake.h"

namespace lakehouse::query {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

// Takes so many bytes and then breaks, as a client that went away.
class BreakingSink final : public ByteSink {
 public:
  explicit BreakingSink(size_t room) : room_(room) {}
  Status Write(std::string_view bytes) override {
    if (bytes.size() > room_) return Fail(ErrorKind::kCancelled, "the client went away");
    room_ -= bytes.size();
    return {};
  }

 private:
  size_t room_;
};

class EngineTest : public testing::Test {
 protected:
  void Open(EngineOptions options = {}) {
    options.spill_folder = lake_.folder() / "spill";
    auto opened = Engine::Open(options, lake_, cache_, Logger::Silent());
    ASSERT_TRUE(opened) << opened.error().detail;
    engine_ = *std::move(opened);
  }

  Result<std::string> Run(const QueryRequest& request, const RequestContext& context = {}) {
    LH_ASSIGN(const auto stream, engine_->Run(context, request));
    std::string out;
    StringSink sink(out);
    LH_TRY(stream->WriteTo(sink));
    EXPECT_EQ(stream->bytes_written(), out.size());
    return out;
  }
  Result<std::string> Run(const std::string& sql, ResultFormat format = ResultFormat::kJson) {
    QueryRequest request;
    request.sql = sql;
    request.format = format;
    return Run(request);
  }
  Result<std::string> RunWith(const std::string& sql, std::vector<Parameter> parameters) {
    QueryRequest request;
    request.sql = sql;
    request.parameters = std::move(parameters);
    return Run(request);
  }
  Error ErrorOf(const std::string& sql) {
    auto result = Run(sql);
    EXPECT_FALSE(result) << *result;
    return result ? Error{} : result.error();
  }

  TestLake lake_;
  object::BlockCache cache_{lake_.store(), {}};
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, JsonSaysColumnsRowsCountAndSeq) {
  lake_.Add("trips", "SELECT 1::BIGINT AS id, 'a' AS name UNION ALL SELECT 2, NULL ORDER BY 1");
  Open();
  EXPECT_EQ(Run("SELECT * FROM trips ORDER BY id").value(),
            "{\"columns\":[{\"name\":\"id\",\"type\":\"BIGINT\"},{\"name\":\"name\",\"type\":\"VARCHAR\"}],"
            "\"rows\":[[1,\"a\"],[2,null]],\"row_count\":2,\"seq\":1}\n");
  EXPECT_EQ(Run("SELECT * FROM trips WHERE false").value(),
            "{\"columns\":[{\"name\":\"id\",\"type\":\"BIGINT\"},{\"name\":\"name\",\"type\":\"VARCHAR\"}],"
            "\"rows\":[],\"row_count\":0,\"seq\":1}\n");
}

TEST_F(EngineTest, NdjsonIsAnObjectALine) {
  Open();
  EXPECT_EQ(Run("SELECT 1 AS a, 'x\"y' AS \"b\"\"c\" UNION ALL SELECT 2, NULL", ResultFormat::kNdjson).value(),
            "{\"a\":1,\"b\\\"c\":\"x\\\"y\"}\n{\"a\":2,\"b\\\"c\":null}\n");
  EXPECT_EQ(Run("SELECT 1 AS a WHERE false", ResultFormat::kNdjson).value(), "");
}

TEST_F(EngineTest, CsvTellsNullFromEmptyAndQuotesWhatNeedsIt) {
  Open();
  EXPECT_EQ(
      Run("SELECT * FROM (VALUES (1, 'a,b', ''), (2, 'say \"x\"', NULL), (3, E'two\\nlines', 'ü')) t(i, \"x,y\", z)",
          ResultFormat::kCsv)
          .value(),
      "i,\"x,y\",z\n1,\"a,b\",\"\"\n2,\"say \"\"x\"\"\",\n3,\"two\nlines\",ü\n");
  EXPECT_EQ(Run("SELECT [1, 2] AS l, {'a': 'b'} AS s, 'NaN'::DOUBLE AS f", ResultFormat::kCsv).value(),
            "l,s,f\n\"[1,2]\",\"{\"\"a\"\":\"\"b\"\"}\",NaN\n");
}

TEST_F(EngineTest, ArrowStreamReadsBack) {
  lake_.Add("trips",
            "SELECT i AS id, 'n' || i AS name, i * 0.5::DOUBLE AS fare, [i, NULL] AS list FROM range(300000) t(i)");
  Open();
  const auto bytes = Run("SELECT * FROM trips", ResultFormat::kArrowStream);
  ASSERT_TRUE(bytes) << bytes.error().detail;
  arrow::io::BufferReader input(arrow::Buffer::FromString(*bytes));
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(&input).ValueOrDie();
  auto table = reader->ToTable().ValueOrDie();
  EXPECT_EQ(table->num_rows(), 300000);
  EXPECT_EQ(table->schema()->field(0)->type()->id(), arrow::Type::INT64);
  EXPECT_EQ(table->column(1)->GetScalar(299999).ValueOrDie()->ToString(), "n299999");
  EXPECT_EQ(table->column(3)->type()->id(), arrow::Type::LIST);
  ASSERT_TRUE(table->ValidateFull().ok());
}

TEST_F(EngineTest, EmptyResultsAreWholeArrowAndParquet) {
  Open();
  const auto stream = Run("SELECT 1 AS a WHERE false", ResultFormat::kArrowStream).value();
  arrow::io::BufferReader input(arrow::Buffer::FromString(stream));
  EXPECT_EQ(arrow::ipc::RecordBatchStreamReader::Open(&input).ValueOrDie()->ToTable().ValueOrDie()->num_rows(), 0);
  const auto file = Run("SELECT 1 AS a WHERE false", ResultFormat::kParquet).value();
  auto opened = parquet::arrow::OpenFile(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(file)),
                                         arrow::default_memory_pool());
  EXPECT_EQ(opened.ValueOrDie()->parquet_reader()->metadata()->num_rows(), 0);
}

TEST_F(EngineTest, ParquetReadsBack) {
  lake_.Add("trips", "SELECT i AS id, DATE '2026-01-01' + (i % 300)::INT AS day FROM range(200000) t(i)");
  Open();
  const auto file = Run("SELECT * FROM trips", ResultFormat::kParquet).value();
  auto opened = parquet::arrow::OpenFile(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(file)),
                                         arrow::default_memory_pool());
  auto table = opened.ValueOrDie()->ReadTable().ValueOrDie();
  EXPECT_EQ(table->num_rows(), 200000);
  EXPECT_EQ(table->schema()->field(1)->type()->id(), arrow::Type::DATE32);
}

TEST_F(EngineTest, ParametersAreBoundByPosition) {
  lake_.Add("trips", "SELECT i AS id FROM range(10) t(i)");
  Open();
  EXPECT_THAT(RunWith("SELECT id FROM trips WHERE id > $1 AND id < $2", {int64_t{3}, int64_t{5}}).value(),
              HasSubstr("\"rows\":[[4]]"));
  EXPECT_THAT(RunWith("SELECT ?, ?, ?, ?", {std::monostate{}, true, 1.5, std::string("a'b")}).value(),
              HasSubstr("\"rows\":[[null,true,1.5,\"a'b\"]]"));
  EXPECT_THAT(RunWith("SELECT list_max($1::BIGINT[])", {JsonText{"[1,2,3]"}}).value(), HasSubstr("\"rows\":[[3]]"));
  EXPECT_THAT(RunWith("SELECT $1->>'a'", {JsonText{"{\"a\":\"b\"}"}}).value(), HasSubstr("\"rows\":[[\"b\"]]"));
  EXPECT_EQ(RunWith("SELECT $1 + $2", {int64_t{1}}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(RunWith("SELECT 1", {int64_t{1}}).error().kind, ErrorKind::kInvalid);
}

TEST_F(EngineTest, BadSqlSaysWhere) {
  Open();
  const auto syntax = ErrorOf("SELECT 1 +");
  EXPECT_EQ(syntax.kind, ErrorKind::kInvalid);
  const auto binder = ErrorOf("SELECT 1, nothing");
  ASSERT_EQ(binder.members.size(), 1u);
  EXPECT_EQ(binder.members[0], (std::pair<std::string, std::string>{"position", "10"}));
  EXPECT_THAT(binder.detail, HasSubstr("LINE 1: SELECT 1, nothing"));
}

TEST_F(EngineTest, StrangeTextsAreErrorsAndNothingElse) {
  Open();
  EXPECT_EQ(ErrorOf("").kind, ErrorKind::kInvalid);
  EXPECT_THAT(ErrorOf("SELECT '\xff'").detail, HasSubstr("not UTF-8 at byte 8"));
  EXPECT_THAT(ErrorOf(std::string("SELECT 1\0", 9)).detail, HasSubstr("NUL at byte 8"));
  EXPECT_THAT(ErrorOf("SELECT '" + std::string(2 << 20, 'x') + "'").detail, HasSubstr("at most 1048576"));
  const std::string deep(200'000, '(');
  EXPECT_EQ(ErrorOf("SELECT " + deep + "1" + std::string(200'000, ')')).kind, ErrorKind::kInvalid);
  EXPECT_EQ(ErrorOf("SELECT " + deep).kind, ErrorKind::kInvalid);
  std::string nots;
  for (int i = 0; i < 50'000; ++i) nots += "NOT ";
  EXPECT_EQ(ErrorOf("SELECT " + nots + "true").kind, ErrorKind::kInvalid);
  std::string many = "SELECT 7 IN (0";
  for (int i = 1; i < 10'000; ++i) many += "," + std::to_string(i);
  EXPECT_THAT(Run(many + ")").value(), HasSubstr("[[true]]"));
  EXPECT_THAT(Run("SELECT 1").value(), HasSubstr("[[1]]"));
}

TEST_F(EngineTest, TimeLimitStopsTheQuery) {
  Open();
  QueryRequest request;
  request.sql = kEndlessQuery;
  request.timeout = milliseconds(50);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(Run(request).error().kind, ErrorKind::kDeadline);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_THAT(Run("SELECT 1").value(), HasSubstr("[[1]]"));
}

TEST_F(EngineTest, LimitOfTheEngineBindsToo) {
  EngineOptions options;
  options.timeout = milliseconds(50);
  Open(options);
  QueryRequest request;
  request.sql = kEndlessQuery;
  request.timeout = std::chrono::hours(1);
  EXPECT_EQ(Run(request).error().kind, ErrorKind::kDeadline);
}

TEST_F(EngineTest, CancelledRequestStopsTheQuery) {
  Open();
  std::stop_source source;
  RequestContext context;
  context.cancelled = source.get_token();
  QueryRequest request;
  request.sql = kEndlessQuery;
  std::thread client([&] {
    while (engine_->stats().running == 0) std::this_thread::yield();
    source.request_stop();
  });
  EXPECT_EQ(Run(request, context).error().kind, ErrorKind::kCancelled);
  client.join();
  EXPECT_EQ(engine_->stats().running, 0u);
}

TEST_F(EngineTest, BrokenSinkEndsTheQueryAndFreesItsSession) {
  EngineOptions options;
  options.max_concurrent = 1;
  Open(options);
  for (const auto format :
       {ResultFormat::kJson, ResultFormat::kCsv, ResultFormat::kArrowStream, ResultFormat::kParquet}) {
    QueryRequest request;
    request.sql = "SELECT range, range * 2 FROM range(5000000)";
    request.format = format;
    auto stream = engine_->Run({}, request);
    ASSERT_TRUE(stream);
    BreakingSink sink(300'000);
    EXPECT_EQ((*stream)->WriteTo(sink).error().kind, ErrorKind::kCancelled);
    EXPECT_EQ(engine_->stats().running, 0u);
  }
  EXPECT_THAT(Run("SELECT 1").value(), HasSubstr("[[1]]"));
}

TEST_F(EngineTest, DroppedStreamFreesItsSession) {
  EngineOptions options;
  options.max_concurrent = 1;
  Open(options);
  QueryRequest request;
  request.sql = kEndlessQuery;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(engine_->Run({}, request));
  EXPECT_EQ(engine_->stats().running, 0u);
}

// A query that works for long, on another thread: it has its turn by the time that its client stops to read.
class LongQuery {
 public:
  LongQuery(Engine& engine, const std::string& sql) {
    RequestContext context;
    context.cancelled = gone_.get_token();
    QueryRequest request;
    request.sql = sql;
    request.format = ResultFormat::kCsv;
    thread_ = std::jthread([this, &engine, context, request] {
      Waiting sink(*this);
      if (const auto stream = engine.Run(context, request)) (void)(*stream)->WriteTo(sink);
    });
    began_.get_future().wait();
  }
  ~LongQuery() { End(); }
  void End() { gone_.request_stop(); }

 private:
  class Waiting final : public ByteSink {
   public:
    explicit Waiting(LongQuery& query) : query_(query) {}
    Status Write(std::string_view bytes) override {
      read_ += bytes.size();
      if (read_ < kReads) return {};
      query_.began_.set_value();
      while (!query_.gone_.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
      return Fail(ErrorKind::kCancelled, "gone");
    }

   private:
    LongQuery& query_;
    static constexpr size_t kReads = 64 << 20;
    size_t read_ = 0;
  };
  std::stop_source gone_;
  std::promise<void> began_;
  std::jthread thread_;
};

constexpr const char* kLong = "SELECT repeat('x', 1000) FROM range(10000000)";

TEST_F(EngineTest, PastTheLimitQueriesWaitAndThenAreRefused) {
  EngineOptions options;
  options.max_concurrent = 1;
  options.queue_timeout = milliseconds(30);
  Open(options);
  const LongQuery holder(*engine_, kLong);
  const auto refused = ErrorOf(kEndlessQuery);
  EXPECT_EQ(refused.kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(refused.retry_after);
  EXPECT_EQ(engine_->stats().queued, 0u);
  // What is done at once does not wait; on a busy machine it may need more than one try to be.
  bool done = false;
  for (int i = 0; i < 200 && !done; ++i) done = Run("SELECT 1").has_value();
  EXPECT_TRUE(done);
}

TEST_F(EngineTest, AWaitingQueryGetsTheFreedTurn) {
  EngineOptions options;
  options.max_concurrent = 1;
  Open(options);
  LongQuery holder(*engine_, kLong);
  const std::jthread leaving([&] {
    while (engine_->stats().queued == 0) std::this_thread::yield();
    holder.End();
  });
  EXPECT_THAT(Run("SELECT sum(range * range) FROM range(20000000)").value(), HasSubstr("row_count\":1"));
}

// Wherever the failing task ran: the answer names the failure, not the interrupt that it sent the others.
TEST_F(EngineTest, AFailureOnAnotherThreadIsTheAnswer) {
  lake_.Add("trips", "SELECT i AS id, i % 1000 AS part FROM range(600000) t(i)");
  EngineOptions options;
  options.threads = 4;
  Open(options);
  for (const auto* sql :
       {"SELECT id, CASE WHEN id = 590000 THEN error('late') END FROM trips",
        "SELECT id % 100000 AS k, max(CASE WHEN part = 999 AND id > 500000 THEN error('late') END) "
        "FROM trips GROUP BY k",
        "SELECT a.id, CASE WHEN a.id = 590000 THEN error('late') END FROM trips a JOIN trips b USING (id)"}) {
    for (const auto format : {ResultFormat::kNdjson, ResultFormat::kArrowStream}) {
      for (int round = 0; round < 2; ++round) {
        QueryRequest request;
        request.sql = sql;
        request.format = format;
        const auto result = Run(request, {});
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().kind, ErrorKind::kInvalid) << sql;
        EXPECT_THAT(result.error().detail, HasSubstr("late")) << sql;
      }
    }
  }
  EXPECT_EQ(engine_->stats().running, 0u);
}

// What a stopped query held is given back at once, not when its session is used again.
TEST_F(EngineTest, AStoppedQueryHoldsNothing) {
  Open({});
  const uint64_t before = engine_->stats().memory_bytes;
  for (const auto format : {ResultFormat::kNdjson, ResultFormat::kArrowStream}) {
    QueryRequest request;
    request.sql = "SELECT md5(range::VARCHAR) AS k, count(*) FROM range(600000) GROUP BY k";
    request.format = format;
    const auto stream = engine_->Run({}, request);
    ASSERT_TRUE(stream);
    BreakingSink sink(200'000);
    EXPECT_EQ((*stream)->WriteTo(sink).error().kind, ErrorKind::kCancelled);
    EXPECT_LT(engine_->stats().memory_bytes, before + (uint64_t{32} << 20));
  }
}

TEST_F(EngineTest, QueriesRunSideBySide) {
  EngineOptions options;
  options.max_concurrent = 4;
  lake_.Add("trips", "SELECT i AS id FROM range(100000) t(i)");
  Open(options);
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (int turn = 0; turn < 20; ++turn) {
        const auto result = Run("SELECT sum(id)::BIGINT FROM trips");
        if (result && result->find("[[4999950000]]") != std::string::npos) ++right;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, 160);
  EXPECT_EQ(engine_->stats().completed, 160u);
}

TEST_F(EngineTest, MemoryIsBounded) {
  EngineOptions options;
  options.memory_bytes = uint64_t{64} << 20;
  options.spill_bytes = uint64_t{1} << 20;
  Open(options);
  const auto error = ErrorOf("SELECT length(string_agg(repeat('x', 1000), '')) FROM range(1000000)");
  EXPECT_EQ(error.kind, ErrorKind::kExhausted) << error.detail;
  EXPECT_THAT(Run("SELECT 1").value(), HasSubstr("[[1]]"));
}

TEST_F(EngineTest, SortSpillsToItsFolder) {
  EngineOptions options;
  options.memory_bytes = uint64_t{100} << 20;
  options.threads = 2;
  Open(options);
  const auto result =
      Run("SELECT max(h) FROM (SELECT md5(range::VARCHAR) AS h FROM range(3000000) ORDER BY h LIMIT 2900000)");
  EXPECT_TRUE(result) << result.error().detail;
}

TEST_F(EngineTest, SpillOfACrashIsRemoved) {
  std::filesystem::create_directories(lake_.folder() / "spill");
  const auto left = lake_.folder() / "spill" / "duckdb_temp_storage_DEFAULT-0.tmp";
  std::ofstream(left) << "x";
  Open();
  EXPECT_FALSE(std::filesystem::exists(left));
}

TEST_F(EngineTest, BindingOpensNoFile) {
  lake_.Add("trips", "SELECT 1 AS id");
  Open();
  EXPECT_TRUE(Run("DESCRIBE trips"));
  EXPECT_TRUE(Run("SHOW TABLES"));
  EXPECT_TRUE(Run("SELECT * FROM information_schema.columns"));
  EXPECT_TRUE(Run("SELECT * FROM lake.columns"));
  EXPECT_EQ(lake_.store().gets, 0);
  EXPECT_TRUE(Run("SELECT * FROM trips"));
  EXPECT_GT(lake_.store().gets, 0);
  EXPECT_EQ(lake_.store().heads, 0) << "the manifest says the size";
}

TEST_F(EngineTest, WarmQueriesReadNothing) {
  lake_.Add("trips", "SELECT i AS id FROM range(1000) t(i)");
  Open();
  EXPECT_TRUE(Run("SELECT sum(id) FROM trips"));
  const int gets = lake_.store().gets;
  EXPECT_TRUE(Run("SELECT sum(id) FROM trips"));
  EXPECT_EQ(lake_.store().gets, gets);
}

TEST_F(EngineTest, ManyObjectsAreOneTable) {
  lake_.Add("trips", "SELECT i AS id FROM range(100) t(i)");
  for (int i = 0; i < 20; ++i) lake_.Add("trips", "SELECT 1000 AS id", catalog::WriteMode::kAppend);
  Open();
  EXPECT_THAT(Run("SELECT count(*), min(id), max(id), sum(id)::BIGINT FROM trips").value(),
              HasSubstr("[[120,0,1000,24950]]"));
  EXPECT_THAT(Run("SELECT count(*) FROM trips WHERE id = 1000").value(), HasSubstr("[[20]]"));
  EXPECT_THAT(Run("SELECT id FROM trips ORDER BY id DESC LIMIT 1 OFFSET 19").value(), HasSubstr("[[1000]]"));
}

TEST_F(EngineTest, ADatasetWithoutObjectsHasNoRows) {
  catalog::Manifest manifest;
  manifest.name = "empty";
  manifest.schema = {{"id", "BIGINT", true, 1}};
  lake_.Register(manifest);
  Open();
  EXPECT_THAT(Run("SELECT * FROM empty").value(), HasSubstr("\"rows\":[]"));
  EXPECT_THAT(Run("SELECT count(*), max(id) FROM empty").value(), HasSubstr("[[0,null]]"));
}

// What clients can register besides datasets of ours. Each costs its own queries only.
class BrokenDatasetTest : public EngineTest {
 protected:
  void SetUp() override { lake_.Add("good", "SELECT 1 AS id"); }

  void Expect(catalog::Manifest manifest, ErrorKind kind, const std::string& text) {
    manifest.name = "bad";
    lake_.Register(std::move(manifest));
    Open();
    const auto error = ErrorOf("SELECT * FROM bad");
    EXPECT_EQ(error.kind, kind) << error.detail;
    EXPECT_THAT(error.detail, HasSubstr("bad"));
    EXPECT_THAT(error.detail, HasSubstr(text));
    EXPECT_THAT(Run("SELECT * FROM good").value(), HasSubstr("[[1]]"));
    EXPECT_THAT(Run("SHOW TABLES").value(), HasSubstr("[[\"bad\"],[\"good\"]]"));
    EXPECT_TRUE(Run("SELECT * FROM information_schema.columns"));
    EXPECT_TRUE(Run("SELECT * FROM lake.columns"));
  }
};

TEST_F(BrokenDatasetTest, MissingObject) {
  catalog::Manifest manifest;
  manifest.schema = {{"id", "BIGINT", true, 1}};
  manifest.objects = {{"datasets/bad/gone.parquet", 1000, 1, {}}};
  Expect(std::move(manifest), ErrorKind::kUpstream, "its object datasets/bad/gone.parquet is not in the store");
}

TEST_F(BrokenDatasetTest, MissingForeignObject) {
  catalog::Manifest manifest;
  manifest.schema = {{"id", "BIGINT", true, 1}};
  manifest.objects = {{"elsewhere/gone.parquet", 1000, 1, {}}};
  Expect(std::move(manifest), ErrorKind::kUpstream, "its object elsewhere/gone.parquet is not in the store");
}

TEST_F(BrokenDatasetTest, UnknownType) {
  catalog::Manifest manifest;
  manifest.schema = {{"id", "FANCY(3)", true, 1}};
  Expect(std::move(manifest), ErrorKind::kUnprocessable, "column 'id' has the type 'FANCY(3)'");
}

TEST_F(BrokenDatasetTest, TypeThatIsSql) {
  catalog::Manifest manifest;
  manifest.schema = {{"id", "INTEGER); DROP TABLE x; --", true, 1}};
  Expect(std::move(manifest), ErrorKind::kUnprocessable, "column 'id' has the type");
}

TEST_F(BrokenDatasetTest, DuplicateColumns) {
  catalog::Manifest manifest;
  manifest.schema = {{"id", "BIGINT", true, 1}, {"ID", "BIGINT", true, 2}};
  Expect(std::move(manifest), ErrorKind::kUnprocessable, "two columns are called 'ID'");
}

TEST_F(BrokenDatasetTest, NoColumns) { Expect({}, ErrorKind::kUnprocessable, "it has no columns"); }

TEST_F(BrokenDatasetTest, ObjectThatIsNoParquet) {
  (void)PutWhole(lake_.store(), {}, "datasets/bad/x.parquet", std::string(100, 'x'));
  catalog::Manifest manifest;
  manifest.schema = {{"id", "BIGINT", true, 1}};
  manifest.objects = {{"datasets/bad/x.parquet", 100, 1, {}}};
  Expect(std::move(manifest), ErrorKind::kUnprocessable, "datasets/bad/x.parquet");
}

TEST_F(BrokenDatasetTest, SizeThatIsALie) {
  const auto honest = lake_.Current({}).value()->Find("good");
  for (const int64_t lie : {-1, 1, 5000}) {
    catalog::Manifest manifest;
    manifest.schema = honest->schema;
    manifest.objects = honest->objects;
    manifest.objects[0].size += static_cast<uint64_t>(lie);
    manifest.name = "bad";
    lake_.Register(manifest);
    Open();
    EXPECT_EQ(ErrorOf("SELECT * FROM bad").kind, ErrorKind::kUnprocessable) << lie;
    EXPECT_THAT(Run("SELECT * FROM good").value(), HasSubstr("[[1]]"));
  }
}

TEST_F(BrokenDatasetTest, SchemaThatIsALie) {
  const auto honest = lake_.Current({}).value()->Find("good");
  catalog::Manifest manifest;
  manifest.schema = {{"other", "BIGINT", true, 1}};
  manifest.objects = honest->objects;
  Expect(std::move(manifest), ErrorKind::kUnprocessable, "other");
}

TEST_F(BrokenDatasetTest, RowCountThatIsALie) {
  const auto honest = lake_.Current({}).value()->Find("good");
  catalog::Manifest manifest;
  manifest.name = "liar";
  manifest.schema = honest->schema;
  manifest.objects = honest->objects;
  manifest.row_count = 1'000'000;
  lake_.Register(manifest);
  Open();
  EXPECT_THAT(Run("SELECT count(*) FROM liar").value(), HasSubstr("[[1]]"));
}

TEST_F(EngineTest, TypeOfTheManifestWins) {
  lake_.Add("trips", "SELECT 1::INTEGER AS id");
  catalog::Manifest manifest = *lake_.Current({}).value()->Find("trips");
  manifest.schema[0].type = "VARCHAR";
  lake_.Register(manifest);
  Open();
  EXPECT_THAT(Run("SELECT id FROM trips WHERE id = '1'").value(), HasSubstr("[[\"1\"]]"));
  EXPECT_THAT(Run("SELECT max(id) FROM trips").value(), HasSubstr("[[\"1\"]]"));
}

TEST_F(EngineTest, ErrorsOfTheStoreKeepTheirKind) {
  lake_.Add("trips", "SELECT 1 AS id");
  Open();
  lake_.store().failure = Error{ErrorKind::kUnavailable, "the bucket is away", std::chrono::seconds(3), {}};
  const auto error = ErrorOf("SELECT * FROM trips");
  EXPECT_EQ(error.kind, ErrorKind::kUnavailable);
  EXPECT_THAT(error.detail, HasSubstr("reading dataset 'trips': the bucket is away"));
  EXPECT_TRUE(error.retry_after);
  lake_.store().failure.reset();
  EXPECT_THAT(Run("SELECT * FROM trips").value(), HasSubstr("[[1]]"));
}

TEST_F(EngineTest, AFutureSeqIsNotThere) {
  Open();
  QueryRequest request;
  request.sql = "SELECT 1";
  request.at_seq = Seq(99);
  EXPECT_EQ(Run(request).error().kind, ErrorKind::kNotFound);
}

TEST_F(EngineTest, WhatWasAcknowledgedIsSeenByTheNextQuery) {
  Open();
  for (int i = 1; i < 20; ++i) {
    lake_.Add("trips", "SELECT 1 AS id", catalog::WriteMode::kAppend);
    EXPECT_THAT(Run("SELECT count(*) FROM trips").value(), HasSubstr(fmt::format("[[{}]]", i)));
  }
}

TEST_F(EngineTest, LargeResultsKeepTheirOrder) {
  lake_.Add("numbers", "SELECT i AS i FROM range(200000) t(i)");
  EngineOptions options;
  options.threads = 4;
  Open(options);
  std::string json, lines, csv = "i,s\n";
  for (int i = 0; i < 200'000; ++i) {
    const std::string number = std::to_string(i);
    json += (i == 0 ? "[" : ",[") + number + ",\"x" + number + "\"]";
    lines += "{\"i\":" + number + ",\"s\":\"x" + number + "\"}\n";
    csv += number + ",x" + number + "\n";
  }
  const std::string sql = "SELECT i, 'x' || i AS s FROM numbers";
  const std::string whole = Run(sql).value();
  EXPECT_TRUE(whole.find("\"rows\":[" + json + "],\"row_count\":200000,\"seq\":1}") != std::string::npos);
  EXPECT_TRUE(Run(sql, ResultFormat::kNdjson).value() == lines);
  EXPECT_TRUE(Run(sql, ResultFormat::kCsv).value() == csv);
}

TEST_F(EngineTest, ADatasetCannotStandBeforeSystemViews) {
  lake_.Add("duckdb_tables", "SELECT 1 AS table_name");
  lake_.Add("trips", "SELECT 1 AS id");
  Open();
  EXPECT_THAT(Run("SHOW TABLES").value(), HasSubstr("[[\"duckdb_tables\"],[\"trips\"]]"));
  EXPECT_THAT(Run("SELECT * FROM snapshot('duckdb_tables', 1)").value(), HasSubstr("[[1]]"));
}

// An internal error costs everybody's queries: no function that a query can name may lead to one.
TEST_F(EngineTest, NoFunctionBreaksTheEngine) {
  lake_.Add("trips", "SELECT 1 AS id");
  EngineOptions options;
  options.timeout = std::chrono::seconds(1);
  Open(options);
  const auto listed =
      Run("SELECT DISTINCT function_name, function_type FROM duckdb_functions() WHERE function_type IN "
          "('scalar', 'macro', 'table', 'table_macro') ORDER BY ALL",
          ResultFormat::kCsv);
  ASSERT_TRUE(listed) << listed.error().detail;
  std::istringstream lines(*listed);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::string name = line.substr(0, line.rfind(','));
    const bool in_from = line.find(",table") != std::string::npos;
    for (const char* arguments : {"", "NULL", "1", "'trips'", "1, 1", "'a', 'b'", "[1], 1"}) {
      const std::string call = fmt::format("\"{}\"({})", name.starts_with('"') ? "+" : name, arguments);
      const auto result = Run(in_from ? "SELECT * FROM " + call + " LIMIT 3" : "SELECT " + call);
      if (!result) EXPECT_NE(result.error().kind, ErrorKind::kInternal) << call;
    }
  }
}

TEST_F(EngineTest, TenThousandDatasetsCostLittle) {
  for (int i = 0; i < 10'000; ++i) {
    catalog::Manifest manifest;
    manifest.name = fmt::format("dataset_{}", i);
    manifest.schema = {{"id", "BIGINT", true, 1}, {"name", "VARCHAR", true, 2}};
    lake_.RegisterQuietly(std::move(manifest));
  }
  Open();
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Run("SELECT * FROM dataset_77"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_THAT(Run("SELECT count(*) FROM lake.datasets").value(), HasSubstr("[[10000]]"));
  EXPECT_THAT(Run("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'main'").value(),
              HasSubstr("[[20000]]"));
  EXPECT_THAT(ErrorOf("SELECT * FROM dataset_10000").detail, HasSubstr("dataset_1000"));
}

}  // namespace
}  // namespace lakehouse::query
