// The server as clients see it: limits, deadlines, cancellation, who asks, and messages that are not as they should be.
#include "rpc/server.h"

#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <thread>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "lakehouse/v1/catalog.grpc.pb.h"
#include "lakehouse/v1/query.grpc.pb.h"
#include "lakehouse/v1/storage.grpc.pb.h"
#include "lakehouse/v1/vectors.grpc.pb.h"
#include "rpc/server_test_fixture.h"
#include "rpc/status.h"

namespace lakehouse::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class RpcServerTest : public ServerTest {
 protected:
  std::unique_ptr<v1::Catalog::Stub> Catalog() { return v1::Catalog::NewStub(channel_); }
  std::unique_ptr<v1::Query::Stub> Query() { return v1::Query::NewStub(channel_); }
  std::unique_ptr<v1::Storage::Stub> Storage() { return v1::Storage::NewStub(channel_); }
  std::unique_ptr<v1::Vectors::Stub> Vectors() { return v1::Vectors::NewStub(channel_); }

  static v1::RunRequest Sql(const std::string& text) {
    v1::RunRequest request;
    request.set_sql(text);
    return request;
  }
  // How a query ends.
  grpc::Status RunToEnd(grpc::ClientContext& context, const v1::RunRequest& request) {
    const auto stub = Query();
    const auto reader = stub->Run(&context, request);
    v1::RunResponse response;
    while (reader->Read(&response)) {
    }
    return reader->Finish();
  }
  grpc::Status Epoch(grpc::ClientContext& context, const v1::GetEpochRequest& request = {}) {
    v1::GetEpochResponse response;
    return Catalog()->GetEpoch(&context, request, &response);
  }
  // A call that waits at the server until it is cancelled or half a minute is over.
  static v1::GetEpochRequest LongWait() {
    v1::GetEpochRequest request;
    request.set_since(1'000'000);
    request.mutable_wait()->set_seconds(30);
    return request;
  }
  int64_t InFlight() { return metrics_.GaugeOf("lakehouse_grpc_calls_in_flight", "").value(); }
  void MakeIndex(const std::string& name, uint32_t dimension) {
    vector::IndexOptions options;
    options.dimension = dimension;
    options.metric = vector::Metric::kL2;
    ASSERT_TRUE(vectors_.Create({}, name, options));
    vector::Batch batch;
    batch.ids = {"a"};
    batch.vectors.assign(dimension, 1);
    batch.metadata.emplace_back();
    ASSERT_TRUE(vectors_.Add({}, name, batch));
  }
};

TEST_F(RpcServerTest, AnAddressThatCannotBeBoundIsNamed) {
  Start();
  ServerOptions options = Options();
  options.bind = server_->address();
  const auto second = Server::Bind(options, Logger::Silent(), metrics_);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().detail, HasSubstr(options.bind + " ([grpc] bind): the port is in use"));
  for (const char* bind : {"nowhere", ":1", "127.0.0.1:"}) {
    options.bind = bind;
    EXPECT_FALSE(Server::Bind(options, Logger::Silent(), metrics_)) << bind;
  }
}

TEST_F(RpcServerTest, PastTheLimitOfCallsTheNextIsToldWhenToComeBack) {
  ServerOptions options = Options();
  options.max_calls = 2;
  Start(options);
  std::array<grpc::ClientContext, 2> held;
  std::vector<std::thread> waiting;
  waiting.reserve(held.size());
  for (auto& context : held) waiting.emplace_back([&] { (void)Epoch(context, LongWait()); });
  EXPECT_TRUE(Within([&] { return InFlight() == 2; }));
  grpc::ClientContext context;
  const Error refused = ToError(Epoch(context));
  EXPECT_EQ(refused.kind, ErrorKind::kUnavailable);
  EXPECT_EQ(refused.detail, "all 2 places for calls are taken");
  EXPECT_EQ(refused.retry_after, seconds(1));
  for (auto& one : held) one.TryCancel();
  for (auto& thread : waiting) thread.join();
  EXPECT_TRUE(Within([&] { return InFlight() == 0; }));
  grpc::ClientContext after;
  EXPECT_TRUE(Epoch(after).ok());
}

