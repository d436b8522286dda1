// Another role over gRPC: what the local interfaces do, the remote ones do too, and what goes wrong on the way is
// named.
#include <array>
#include <atomic>
#include <thread>

#include "rpc/server_test_fixture.h"

namespace lakehouse::rpc {
namespace {

using object::ByteRange;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

RequestContext Soon(milliseconds after) {
  RequestContext context;
  context.deadline = Deadline::After(after);
  return context;
}

class RemoteTest : public ServerTest {
 protected:
  void SetUp() override { Start(); }
  std::unique_ptr<object::ObjectStore> Store() const { return OpenRemoteStore(At("storaged")).value(); }
  std::unique_ptr<service::Catalog> Catalog() const { return OpenRemoteCatalog(At("catalogd")).value(); }
  std::unique_ptr<service::Ingest> Ingest() const { return OpenRemoteIngest(At("ingestd")).value(); }
  std::unique_ptr<service::Query> Query() const { return OpenRemoteQuery(At("queryd")).value(); }
  std::unique_ptr<service::Vectors> Vectors() const { return OpenRemoteVectors(At("vectord")).value(); }
};

TEST(RemoteUrl, OnlyHostAndPort) {
  EXPECT_TRUE(IsGrpcUrl("grpc://127.0.0.1:1"));
  EXPECT_TRUE(IsGrpcUrl("grpcs://h:1"));
  EXPECT_FALSE(IsGrpcUrl("http://127.0.0.1:1"));
  for (const char* url : {"grpc://127.0.0.1:4211", "grpc://storaged:4211/", "grpc://[::1]:4211"})
    EXPECT_TRUE(OpenRemoteStore({"[a] b_url", "storaged", url, "t"})) << url;
  using Case = std::pair<const char*, const char*>;
  for (const auto& [url, why] :
       {Case{"grpc://", "no host"}, Case{"grpc://:1", "no host"}, Case{"grpc://h", "port"}, Case{"grpc://h:0", "port"},
        Case{"grpc://h:99999", "port"}, Case{"grpc://h:1/path", "no paths"}, Case{"grpc://h h:1", "host"},
        Case{"http://h:1", "neither grpc nor grpcs"}}) {
    const auto opened = OpenRemoteStore({"[a] b_url", "storaged", url, "t"});
    ASSERT_FALSE(opened) << url;
    EXPECT_EQ(opened.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(opened.error().detail, AllOf(StartsWith("[a] b_url: "), HasSubstr(why)));
  }
  const auto authorities = OpenRemoteStore({"[a] b_url", "storaged", "grpcs://h:1", "t", "/nowhere/ca.pem"});
  ASSERT_FALSE(authorities);
  EXPECT_THAT(authorities.error().detail, StartsWith("[tls] ca_file: "));
  const auto secret = OpenRemoteStore({"[a] b_url", "storaged", "grpc://user:hunter2@h:1", "t"});
  ASSERT_FALSE(secret);
  EXPECT_THAT(secret.error().detail, ::testing::Not(HasSubstr("hunter2")));
}

TEST_F(RemoteTest, WhatIsPutIsThere) {
  const auto store = Store();
  std::string body(3 * (256 << 10) + 7, 'x');
  for (size_t i = 0; i < body.size(); i += 100) body[i] = static_cast<char>(i);
  object::PutOptions options;
  options.size = body.size();
  options.content_type = "image/png";
  const auto put = object::PutWhole(*store, {}, "catalog/log/1", body, options).value();
  EXPECT_TRUE(put.created);
  EXPECT_EQ(put.info.size, body.size());
  const auto reader = store->Get({}, "catalog/log/1", {}).value();
  EXPECT_EQ(reader->info().etag, put.info.etag);
  EXPECT_EQ(reader->info().content_type, "image/png");
  EXPECT_EQ(reader->length(), body.size());
  EXPECT_TRUE(ReadAll(*reader, 1 << 30).value() == body);
  EXPECT_FALSE(object::PutWhole(*store, {}, "catalog/log/1", "").value().created);
  EXPECT_EQ(store->Head({}, "catalog/log/1").value().size, 0u);
  EXPECT_EQ(object::GetWhole(*store, {}, "catalog/log/1").value(), "");
  ASSERT_TRUE(store->Delete({}, "catalog/log/1"));
  ASSERT_TRUE(store->Delete({}, "catalog/log/1"));
  EXPECT_EQ(store->Head({}, "catalog/log/1").error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store->Get({}, "catalog/log/1", {}).error().kind, ErrorKind::kNotFound);
}

TEST_F(RemoteTest, RangesAreCutAtTheEnd) {
  const auto store = Store();
  ASSERT_TRUE(object::PutWhole(*store, {}, "a", "0123456789"));
  const auto get = [&](ByteRange range) -> Result<std::string> {
    LH_ASSIGN(const auto reader, store->Get({}, "a", {.range = range, .if_match = std::nullopt}));
    EXPECT_EQ(reader->offset(), range.offset);
    EXPECT_EQ(reader->info().size, 10u);
    LH_ASSIGN(auto bytes, ReadAll(*reader, 100));
    EXPECT_EQ(bytes.size(), reader->length());
    return bytes;
  };
  EXPECT_EQ(get({2, 3}).value(), "234");
  EXPECT_EQ(get({8, 100}).value(), "89");
  EXPECT_EQ(get({4, std::nullopt}).value(), "456789");
  EXPECT_EQ(get({10, 1}).error().kind, ErrorKind::kRangeNotSatisfiable);
}

TEST_F(RemoteTest, ConditionsHold) {
  const auto store = Store();
  object::PutOptions fresh;
  fresh.if_none_match = true;
  const auto first = object::PutWhole(*store, {}, "a", "1", fresh).value();
  EXPECT_EQ(object::PutWhole(*store, {}, "a", "2", fresh).error().kind, ErrorKind::kPreconditionFailed);
  object::PutOptions over;
  over.if_match = first.info.etag;
  ASSERT_TRUE(object::PutWhole(*store, {}, "a", "2", over));
  EXPECT_EQ(object::PutWhole(*store, {}, "a", "3", over).error().kind, ErrorKind::kPreconditionFailed);
  EXPECT_EQ(store->Get({}, "a", {.range = std::nullopt, .if_match = "no"}).error().kind,
            ErrorKind::kPreconditionFailed);
  EXPECT_EQ(object::GetWhole(*store, {}, "a").value(), "2");
}

TEST_F(RemoteTest, ListsAPageAtATime) {
  const auto store = Store();
  for (const char* key : {"l/a", "l/b/1", "l/b/2", "l/c"}) ASSERT_TRUE(object::PutWhole(*store, {}, key, "x"));
  std::vector<std::string> keys;
  ASSERT_TRUE(object::ForEachObject(*store, {}, {.prefix = "l/", .limit = 1}, [&](const object::ObjectInfo& info) {
    keys.push_back(info.key);
    return Result<object::Listing>(object::Listing::kGoOn);
  }));
  EXPECT_THAT(keys, ElementsAre("l/a", "l/b/1", "l/b/2", "l/c"));
  const auto folders = store->List({}, {.prefix = "l/", .delimiter = "/", .start_after = "l/a"}).value();
  EXPECT_THAT(folders.prefixes, ElementsAre("l/b/"));
  EXPECT_EQ(folders.objects.at(0).key, "l/c");
}

TEST_F(RemoteTest, TheStoresClockAndItsState) {
  const auto store = Store();
  ASSERT_TRUE(Within([&] { return store->Check({}).has_value(); }));
  EXPECT_TRUE(store->HonoursConditionalPut());
  EXPECT_LT(std::chrono::abs(store->Now({}).value() - SystemClock().Now()), seconds(30));
}

class FailingSource final : public ByteSource {
 public:
  Result<size_t> Read(std::span<char> out) override {
    if (++reads_ > 2) return Fail(ErrorKind::kExhausted, "the source broke");
    std::ranges::fill(out, 'x');
    return out.size();
  }

 private:
  int reads_ = 0;
};

TEST_F(RemoteTest, ASourceThatFailsTellsItsOwnError) {
  const auto store = Store();
  FailingSource source;
  const auto put = store->Put({}, "a", source, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().detail, "the source broke");
  EXPECT_EQ(store->Head({}, "a").error().kind, ErrorKind::kNotFound);
}

TEST_F(RemoteTest, ABodyPastTheLimitIsRefusedInTheRolesWords) {
  const auto store = Store();
  object::PutOptions options;
  options.size = uint64_t{1} << 40;
  StringSource source("x");
  const auto put = store->Put({}, "a", source, options);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kTooLarge);
  EXPECT_THAT(put.error().detail, StartsWith("the body of 1099511627776 bytes"));
}

TEST_F(RemoteTest, AReaderMayBeDroppedHalfway) {
  const auto store = Store();
  ASSERT_TRUE(object::PutWhole(*store, {}, "a", std::string(8 << 20, 'x')));
  for (int i = 0; i < 20; ++i) {
    const auto reader = store->Get({}, "a", {}).value();
    std::array<char, 100> some{};
    EXPECT_EQ(reader->Read(some).value(), some.size());
  }
  EXPECT_TRUE(Within([&] { return metrics_.GaugeOf("lakehouse_grpc_calls_in_flight", "").value() == 0; }));
}

TEST_F(RemoteTest, NobodyThere) {
  // Port 1 refuses.
  const auto store = OpenRemoteStore(At("storaged", "127.0.0.1:1")).value();
  const auto put = object::PutWhole(*store, {}, "a", "1");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kUnavailable) << "nothing was sent, so nothing is in doubt";
  EXPECT_EQ(put.error().detail, "storaged: cannot connect to 127.0.0.1:1");
  EXPECT_EQ(store->Head(Soon(milliseconds(300)), "a").error().kind, ErrorKind::kUnavailable);
  const auto ready = store->Check({});
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(ready.error().detail, StartsWith("storaged is not ready: "));
}

TEST_F(RemoteTest, ARoleThatComesBackIsFoundAgain) {
  const auto catalog = Catalog();
  EXPECT_EQ(catalog->Epoch({}, std::nullopt, {}).value(), Seq(0));
  ServerOptions again = Options();
  again.bind = server_->address();
  Stop();
  EXPECT_FALSE(catalog->Epoch({}, std::nullopt, {}));
  Start(again);
  EXPECT_TRUE(Within([&] { return catalog->Epoch({}, std::nullopt, {}).has_value(); }));
}

TEST_F(RemoteTest, AnotherRoleIsNone) {
  Stop();
  auto server = Server::Bind(Options(), Logger::Silent(), metrics_);
  server_ = std::move(server).value();
  ASSERT_TRUE(server_->Start(Services{.storage = &storage_}));
  const auto epoch = OpenRemoteCatalog(At("catalogd")).value()->Epoch({}, std::nullopt, {});
  ASSERT_FALSE(epoch);
  EXPECT_EQ(epoch.error().kind, ErrorKind::kUpstream);
  EXPECT_THAT(epoch.error().detail, HasSubstr("catalogd: what answers at " + server_->address()));
}

// Holds a Put until it is told to go on.
class HeldStore final : public service::Storage {
 public:
  explicit HeldStore(service::Storage& storage) : storage_(storage) {}
  Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const object::PutOptions& options) override {
    auto put = storage_.Put(context, key, body, options);
    arrived = true;
    while (!context.cancelled.stop_requested()) std::this_thread::yield();
    ended = true;
    return put;
  }
  Result<std::unique_ptr<object::ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                                    const object::GetOptions& options) override {
    return storage_.Get(context, key, options);
  }
  Result<object::ObjectInfo> Head(const RequestContext& context, std::string_view key) override {
    return storage_.Head(context, key);
  }
  Result<object::ListPage> List(const RequestContext& context, const object::ListOptions& options) override {
    return storage_.List(context, options);
  }
  Status Delete(const RequestContext& context, std::string_view key) override { return storage_.Delete(context, key); }
  Status Ready(const RequestContext& context) override { return storage_.Ready(context); }

  std::atomic<bool> arrived = false, ended = false;

 private:
  service::Storage& storage_;
};

