// service::Query and service::Ingest over a real server: what the local ones do, the remote ones do too.
#include <arrow/c/abi.h>
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "base/uuid.h"
#include "http/routes.h"
#include "http/server_test_fixture.h"
#include "net/http_client.h"
#include "object/memory_store.h"
#include "service/ingest_remote.h"
#include "service/query_local.h"
#include "service/query_remote.h"

namespace lakehouse::http {
namespace {

using query::BatchRequest;
using query::Parameter;
using query::QueryRequest;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kEndless = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b";

// A lake without datasets, at seq 7.
class EmptyLake final : public catalog::LakeSource {
 public:
  Result<std::shared_ptr<const catalog::LakeView>> Current(const RequestContext&) override { return View(Seq(7)); }
  Result<std::shared_ptr<const catalog::LakeView>> At(const RequestContext&, Seq seq) override {
    if (seq > Seq(7)) return Fail(ErrorKind::kNotFound, "seq {} is in the future", seq.value);
    return View(seq);
  }

 private:
  class Empty final : public catalog::LakeView {
   public:
    explicit Empty(Seq seq) : seq_(seq) {}
    Seq seq() const override { return seq_; }
    std::shared_ptr<const catalog::Manifest> Find(std::string_view) const override { return nullptr; }
    Result<std::shared_ptr<const catalog::Manifest>> FindVersion(std::string_view, DatasetVersion) const override {
      return Fail(ErrorKind::kNotFound, "there is none");
    }
    std::vector<std::string> Names() const override { return {}; }
    std::vector<catalog::Snapshot> Snapshots(std::string_view) const override { return {}; }

   private:
    const Seq seq_;
  };
  static std::shared_ptr<const catalog::LakeView> View(Seq seq) { return std::make_shared<Empty>(seq); }
};

class RemoteQueryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    query::EngineOptions options;
    options.spill_folder = folder_ / "spill";
    auto engine = query::Engine::Open(options, lake_, cache_, Logger::Silent());
    ASSERT_TRUE(engine) << engine.error().detail;
    local_ = std::make_unique<service::LocalQuery>(*std::move(engine), lake_);
    Router roles;
    AddQueryRoutes(roles, *local_, {});
    router_.Mount("/v1", roles);
    ServerOptions server_options;
    server_options.role_token = "token";
    auto server = Server::Bind(server_options, Logger::Silent(), metrics_);
    ASSERT_TRUE(server) << server.error().detail;
    server_ = *std::move(server);
    server_->Start(router_);
    remote_ = std::make_unique<service::RemoteQuery>(
        service::RemoteRole(client_, "queryd", "http://" + server_->address() + "/v1", "token"));
  }
  void TearDown() override {
    server_->Stop(Deadline::After(std::chrono::seconds(10)));
    std::filesystem::remove_all(folder_);
  }

  static Result<std::string> Text(service::Query& query, const QueryRequest& request) {
    LH_ASSIGN(const auto stream, query.Run({}, request));
    std::string text;
    StringSink sink(text);
    LH_TRY(stream->WriteTo(sink));
    return text;
  }
  void ExpectSame(const QueryRequest& request) {
    const auto here = Text(*local_, request), there = Text(*remote_, request);
    ASSERT_TRUE(here) << here.error().detail;
    ASSERT_TRUE(there) << there.error().detail;
    EXPECT_TRUE(*here == *there) << here->size() << " bytes here, " << there->size() << " there";
  }
  static BatchRequest Batches(const std::string& sql) {
    BatchRequest request;
    request.sql = sql;
    return request;
  }
  service::RemoteQuery Nowhere() { return service::RemoteQuery({client_, "queryd", "http://127.0.0.1:1", "token"}); }

  const std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("remote-" + RandomUuid());
  EmptyLake lake_;
  object::MemoryStore store_;
  object::BlockCache cache_{store_, {}};
  std::unique_ptr<service::LocalQuery> local_;
  observe::Metrics metrics_;
  Router router_;
  std::unique_ptr<Server> server_;
  net::HttpClient client_{{}};
  std::unique_ptr<service::RemoteQuery> remote_;
};

TEST_F(RemoteQueryTest, EveryFormatComesAsItIs) {
  QueryRequest request;
  request.sql = "SELECT range AS n, 'row ' || range AS t, [range, range + 1] AS l FROM range(50000) ORDER BY n";
  for (const auto format : {query::ResultFormat::kJson, query::ResultFormat::kNdjson, query::ResultFormat::kCsv,
                            query::ResultFormat::kArrowStream, query::ResultFormat::kParquet}) {
    request.format = format;
    ExpectSame(request);
  }
}