TEST_F(RpcServerTest, OpenStreamsHoldNoThreadAndHaveALimitOfTheirOwn) {
  ServerOptions options = Options();
  options.max_streams = 30;
  options.max_calls = 1;
  Start(options);
  MakeIndex("v", 2);
  const auto stub = Vectors();
  using Stream = grpc::ClientReaderWriter<v1::SearchStreamRequest, v1::SearchStreamResponse>;
  std::vector<std::pair<std::unique_ptr<grpc::ClientContext>, std::unique_ptr<Stream>>> open;
  for (unsigned i = 0; i < options.max_streams; ++i) {
    auto context = std::make_unique<grpc::ClientContext>();
    auto stream = stub->SearchStream(context.get());
    stream->WaitForInitialMetadata();
    open.emplace_back(std::move(context), std::move(stream));
  }
  EXPECT_LE(metrics_.GaugeOf("lakehouse_grpc_worker_threads", "").value(), 1);
  grpc::ClientContext one_more;
  const auto refused = stub->SearchStream(&one_more)->Finish();
  EXPECT_EQ(ToError(refused).detail, "all 30 places for streams are taken");
  // All of them are answered all the same.
  for (auto& [context, stream] : open) {
    v1::SearchStreamRequest request;
    request.set_tag(7);
    request.mutable_search()->set_index("v");
    request.mutable_search()->mutable_vectors()->Add(1);
    request.mutable_search()->mutable_vectors()->Add(1);
    v1::SearchStreamResponse response;
    ASSERT_TRUE(stream->Write(request));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.found().answers(0).hits(0).id(), "a");
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  EXPECT_TRUE(Within([&] { return InFlight() == 0; }));
}

TEST_F(RpcServerTest, SearchesRunWhereTheyAreReadOrOnAWorker) {
  for (const bool in_place : {true, false}) {
    ServerOptions options = Options();
    options.search_in_place = in_place;
    Start(options);
    MakeIndex(in_place ? "here" : "there", 2);
    v1::SearchRequest request;
    request.set_index(in_place ? "here" : "there");
    request.mutable_vectors()->Add(1);
    request.mutable_vectors()->Add(1);
    std::atomic<int> found = 0;
    std::vector<std::thread> clients;
    clients.reserve(4);
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        const auto stub = Vectors();
        for (int n = 0; n < 50; ++n) {
          grpc::ClientContext context;
          v1::SearchResponse response;
          if (stub->Search(&context, request, &response).ok()) found += response.answers_size();
        }
      });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(found, 200);
    Stop();
  }
}

TEST_F(RpcServerTest, AQueryEndsWithItsClient) {
  Start();
  grpc::ClientContext context;
  std::thread client([&] { EXPECT_EQ(RunToEnd(context, Sql(kEndless)).error_code(), grpc::CANCELLED); });
  EXPECT_TRUE(Within([&] { return query_->stats().running == 1; }));
  context.TryCancel();
  client.join();
  EXPECT_TRUE(Within([&] { return query_->stats().running == 0 && InFlight() == 0; }));
}

TEST_F(RpcServerTest, AQueryEndsWithItsTime) {
  Start();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + milliseconds(200));
  EXPECT_EQ(RunToEnd(context, Sql(kEndless)).error_code(), grpc::DEADLINE_EXCEEDED);
  auto limited = Sql(kEndless);
  limited.mutable_timeout()->set_nanos(200'000'000);
  grpc::ClientContext patient;
  const Error late = ToError(RunToEnd(patient, limited));
  EXPECT_EQ(late.kind, ErrorKind::kDeadline);
  EXPECT_TRUE(Within([&] { return query_->stats().running == 0; }));
}