class HeldTest : public RemoteTest {
 protected:
  void SetUp() override {
    server_ = Server::Bind(Options(), Logger::Silent(), metrics_).value();
    ASSERT_TRUE(server_->Start(Services{.storage = &held_}));
  }
  HeldStore held_{storage_};
};

TEST_F(HeldTest, ARoleThatEndsWithinAWriteLeavesItInDoubt) {
  const auto store = Store();
  Result<object::PutResult> put;
  std::thread writer([&] {
    object::PutOptions options;
    options.if_none_match = true;
    put = object::PutWhole(*store, {}, "catalog/log/1", "1", options);
  });
  ASSERT_TRUE(Within([&] { return held_.arrived.load(); }));
  server_->Stop(Deadline::After(milliseconds(0)));
  writer.join();
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kAmbiguous) << put.error().detail;
  EXPECT_THAT(put.error().detail, StartsWith("storaged: "));
  EXPECT_EQ(object::GetWhole(store_, {}, "catalog/log/1").value(), "1") << "and this time it was done";
}

TEST_F(HeldTest, TimeAndCancellationEndACallAtTheRoleToo) {
  const auto store = Store();
  const auto late = object::PutWhole(*store, Soon(milliseconds(200)), "a", "1");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kDeadline);
  EXPECT_TRUE(Within([&] { return held_.ended.load(); }));

  held_.arrived = held_.ended = false;
  std::stop_source stop;
  RequestContext context;
  context.cancelled = stop.get_token();
  Result<object::PutResult> put;
  std::thread writer([&] { put = object::PutWhole(*store, context, "b", "1"); });
  ASSERT_TRUE(Within([&] { return held_.arrived.load(); }));
  stop.request_stop();
  writer.join();
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().kind, ErrorKind::kCancelled);
  EXPECT_TRUE(Within([&] { return held_.ended.load(); }));
  EXPECT_EQ(object::PutWhole(*store, context, "c", "1").error().kind, ErrorKind::kCancelled)
      << "nothing is sent at all";
}