TEST_F(RemoteQueryTest, SeqAndRowsAreKnown) {
  QueryRequest request;
  request.sql = "FROM range(5000)";
  for (const auto format :
       {query::ResultFormat::kJson, query::ResultFormat::kNdjson, query::ResultFormat::kArrowStream}) {
    request.format = format;
    const auto stream = remote_->Run({}, request).value();
    EXPECT_EQ(stream->seq(), Seq(7));
    std::string text;
    StringSink sink(text);
    ASSERT_TRUE(stream->WriteTo(sink));
    EXPECT_EQ(stream->rows_written(), 5000u);
    EXPECT_EQ(stream->bytes_written(), text.size());
  }
  request.at_seq = Seq(3);
  EXPECT_EQ(remote_->Run({}, request).value()->seq(), Seq(3));
}

std::vector<Parameter> EveryKind() {
  return {std::monostate(),
          true,
          int64_t{-9007199254740993},
          1.0,
          std::nan(""),
          std::string("it's"),
          query::JsonText{R"({"a":[1,2]})"},
          query::JsonText{"17"},
          query::TypedText{"DECIMAL(18,2)", "1.50"},
          query::TypedText{"DATE", std::nullopt},
          query::Blob{std::string("\x00\xff'\\", 4)}};
}

TEST_F(RemoteQueryTest, ParametersKeepTheirTypes) {
  QueryRequest request;
  request.parameters = EveryKind();
  request.sql = "SELECT ";
  for (size_t i = 1; i <= request.parameters.size(); ++i)
    request.sql += fmt::format("{}${}, typeof(${})", i == 1 ? "" : ", ", i, i);
  ExpectSame(request);
}

TEST_F(RemoteQueryTest, ErrorsKeepKindWordsAndPosition) {
  for (const char* sql : {"SELECT 1 +* 2", "SELECT * FROM missing", "DROP TABLE x", "SELECT error('no')"}) {
    QueryRequest request;
    request.sql = sql;
    const Error here = Text(*local_, request).error(), there = Text(*remote_, request).error();
    EXPECT_EQ(here.kind, there.kind) << sql;
    EXPECT_EQ(here.detail, there.detail);
    EXPECT_EQ(here.members, there.members);
    const auto batches = remote_->RunBatches({}, Batches(sql));
    ASSERT_FALSE(batches);
    EXPECT_EQ(batches.error().detail, here.detail);
  }
  QueryRequest future;
  future.sql = "SELECT 1";
  future.at_seq = Seq(99);
  EXPECT_EQ(remote_->Run({}, future).error().kind, ErrorKind::kNotFound);
}

TEST_F(RemoteQueryTest, TheTimeLimitTravels) {
  QueryRequest request;
  request.sql = kEndless;
  request.timeout = milliseconds(50);
  const Error own = Text(*remote_, request).error();
  EXPECT_EQ(own.kind, ErrorKind::kDeadline);
  EXPECT_THAT(own.detail, HasSubstr("the query ran past its time limit"));
  RequestContext context;
  context.deadline = Deadline::After(milliseconds(50));
  request.timeout.reset();
  const auto callers = remote_->Run(context, request);
  ASSERT_FALSE(callers);
  EXPECT_EQ(callers.error().kind, ErrorKind::kDeadline);
}

TEST_F(RemoteQueryTest, ACallerWhoGoesCancelsTheQuery) {
  std::stop_source stop;
  RequestContext context;
  context.cancelled = stop.get_token();
  std::jthread caller([&] {
    QueryRequest request;
    request.sql = kEndless;
    const auto run = remote_->Run(context, request);
    EXPECT_FALSE(run);
    if (!run) EXPECT_EQ(run.error().kind, ErrorKind::kCancelled);
  });
  ASSERT_TRUE(testing::Eventually([&] { return local_->stats().running == 1; }));
  stop.request_stop();
  EXPECT_TRUE(testing::Eventually([&] { return local_->stats().running == 0; }));
}

TEST_F(RemoteQueryTest, AStreamThatIsDroppedCancelsTheQuery) {
  BatchRequest request;
  request.sql = "SELECT range, repeat('x', 100) FROM range(1000000000)";
  request.batch_rows = 1000;
  {
    const auto stream = remote_->RunBatches({}, request).value();
    ArrowArray batch;
    ASSERT_TRUE(stream->Next(&batch).value());
    EXPECT_EQ(batch.length, 1000);
    batch.release(&batch);
    EXPECT_EQ(local_->stats().running, 1u);
  }
  EXPECT_TRUE(testing::Eventually([&] { return local_->stats().running == 0; }));
}