TEST_F(RpcServerTest, AClientThatStopsReadingIsGivenUp) {
  ServerOptions options = Options();
  options.body_timeout = milliseconds(300);
  Start(options);
  const auto stub = Query();
  grpc::ClientContext context;
  const auto reader = stub->Run(&context, Sql("SELECT range, repeat('x', 1000) FROM range(100000000)"));
  v1::RunResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_TRUE(Within([&] { return query_->stats().running == 0 && InFlight() == 0; }));
  while (reader->Read(&response)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

TEST_F(RpcServerTest, AClientThatSendsNothingIsGivenUp) {
  ServerOptions options = Options();
  options.body_timeout = milliseconds(200);
  Start(options);
  const auto stub = Storage();
  grpc::ClientContext context;
  v1::PutObjectResponse response;
  const auto writer = stub->PutObject(&context, &response);
  v1::PutObjectRequest first;
  first.mutable_options()->set_key("a");
  ASSERT_TRUE(writer->Write(first));
  const grpc::Status ended = writer->Finish();
  EXPECT_EQ(ToError(ended).kind, ErrorKind::kRequestTimeout);
  EXPECT_THAT(ended.error_message(), HasSubstr("sent nothing"));
  EXPECT_EQ(store_.Head({}, "a").error().kind, ErrorKind::kNotFound);
}

TEST_F(RpcServerTest, AMessageThatIsTooLargeIsRefusedWithTheLimit) {
  ServerOptions options = Options();
  options.max_message_bytes = 100'000;
  Start(options);
  v1::AddItemsRequest request;
  request.set_index(std::string(100'001, 'x'));
  v1::AddItemsResponse response;
  grpc::ClientContext context;
  const grpc::Status refused = Vectors()->AddItems(&context, request, &response);
  EXPECT_EQ(refused.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("100000"));
  EXPECT_TRUE(Within([&] { return InFlight() == 0; }));
}

TEST_F(RpcServerTest, UnknownFieldsAreLetBe) {
  Start();
  v1::GetEpochRequest request;
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(2047, "of a newer client");
  grpc::ClientContext context;
  EXPECT_TRUE(Epoch(context, request).ok());
}

TEST_F(RpcServerTest, BytesThatAreNoMessageAndMethodsThatAreNone) {
  Start();
  const auto call = [&](const std::string& method, const std::string& bytes) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    const auto reader = stub.PrepareUnaryCall(&context, method, request, &queue);
    reader->StartCall();
    reader->Finish(&response, &status, &queue);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return status.error_code();
  };
  // What the library says of them, before a service hears.
  EXPECT_THAT(call("/lakehouse.v1.Catalog/GetEpoch", "\xff\xff\xff"), AnyOf(grpc::INTERNAL, grpc::UNIMPLEMENTED));
  EXPECT_EQ(call("/lakehouse.v1.Catalog/Nothing", ""), grpc::UNIMPLEMENTED);
  EXPECT_EQ(call("/nothing", ""), grpc::UNIMPLEMENTED);
  grpc::ClientContext context;
  EXPECT_TRUE(Epoch(context).ok());
}

TEST_F(RpcServerTest, RequestIdsComeBack) {
  Start();
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "mine-1");
  ASSERT_TRUE(Epoch(context).ok());
  EXPECT_EQ(context.GetServerInitialMetadata().find("x-request-id")->second, "mine-1");
  grpc::ClientContext bad;
  bad.AddMetadata("x-request-id", "not an id");
  v1::GetManifestRequest request;
  request.set_name("none");
  v1::GetManifestResponse response;
  const grpc::Status missing = Catalog()->GetManifest(&bad, request, &response);
  const auto made = bad.GetServerInitialMetadata().find("x-request-id")->second;
  EXPECT_NE(made, "not an id");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(missing.error_details()));
  bool named = false;
  for (const auto& detail : details.details()) {
    google::rpc::RequestInfo info;
    if (detail.UnpackTo(&info)) named = info.request_id() == std::string_view(made.data(), made.size());
  }
  EXPECT_TRUE(named);
}

TEST_F(RpcServerTest, OnlyWhoHasTheRoleTokenIsARole) {
  Start();
  const auto put = [&](const char* token) {
    grpc::ClientContext context;
    if (token != nullptr) context.AddMetadata("x-lakehouse-role-token", token);
    v1::DeleteObjectRequest request;
    request.set_key("catalog/log/1");
    v1::DeleteObjectResponse response;
    return Storage()->DeleteObject(&context, request, &response).error_code();
  };
  EXPECT_EQ(put(nullptr), grpc::PERMISSION_DENIED);
  EXPECT_EQ(put(""), grpc::PERMISSION_DENIED);
  EXPECT_EQ(put("tokem"), grpc::PERMISSION_DENIED);
  EXPECT_EQ(put("token"), grpc::OK);
}

TEST_F(RpcServerTest, AtTheEdgeNobodyIsARole) {
  ServerOptions options = Options();
  options.role_token.clear();
  Start(options);
  grpc::ClientContext context;
  context.AddMetadata("x-lakehouse-role-token", "");
  v1::DeleteObjectRequest request;
  request.set_key("catalog/log/1");
  v1::DeleteObjectResponse response;
  EXPECT_EQ(Storage()->DeleteObject(&context, request, &response).error_code(), grpc::PERMISSION_DENIED);
}

TEST_F(RpcServerTest, AStopEndsWhatDoesNotEndByItself) {
  Start();
  grpc::ClientContext context;
  std::thread client([&] { EXPECT_FALSE(Epoch(context, LongWait()).ok()); });
  EXPECT_TRUE(Within([&] { return InFlight() == 1; }));
  server_->Stop(Deadline::After(milliseconds(100)));
  client.join();
  EXPECT_EQ(InFlight(), 0);
}

TEST_F(RpcServerTest, CallsAreCountedByMethodAndCode) {
  Start();
  grpc::ClientContext context;
  ASSERT_TRUE(Epoch(context).ok());
  v1::GetManifestRequest request;
  request.set_name("none");
  v1::GetManifestResponse response;
  grpc::ClientContext other;
  EXPECT_EQ(Catalog()->GetManifest(&other, request, &response).error_code(), grpc::NOT_FOUND);
  const auto count = [&](const char* method, const char* code) {
    return metrics_
        .CounterOf("lakehouse_grpc_calls_total", "gRPC calls that ended, by method and code",
                   {{"method", method}, {"code", code}})
        .value();
  };
  EXPECT_EQ(count("Catalog/GetEpoch", "OK"), 1u);
  EXPECT_EQ(count("Catalog/GetManifest", "NOT_FOUND"), 1u);
  EXPECT_EQ(count("Catalog/GetManifest", "OK"), 0u);
}

}  // namespace
}  // namespace lakehouse::rpc