TEST_F(RemoteTest, Catalogs) {
  const auto catalog = Catalog();
  catalog::RegisterRequest request;
  request.name = "trips";
  request.schema_fingerprint = "f1";
  request.schema = {{"x", "BIGINT", true, 0}};
  request.objects = {{"raw/1", 10, 2, {}}};
  request.row_count = 2;
  request.source_sha256 = "ab";
  const auto made = catalog->Register({}, request).value();
  EXPECT_FALSE(made.existing);
  EXPECT_EQ(made.manifest.version, DatasetVersion(1));
  request.schema_fingerprint = "f2";
  const auto other = catalog->Register({}, request);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(other.error().members, Contains(Pair("existing_fingerprint", "f1")));
  EXPECT_EQ(catalog->Get({}, "TRIPS", std::nullopt).value().objects, made.manifest.objects);
  EXPECT_EQ(catalog->Get({}, "trips", DatasetVersion(1)).value().row_count, 2u);
  EXPECT_EQ(catalog->Get({}, "none", std::nullopt).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(catalog->List({}, {.limit = 1, .token = {}}).value().datasets.at(0).name, "trips");
  EXPECT_EQ(catalog->FindSource({}, "trips", "ab", catalog::WriteMode::kReplace).value()->name, "trips");
  EXPECT_FALSE(catalog->FindSource({}, "trips", "cd", catalog::WriteMode::kReplace).value());
  ASSERT_TRUE(catalog->SetPin({}, "trips", DatasetVersion(1), true));
  EXPECT_TRUE(catalog->Snapshots({}, "trips").value().at(0).pinned);
  EXPECT_EQ(catalog->Gc({}, {}).value().bytes, 0u);
  const Seq seq = catalog->Epoch({}, std::nullopt, {}).value();
  EXPECT_EQ(seq, catalog_->Epoch({}, std::nullopt, {}).value());
  EXPECT_EQ(catalog->Epoch({}, seq, milliseconds(1)).value(), seq) << "waited in vain";
  ASSERT_TRUE(catalog->Drop({}, "trips"));
  EXPECT_EQ(catalog->Drop({}, "trips").error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(Within([&] { return catalog->Ready({}).has_value(); }));
}

TEST_F(RemoteTest, FilesBecomeDatasetsAndQueriesReadThem) {
  service::IngestRequest request;
  request.name = "trips";
  StringSource csv("a,b\n1,x\n2,y\n");
  const auto made = Ingest()->Run({}, request, csv);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->row_count, 2u);
  EXPECT_EQ(made->columns.at(0).type, "BIGINT");
  StringSource broken("a,b\n1\n");
  const auto failed = Ingest()->Run({}, request, broken);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(failed.error().members, Contains(Pair("line", "2")));
}

TEST_F(RemoteTest, EveryFormatComesAsItIs) {
  const auto query = Query();
  query::QueryRequest request;
  request.sql = "SELECT range AS n, 'row ' || range AS t, [range] AS l FROM range(50000) ORDER BY n";
  for (const auto format : {query::ResultFormat::kJson, query::ResultFormat::kNdjson, query::ResultFormat::kCsv,
                            query::ResultFormat::kArrowStream, query::ResultFormat::kParquet}) {
    request.format = format;
    std::string here, there;
    StringSink here_sink(here), there_sink(there);
    ASSERT_TRUE(query_->Run({}, request).value()->WriteTo(here_sink));
    const auto stream = query->Run({}, request).value();
    ASSERT_TRUE(stream->WriteTo(there_sink));
    EXPECT_EQ(stream->bytes_written(), there.size());
    EXPECT_TRUE(here == there) << here.size() << " bytes here, " << there.size() << " there";
  }
}

TEST_F(RemoteTest, BadQueriesAreToldInTheEnginesWords) {
  const auto query = Query();
  for (const char* sql : {"SELEC 1", "SELECT nothing", "CREATE TABLE x (a INT)"}) {
    query::QueryRequest request;
    request.sql = sql;
    const auto here = query_->Run({}, request), there = query->Run({}, request);
    ASSERT_FALSE(here);
    ASSERT_FALSE(there);
    EXPECT_EQ(there.error().kind, here.error().kind);
    EXPECT_EQ(there.error().detail, here.error().detail);
  }
  const auto shape = query->Describe({}, "SELECT 1 AS a, CAST($1 AS DATE)", std::nullopt).value();
  EXPECT_EQ(shape.parameter_count, 1u);
  EXPECT_EQ(query->Describe({}, "SELEC", std::nullopt).error().kind, ErrorKind::kInvalid);
}

TEST_F(RemoteTest, DroppingAQueryEndsIt) {
  const auto query = Query();
  query::QueryRequest request;
  request.sql = "SELECT range FROM range(100000000000)";
  request.format = query::ResultFormat::kCsv;
  {
    const auto stream = query->Run({}, request);
    ASSERT_TRUE(stream) << stream.error().detail;
    EXPECT_EQ(query_->stats().running, 1u);
  }
  EXPECT_TRUE(Within([&] { return query_->stats().running == 0; }));
  request.sql = kEndless;
  request.timeout = milliseconds(200);
  const auto late = query->Run({}, request);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kDeadline);
  EXPECT_THAT(late.error().detail, HasSubstr("ran past its time limit")) << "the role's own words";
}

