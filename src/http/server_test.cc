#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <thread>

#include "auth/key.h"
#include "base/file.h"
#include "http/server_test_fixture.h"

namespace lakehouse::http {
namespace {

using std::chrono::milliseconds;
using testing::Answer;
using testing::Client;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Pattern;
using testing::Speech;

FileDescriptor MakeFile(const std::string& bytes) {
  FileDescriptor file(memfd_create("body", MFD_CLOEXEC));
  EXPECT_TRUE(WriteFully(file.get(), bytes));
  return file;
}

class ServerEachWayTest : public testing::EachWayTest {};
INSTANTIATE_TEST_SUITE_P(Each, ServerEachWayTest, ::testing::Values(Speech::kPlain, Speech::kTls), testing::SpeechName);

TEST_P(ServerEachWayTest, KeepsConnectionsAlive) {
  Start();
  Client client = Connect();
  for (int i = 0; i < 5; ++i) {
    for (const char* path : {"/hello", "/inline"}) {
      const Answer answer = client.Ask(Get(path));
      EXPECT_EQ(answer.status, 200);
      EXPECT_TRUE(answer.whole);
      EXPECT_THAT(answer.head, Not(HasSubstr("Connection:")));
      EXPECT_TRUE(Client::Header(answer.head, "Date"));
      EXPECT_EQ(Client::Header(answer.head, "Server"), "lakehouse");
    }
  }
  EXPECT_EQ(client.Ask(Get("/hello", "Connection: close\r\n")).status, 200);
  EXPECT_TRUE(client.IsClosed());
}

TEST_P(ServerEachWayTest, GoesOnAfterLongIdling) {
  Start();
  Client client = Connect();
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
  // Long enough for the handler thread to give the socket back to the loop.
  EXPECT_TRUE(client.Silent(milliseconds(50)));
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
}

TEST_P(ServerEachWayTest, AnswersPipelinedRequestsInOrder) {
  Start();
  Client client = Connect();
  std::string all;
  for (int i = 0; i < 50; ++i)
    all +=
        i % 3 == 0 ? Get("/inline", "X-Request-Id: " + std::to_string(i) + "\r\n") : Post("/echo", std::to_string(i));
  client.Send(all);
  for (int i = 0; i < 50; ++i) {
    const Answer answer = client.Receive();
    ASSERT_EQ(answer.status, 200) << i;
    EXPECT_EQ(answer.body, i % 3 == 0 ? std::to_string(i) + "||client" : std::to_string(i));
  }
}

TEST_P(ServerEachWayTest, TakesRequestsByteByByte) {
  Start();
  Client client = Connect();
  for (const char c : Post("/echo", "body")) client.Send(std::string_view(&c, 1));
  EXPECT_EQ(client.Receive().body, "body");
}

TEST_P(ServerEachWayTest, ReadsChunkedBodies) {
  Start();
  Client client = Connect();
  const std::string large = Pattern(300000);
  std::string bytes = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (size_t at = 0; at < large.size(); at += 70001) {
    const std::string chunk = large.substr(at, 70001);
    bytes += fmt::format("{:x}\r\n", chunk.size()) + chunk + "\r\n";
  }
  client.Send(bytes + "0\r\nX-Trailer: 1\r\n\r\n");
  EXPECT_EQ(client.Receive().body, large);
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
}

TEST_P(ServerEachWayTest, StreamsLargeBodiesBothWays) {
  Start();
  Client client = Connect();
  const std::string large = Pattern(20 << 20);
  std::jthread sender([&] { client.Send(Post("/echo", large)); });
  const Answer answer = client.Receive();
  EXPECT_TRUE(answer.whole);
  EXPECT_TRUE(answer.body == large);
}

TEST_P(ServerEachWayTest, AnswersHeadWithoutBody) {
  Start();
  Client client = Connect();
  const Answer answer = client.Ask("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Client::Header(answer.head, "Content-Length"), "5");
  EXPECT_EQ(client.Ask(Get("/hello")).body, "hello");
}

TEST_P(ServerEachWayTest, SpeaksHttp10) {
  Route("GET", "/stream", [](const RequestContext&, Request&, Response& response) -> Status {
    LH_TRY(response.Start(200, std::nullopt));
    for (int i = 0; i < 4; ++i) LH_TRY(response.Write(std::string(10000, 'x')));
    return response.Finish();
  });
  Start();
  Client client = Connect();
  EXPECT_THAT(client.Ask("GET /hello HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n").head,
              HasSubstr("Connection: keep-alive"));
  const Answer answer = client.Ask("GET /stream HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer.head, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_EQ(answer.body.size(), 40000u);
}

TEST_P(ServerEachWayTest, StreamsChunksAndMeasuresSmallAnswers) {
  Route("GET", "/small", [](const RequestContext&, Request&, Response& response) -> Status {
    LH_TRY(response.Start(200, std::nullopt));
    LH_TRY(response.Write("one "));
    LH_TRY(response.Write("two"));
    return response.Finish();
  });
  Route("GET", "/large", [](const RequestContext&, Request&, Response& response) -> Status {
    LH_TRY(response.Start(200, std::nullopt));
    for (int i = 0; i < 1000; ++i) LH_TRY(response.Write(Pattern(1000)));
    return response.Finish();
  });
  Start();
  Client client = Connect();
  const Answer small = client.Ask(Get("/small"));
  EXPECT_EQ(Client::Header(small.head, "Content-Length"), "7");
  EXPECT_EQ(small.body, "one two");
  const Answer large = client.Ask(Get("/large"));
  EXPECT_EQ(Client::Header(large.head, "Transfer-Encoding"), "chunked");
  EXPECT_TRUE(large.whole);
  EXPECT_EQ(large.body.size(), 1000000u);
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
}

TEST_P(ServerEachWayTest, SendsFiles) {
  const std::string large = Pattern(40 << 20);
  const FileDescriptor file = MakeFile(large);
  Route("GET", "/file/{from}/{size}", [&](const RequestContext&, Request& request, Response& response) -> Status {
    const uint64_t size = std::stoull(request.capture("size"));
    FileSource source(file.get(), std::stoull(request.capture("from")), size);
    LH_TRY(response.Start(200, size));
    LH_TRY(response.WriteFrom(source));
    return response.Finish();
  });
  Start();
  Client client = Connect();
  for (const auto& [from, size] :
       {std::pair<size_t, size_t>{0, large.size()}, {5, 100}, {7, 32 << 10}, {1, (32 << 10) + 1}, {0, 0}}) {
    const Answer answer = client.Ask(Get(fmt::format("/file/{}/{}", from, size)));
    EXPECT_TRUE(answer.whole);
    EXPECT_TRUE(answer.body == large.substr(from, size)) << from << " " << size;
  }
  // The file is shorter than announced: broken off, not padded and not ended well.
  const Answer broken = client.Ask(Get(fmt::format("/file/1/{}", large.size())));
  EXPECT_EQ(broken.status, 200);
  EXPECT_FALSE(broken.whole);
}

TEST_P(ServerEachWayTest, SendsContinueOnlyWhenTheBodyIsRead) {
  Start();
  Client client = Connect();
  client.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 100);
  EXPECT_EQ(client.Ask("body").body, "body");
  // Refused: the final answer comes instead, and the connection ends, since nobody knows if a body would follow.
  const Answer refused =
      client.Ask("PUT /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(client.IsClosed());
}

TEST_P(ServerEachWayTest, DoesNotSendContinueForABodyThatIsThere) {
  Start();
  Client client = Connect();
  EXPECT_EQ(client.Ask(Post("/echo", "body", "Expect: 100-continue\r\n")).status, 200);
}

TEST_P(ServerEachWayTest, RefusesAmbiguousFramingOnTheWire) {
  Start();
  for (const char* request :
       {"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /hello HTTP/1.1\nHost: localhost\n\n", "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"}) {
    Client client = Connect();
    const Answer answer = client.Ask(request);
    EXPECT_EQ(answer.status, 400) << request;
    EXPECT_EQ(Client::Header(answer.head, "Content-Type"), "application/problem+json");
    EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
    client.EndSending();
    EXPECT_TRUE(client.IsClosed()) << request;
  }
}

TEST_P(ServerEachWayTest, TruncatedBodyIsNoBody) {
  Start();
  Client client = Connect();
  client.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
  client.EndSending();
  const Answer answer = client.Receive();
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("ends before"));
}

TEST_P(ServerEachWayTest, ErrorsBecomeProblems) {
  Route("GET", "/busy", [](const RequestContext&, Request&, Response&) -> Status {
    return Fail(Error{ErrorKind::kUnavailable, "all \"slots\" taken", std::chrono::seconds(5), {{"slots", "4"}}});
  });
  Route("GET", "/throws",
        [](const RequestContext&, Request&, Response&) -> Status { throw std::runtime_error("secret"); });
  Route("GET", "/silent", [](const RequestContext&, Request&, Response&) -> Status { return {}; });
  Route("GET", "/unfinished", [](const RequestContext&, Request&, Response& response) -> Status {
    LH_TRY(response.Start(200, std::nullopt));
    return response.Write("x");
  });
  Start();
  Client client = Connect();
  const Answer busy = client.Ask(Get("/busy?x=1", "X-Request-Id: my-id\r\n"));
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(Client::Header(busy.head, "Retry-After"), "5");
  EXPECT_EQ(busy.body,
            "{\"type\":\"urn:lakehouse:problem:unavailable\",\"title\":\"Service Unavailable\",\"status\":503,"
            "\"detail\":\"all \\\"slots\\\" taken\",\"instance\":\"/busy\",\"request_id\":\"my-id\",\"slots\":\"4\"}");
  for (const char* path : {"/throws", "/silent", "/unfinished"}) {
    const Answer answer = client.Ask(Get(path));
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
  }
}

TEST_P(ServerEachWayTest, ErrorAfterTheFirstByteBreaksTheConnection) {
  for (const bool with_length : {false, true}) {
    Route("GET", with_length ? "/length" : "/chunked",
          [with_length](const RequestContext&, Request&, Response& response) -> Status {
            LH_TRY(response.Start(200, with_length ? std::optional<uint64_t>(100000) : std::nullopt));
            LH_TRY(response.Write(std::string(50000, 'x')));
            return Fail(ErrorKind::kInternal, "late");
          });
  }
  Start();
  for (const char* path : {"/length", "/chunked"}) {
    Client client = Connect();
    const Answer answer = client.Ask(Get(path));
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_FALSE(answer.whole) << path;
  }
}

TEST_P(ServerEachWayTest, ErrorWithNothingOnTheWireIsStillAProblem) {
  Route("GET", "/late", [](const RequestContext&, Request&, Response& response) -> Status {
    response.SetHeader("Content-Type", "text/csv");
    LH_TRY(response.Start(200, std::nullopt));
    LH_TRY(response.Write("a,b\n"));
    return Fail(ErrorKind::kInvalid, "late");
  });
  Start();
  const Answer answer = Connect().Ask(Get("/late"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.head, Not(HasSubstr("text/csv")));
}

TEST_P(ServerEachWayTest, LetsInWhoMayAsk) {
  const auth::Access access({.fixed_keys = {"key"}}, SystemClock());
  options_.access = &access;
  options_.role_token = "token";
  router_.Add(
      {.method = "GET",
       .pattern = "/health",
       .handler = [](const RequestContext&, Request&, Response& response) { return response.Send(200, "", ""); },
       .summary = "",
       .dispatch = Dispatch::kInline,
       .scope = kOpen});
  Start();
  Client client = Connect();
  EXPECT_EQ(client.Ask(Get("/health")).status, 200);
  const Answer refused = client.Ask(Get("/inline"));
  EXPECT_EQ(refused.status, 401);
  EXPECT_TRUE(Client::Header(refused.head, "WWW-Authenticate"));
  EXPECT_EQ(client.Ask(Get("/nowhere")).status, 401);
  EXPECT_EQ(client.Ask(Get("/nowhere", "Authorization: Bearer key\r\n")).status, 404);
  EXPECT_EQ(client.Ask(Get("/inline", "Authorization: Bearer key\r\nX-Request-Id: x\r\n")).body, "x||client");
  EXPECT_EQ(client.Ask(Get("/inline", "X-Lakehouse-Role-Token: token\r\nX-Request-Id: x\r\n")).body, "x||internal");
  EXPECT_EQ(client.Ask("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 403);
  EXPECT_EQ(client.Ask(Get("/health", "Origin: http://evil.example\r\n")).status, 403);
  server_.reset();
}

TEST_P(ServerEachWayTest, KeysHaveScopesAndLimits) {
  auth::Access access({}, SystemClock());
  auth::NewKey key = *auth::MakeKey();
  key.known.name = "reader";
  key.known.limits.concurrent_calls = 1;
  access.SetKeys({key.known});
  options_.access = &access;
  const auto who = [](const RequestContext&, Request& request, Response& response) {
    return response.Send(200, "text/plain", request.caller().name);
  };
  router_.Add({.method = "GET", .pattern = "/read", .handler = who, .summary = "", .scope = auth::Scope::kRead});
  router_.Add({.method = "PUT", .pattern = "/write", .handler = who, .summary = "", .scope = auth::Scope::kWrite});
  std::atomic<bool> entered{false};
  std::atomic<bool> leave{false};
  router_.Add({.method = "GET",
               .pattern = "/slow",
               .handler =
                   [&](const RequestContext&, Request&, Response& response) {
                     entered = true;
                     (void)Eventually([&] { return leave.load(); });
                     return response.Send(200, "", "");
                   },
               .summary = "",
               .scope = auth::Scope::kRead});
  Start();
  const std::string bearer = "Authorization: Bearer " + key.text + "\r\n";
  EXPECT_EQ(Connect().Ask(Get("/read", bearer)).body, "reader");
  const Answer forbidden = Connect().Ask("PUT /write HTTP/1.1\r\nHost: localhost\r\n" + bearer + "\r\n");
  EXPECT_EQ(forbidden.status, 403);
  EXPECT_THAT(forbidden.body, HasSubstr("scope write"));
  // A route that says nothing is for administrators.
  EXPECT_EQ(Connect().Ask(Get("/hello", bearer)).status, 403);
  std::jthread slow([&] { EXPECT_EQ(Connect().Ask(Get("/slow", bearer)).status, 200); });
  ASSERT_TRUE(Eventually([&] { return entered.load(); }));
  const Answer busy = Connect().Ask(Get("/read", bearer));
  EXPECT_EQ(busy.status, 429);
  EXPECT_EQ(Client::Header(busy.head, "Retry-After"), "1");
  leave = true;
  slow.join();
  EXPECT_TRUE(Eventually([&] { return Connect().Ask(Get("/read", bearer)).status == 200; }));
  server_.reset();
}

TEST_P(ServerEachWayTest, IdsComeInAndGoOut) {
  Start();
  Client client = Connect();
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const Answer given = client.Ask(Get("/inline", "X-Request-Id: my-id\r\nTraceparent: " + trace + "\r\n"));
  EXPECT_EQ(Client::Header(given.head, "X-Request-Id"), "my-id");
  EXPECT_EQ(given.body, "my-id|" + trace + "|client");
  const Answer made = client.Ask(Get("/inline", "X-Request-Id: no good\r\ntraceparent: nonsense\r\n"));
  const auto id = Client::Header(made.head, "X-Request-Id");
  ASSERT_TRUE(id);
  EXPECT_NE(*id, "no good");
  EXPECT_EQ(made.body, *id + "||client");
}

TEST_P(ServerEachWayTest, CountsRequestsByRoute) {
  Route("GET", "/things/{name}",
        [](const RequestContext&, Request&, Response& response) { return response.Send(200, "", ""); });
  Start();
  Client client = Connect();
  for (const char* target : {"/things/a", "/things/b?x=1", "/nowhere"}) client.Ask(Get(target));
  client.Ask(Get("/hello"));  // so that the requests before have been counted
  const std::string text = metrics_.Render();
  EXPECT_THAT(text, HasSubstr("lakehouse_http_requests_total{method=\"GET\",route=\"/things/"
                              "{name}\",service=\"gateway\",status=\"2xx\"} 2\n"));
  EXPECT_THAT(
      text, HasSubstr("lakehouse_http_requests_total{method=\"\",route=\"\",service=\"gateway\",status=\"4xx\"} 1\n"));
}

TEST_P(ServerEachWayTest, QueryIsDecodedAndDuplicatesAreRefused) {
  Route("GET", "/q", [](const RequestContext&, Request& request, Response& response) -> Status {
    LH_TRY(request.OnlyQuery({"a", "b"}));
    return response.Send(200, "", *request.query("a"));
  });
  Start();
  Client client = Connect();
  EXPECT_EQ(client.Ask(Get("/q?a=x%20y+z%2B&b")).body, "x y z+");
  EXPECT_EQ(client.Ask(Get("/q?a=1&a=2")).status, 400);
  EXPECT_EQ(client.Ask(Get("/q?a=%zz")).status, 400);
  EXPECT_THAT(client.Ask(Get("/q?a=1&other=2")).body, HasSubstr("'other'"));
}

TEST_P(ServerEachWayTest, NotFoundAndMethodNotAllowed) {
  Start();
  Client client = Connect();
  EXPECT_EQ(client.Ask(Get("/nowhere")).status, 404);
  const Answer answer = client.Ask(Post("/hello", "body"));
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(Client::Header(answer.head, "Allow"), "GET, HEAD");
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
}

}  // namespace
}  // namespace lakehouse::http