TEST_F(RemoteQueryTest, BatchesOfEveryParameterRowFollowOneAnother) {
  BatchRequest request;
  request.sql = "SELECT range + $1 AS n FROM range($2)";
  request.parameter_rows = {{int64_t{10}, int64_t{2}}, {int64_t{20}, int64_t{0}}, {int64_t{30}, int64_t{1}}};
  const auto stream = remote_->RunBatches({}, request).value();
  EXPECT_EQ(stream->seq(), Seq(7));
  ArrowSchema schema;
  ASSERT_TRUE(stream->ExportSchema(&schema));
  EXPECT_STREQ(schema.children[0]->format, "l");
  EXPECT_STREQ(schema.children[0]->name, "n");
  schema.release(&schema);
  std::vector<int64_t> seen;
  ArrowArray batch;
  while (stream->Next(&batch).value()) {
    const ArrowArray& column = *batch.children[0];
    const auto* values = static_cast<const int64_t*>(column.buffers[1]) + column.offset;
    seen.insert(seen.end(), values, values + column.length);
    batch.release(&batch);
  }
  EXPECT_THAT(seen, ElementsAre(10, 11, 30));
  EXPECT_EQ(stream->rows(), 3u);
  EXPECT_FALSE(stream->Next(&batch).value()) << "the end is said again";

  request.sql = "SELECT $1 AS v";
  request.parameter_rows = {{int64_t{1}}, {std::string("one")}};
  const auto mixed = remote_->RunBatches({}, request).value();
  ASSERT_TRUE(mixed->Next(&batch).value());
  batch.release(&batch);
  EXPECT_THAT(mixed->Next(&batch).error().detail, HasSubstr("parameter row 2"));
}

TEST_F(RemoteQueryTest, EmptyResultsHaveASchema) {
  const auto stream = remote_->RunBatches({}, Batches("SELECT 1 AS a WHERE false")).value();
  ArrowSchema schema;
  ASSERT_TRUE(stream->ExportSchema(&schema));
  EXPECT_EQ(schema.n_children, 1);
  schema.release(&schema);
  ArrowArray batch;
  EXPECT_FALSE(stream->Next(&batch).value());
}

TEST_F(RemoteQueryTest, StatementsAreDescribed) {
  for (service::Query* query :
       {static_cast<service::Query*>(local_.get()), static_cast<service::Query*>(remote_.get())}) {
    const auto shape = query->Describe({}, "SELECT 1::DATE AS d, $1::DOUBLE AS x, 'a' AS t", Seq(5)).value();
    EXPECT_EQ(shape.seq, Seq(5));
    ASSERT_EQ(shape.columns->n_children, 3);
    EXPECT_STREQ(shape.columns->children[1]->name, "x");
    EXPECT_STREQ(shape.columns->children[1]->format, "g");
    EXPECT_EQ(shape.parameter_count, 1u);
    EXPECT_EQ(shape.parameters->n_children, 1);
    EXPECT_EQ(query->Describe({}, "SELEC", std::nullopt).error().kind, ErrorKind::kInvalid);
  }
}

TEST_F(RemoteQueryTest, ARoleThatIsAwayIsUnavailable) {
  auto nowhere = Nowhere();
  QueryRequest request;
  request.sql = "SELECT 1";
  const auto run = nowhere.Run({}, request);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(run.error().detail, HasSubstr("queryd"));
}

// Keeps what it is given; fails when it is told to.
class FakeIngest final : public service::Ingest {
 public:
  Result<service::IngestResult> Run(const RequestContext& context, const service::IngestRequest& request,
                                    ByteSource& source) override {
    LH_ASSIGN(seen_bytes, ReadAll(source, 64 << 20));
    seen = request;
    is_internal = context.internal;
    if (failure) return Fail(*failure);
    return result;
  }
  Status Ready(const RequestContext&) override { return {}; }

  service::IngestRequest seen;
  std::string seen_bytes;
  bool is_internal = false;
  std::optional<Error> failure;
  service::IngestResult result;
};

class RemoteIngestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AddIngestRoutes(router_, local_, {});
    ServerOptions options;
    options.role_token = "token";
    auto server = Server::Bind(options, Logger::Silent(), metrics_);
    ASSERT_TRUE(server) << server.error().detail;
    server_ = *std::move(server);
    server_->Start(router_);
    remote_ = std::make_unique<service::RemoteIngest>(
        service::RemoteRole(client_, "ingestd", "http://" + server_->address(), "token"));
  }
  void TearDown() override { server_->Stop(Deadline::After(std::chrono::seconds(10))); }

  FakeIngest local_;
  observe::Metrics metrics_;
  Router router_;
  std::unique_ptr<Server> server_;
  net::HttpClient client_{{}};
  std::unique_ptr<service::RemoteIngest> remote_;
};