// Makes of each text as many floats as it has letters, then zeros.
class LengthProvider final : public embed::Provider {
 public:
  Result<embed::Vectors> Embed(const RequestContext&, std::span<const std::string> texts, uint32_t dimension) override {
    embed::Vectors vectors;
    for (const std::string& text : texts) {
      if (text == "refused") return Fail(ErrorKind::kInvalid, "this text is refused");
      auto& vector = vectors.emplace_back(dimension);
      std::fill_n(vector.begin(), std::min<size_t>(text.size(), dimension), 1.F);
    }
    return vectors;
  }
  uint32_t dimension() const override { return 0; }
  const std::string& name() const override { return name_; }

 private:
  const std::string name_ = "length";
};

TEST_F(RemoteTest, TheRoleMakesVectorsOfTexts) {
  vector::IndexOptions options;
  options.dimension = 3;
  options.metric = vector::Metric::kL2;
  vector::NewItems items;
  items.ids = {"a", "b"};
  items.metadata.resize(2);
  items.vectors.assign(6, 0);
  items.texts = {{0, "x", false}, {1, "xx", false}};
  const auto without = Vectors();
  const auto nobody = without->Fill({}, options, items);
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody.error().detail, HasSubstr("embedding_provider"));
  // Words alone are searched where a fusion was asked for and nobody makes vectors.
  vector::IndexOptions worded = options;
  worded.text_field = "t";
  vector::SearchesRequest searches;
  searches.requests.emplace_back().text = "x";
  searches.fuse = {true};
  EXPECT_TRUE(without->Fill({}, worded, searches));
  EXPECT_TRUE(searches.requests[0].vector.empty());

  Stop();
  LengthProvider provider;
  service::LocalVectors making(indexes_, &provider);
  server_ = Server::Bind(Options(), Logger::Silent(), metrics_).value();
  ASSERT_TRUE(server_->Start(Services{.vectors = &making}));
  const auto vectors = Vectors();
  ASSERT_TRUE(vectors->Fill({}, options, items));
  EXPECT_THAT(items.vectors, ElementsAre(1, 0, 0, 1, 1, 0));
  searches.fuse = {true};
  ASSERT_TRUE(vectors->Fill({}, worded, searches));
  EXPECT_THAT(searches.requests[0].vector, ElementsAre(1, 0, 0));
  items.texts = {{0, "refused", false}};
  EXPECT_EQ(vectors->Fill({}, options, items).error().detail, "this text is refused");
  const auto loads = OpenRemoteVectorLoads(At("vectord")).value();
  const auto loaded = loads->Load({}, "v", {.dataset = "d", .version = std::nullopt, .columns = {}},
                                  [](uint64_t, uint64_t) { return Status(); });
  EXPECT_EQ(loaded.error().kind, ErrorKind::kNotImplemented) << "this server has none";
  Stop();
}

TEST_F(RemoteTest, IndexesOfVectors) {
  const auto vectors = Vectors();
  vector::IndexOptions options;
  options.dimension = 2;
  options.metric = vector::Metric::kL2;
  EXPECT_EQ(vectors->Create({}, "v", options).value().length, 0u);
  EXPECT_EQ(vectors->Create({}, "v", options).error().kind, ErrorKind::kConflict);
  vector::Batch batch;
  for (int i = 0; i < 3000; ++i) {
    batch.ids.push_back("i" + std::to_string(i));
    batch.vectors.insert(batch.vectors.end(), {static_cast<float>(i), 1});
    batch.metadata.emplace_back(i % 2 == 0 ? R"({"even":true})" : R"({"even":false})");
  }
  EXPECT_EQ(vectors->Add({}, "v", batch).value().added, 3000u);
  vector::SearchRequest search;
  search.vector = {7, 1};
  search.k = 3;
  search.filter = vector::Filter::Parse(R"({"even":true})").value();
  const auto answer = vectors->Search({}, "v", search).value();
  ASSERT_EQ(answer.hits.size(), 3u);
  EXPECT_THAT(answer.hits[0].id, ::testing::AnyOf("i6", "i8"));
  EXPECT_EQ(answer.hits[0].metadata, R"({"even":true})");
  search.vector = {1};
  const auto here = vectors_.Search({}, "v", search), there = vectors->Search({}, "v", search);
  EXPECT_EQ(there.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(there.error().detail, here.error().detail);
  EXPECT_EQ(there.error().members, here.error().members) << "no field that the caller does not know";
  EXPECT_EQ(vectors->Options({}, "v").value().dimension, 2u);
  EXPECT_EQ(vectors->List({}).value().at(0).length, 3000u);
  EXPECT_THAT(vectors->Get({}, "v", "i5").value().vector, ElementsAre(5, 1));
  ASSERT_TRUE(vectors->Remove({}, "v", "i5"));
  EXPECT_EQ(vectors->Get({}, "v", "i5").error().kind, ErrorKind::kNotFound);
  const auto scan = vectors->Scan({}, "v", {.vector = true, .metadata = false}).value();
  EXPECT_EQ(scan->length(), 2999u);
  size_t seen = 0;
  for (auto items = scan->Next().value(); !items.empty(); items = scan->Next().value()) {
    seen += items.size();
    EXPECT_FALSE(items[0].metadata);
    EXPECT_EQ(items[0].vector.size(), 2u);
  }
  EXPECT_EQ(seen, 2999u);
  EXPECT_TRUE(scan->Next().value().empty());
  vector::RebuildOptions rebuild;
  rebuild.quantization = vector::Quantization::kNone;
  EXPECT_EQ(vectors->Rebuild({}, "v", rebuild).value().options.quantization, vector::Quantization::kNone);
  ASSERT_TRUE(vectors->Drop({}, "v"));
  EXPECT_EQ(vectors->Scan({}, "v", {}).error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace lakehouse::rpc