TEST_F(RemoteIngestTest, RequestAndResultArriveWhole) {
  local_.result.name = "trips";
  local_.result.version = DatasetVersion(3);
  local_.result.seq = Seq(12);
  local_.result.row_count = 10;
  local_.result.rows_added = 4;
  local_.result.columns = {{.name = "a b", .type = "BIGINT", .nullable = false, .field_id = 1}};
  local_.result.objects = {{.key = "datasets/x", .size = 5, .rows = 4, .stats = {}}};
  local_.result.existing = true;
  local_.result.widened = {{"a b", "BIGINT", "VARCHAR", 17}};
  local_.result.source_bytes = 99;
  local_.result.took = std::chrono::microseconds(1500);
  service::IngestRequest request;
  request.name = "trips";
  request.mode = catalog::WriteMode::kAppend;
  request.allow_duplicates = true;
  request.compression = service::SourceCompression::kGzip;
  request.encoding = service::SourceEncoding::kLatin1;
  request.delimiter = '\t';
  request.header = false;
  request.types = {{"a b", "DECIMAL(9,2)"}, {"x&y", "VARCHAR"}};
  const std::string bytes = testing::Pattern(3 << 20);
  StringSource source(bytes);
  const auto result = remote_->Run({}, request, source);
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(local_.seen_bytes, bytes);
  EXPECT_TRUE(local_.is_internal);
  EXPECT_EQ(local_.seen.mode, request.mode);
  EXPECT_TRUE(local_.seen.allow_duplicates);
  EXPECT_EQ(local_.seen.compression, request.compression);
  EXPECT_EQ(local_.seen.encoding, request.encoding);
  EXPECT_EQ(local_.seen.delimiter, '\t');
  EXPECT_FALSE(local_.seen.header);
  EXPECT_EQ(local_.seen.types, request.types);
  EXPECT_EQ(result->version, DatasetVersion(3));
  EXPECT_EQ(result->seq, Seq(12));
  EXPECT_EQ(result->columns, local_.result.columns);
  EXPECT_EQ(result->objects, local_.result.objects);
  EXPECT_EQ(result->rows_added, 4u);
  EXPECT_TRUE(result->existing);
  ASSERT_EQ(result->widened.size(), 1u);
  EXPECT_EQ(result->widened[0].line, 17u);
  EXPECT_EQ(result->took, std::chrono::microseconds(1500));
}

TEST_F(RemoteIngestTest, EveryFormatIsSaid) {
  for (const auto format :
       {service::SourceFormat::kCsv, service::SourceFormat::kNdjson, service::SourceFormat::kParquet}) {
    service::IngestRequest request;
    request.name = "trips";
    request.format = format;
    StringSource source("x");
    ASSERT_TRUE(remote_->Run({}, request, source));
    EXPECT_EQ(local_.seen.format, format);
  }
}

TEST_F(RemoteIngestTest, ErrorsKeepKindWordsAndMembers) {
  local_.failure = Error{ErrorKind::kConflict, "line 3 drifts", std::nullopt, {{"line", "3"}}};
  StringSource source("a\n1\n");
  service::IngestRequest request;
  request.name = "trips";
  const auto drifted = remote_->Run({}, request, source);
  ASSERT_FALSE(drifted);
  EXPECT_EQ(drifted.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(drifted.error().detail, "line 3 drifts");
  EXPECT_EQ(drifted.error().members, local_.failure->members);
  local_.failure = Error{ErrorKind::kUnavailable, "full", std::chrono::seconds(9), {}};
  StringSource again("a\n1\n");
  const auto full = remote_->Run({}, request, again);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().retry_after, std::chrono::seconds(9));
}

// Fails after some bytes, as a client's upload that breaks off.
class BreakingSource final : public ByteSource {
 public:
  Result<size_t> Read(std::span<char> out) override {
    if (given_ > (1 << 20)) return Fail(ErrorKind::kRequestTimeout, "the client was too slow");
    std::ranges::fill(out, 'x');
    given_ += out.size();
    return out.size();
  }

 private:
  size_t given_ = 0;
};

TEST_F(RemoteIngestTest, ASourceThatFailsIsTold) {
  BreakingSource source;
  service::IngestRequest request;
  request.name = "trips";
  const auto result = remote_->Run({}, request, source);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kRequestTimeout);
}

}  // namespace
}  // namespace lakehouse::http
