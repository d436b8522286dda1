// What the server does to those that are slow, late, too many or gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "http/server_test_fixture.h"

namespace lakehouse::http {
namespace {

using std::chrono::milliseconds;
using testing::Answer;
using testing::Client;
using testing::Echo;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::Pattern;
using testing::Speech;

class ServerLimitsTest : public testing::EachWayTest {};
INSTANTIATE_TEST_SUITE_P(Each, ServerLimitsTest, ::testing::Values(Speech::kPlain, Speech::kTls), testing::SpeechName);

TEST_P(ServerLimitsTest, DrainsSmallUnreadBodies) {
  Start();
  Client client = Connect();
  const std::string request =
      "PUT /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'x');
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Ask(request).status, 413);
}

TEST_P(ServerLimitsTest, LargeUnreadBodyGetsItsAnswerAndThenTheEnd) {
  Start();
  Client client = Connect();
  client.Send("PUT /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n");
  // The client goes on sending all of it before it looks: the answer must survive that.
  client.Send(Pattern(100000000));
  const Answer answer = client.Receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("too large"));
  client.EndSending();
  EXPECT_TRUE(client.IsClosed());
}

TEST_P(ServerLimitsTest, RefusesLargeHeads) {
  options_.max_header_bytes = 20000;
  Start();
  Client client = Connect();
  EXPECT_EQ(client.Ask(Get("/hello", "X: " + std::string(19000, 'a') + "\r\n")).status, 200);
  EXPECT_EQ(client.Ask(Get("/hello", "X: " + std::string(20000, 'a') + "\r\n")).status, 431);
  Client endless = Connect();
  EXPECT_EQ(endless.Ask("GET /hello HTTP/1.1\r\nX: " + std::string(30000, 'a')).status, 431);
}

TEST_P(ServerLimitsTest, TimesOutSlowHeads) {
  options_.header_timeout = milliseconds(100);
  Start();
  Client client = Connect();
  client.Send("GET /hello HTT");
  const Answer answer = client.Receive();
  EXPECT_EQ(answer.status, 408);
  client.EndSending();
  EXPECT_TRUE(client.IsClosed());
}

TEST_P(ServerLimitsTest, TimesOutSlowBodies) {
  options_.body_timeout = milliseconds(100);
  Start();
  Client client = Connect();
  client.Send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(client.Receive().status, 408);
}

TEST_P(ServerLimitsTest, TimesOutIdleConnections) {
  options_.idle_timeout = milliseconds(100);
  Start();
  Client client = Connect();
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
  EXPECT_TRUE(client.IsClosed());
  Client silent = Connect();
  EXPECT_TRUE(silent.IsClosed());
}

TEST_P(ServerLimitsTest, TimesOutClientsThatDoNotRead) {
  options_.body_timeout = milliseconds(200);
  std::latch ended(1);
  Route("GET", "/endless", [&](const RequestContext&, Request&, Response& response) -> Status {
    LH_TRY(response.Start(200, std::nullopt));
    const std::string piece(1 << 20, 'x');
    Status written;
    while (written) written = response.Write(piece);
    ended.count_down();
    return written;
  });
  Start();
  Client client = Connect();
  client.Send(Get("/endless"));
  ended.wait();
  EXPECT_FALSE(client.Receive().whole);
}

TEST_P(ServerLimitsTest, RouteDeadlineBoundsTheBody) {
  Route("POST", "/quick", Echo, milliseconds(100));
  Start();
  Client client = Connect();
  client.Send("POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(client.Receive().status, 408);
}

TEST_P(ServerLimitsTest, StopsTheHandlerOfAClientThatLeft) {
  std::latch begun(1);
  std::atomic<bool> stopped{false};
  Route("POST", "/long", [&](const RequestContext& context, Request& request, Response&) -> Status {
    LH_TRY(ReadAll(request.body(), 100));
    begun.count_down();
    if (Eventually([&] { return context.cancelled.stop_requested(); })) stopped = true;
    return context.Check("test");
  });
  Start();
  Client client = Connect();
  client.Send(Post("/long", "x"));
  begun.wait();
  EXPECT_FALSE(stopped);
  client.Hang();
  EXPECT_TRUE(Eventually([&] { return stopped.load(); }));
  EXPECT_TRUE(Eventually([&] { return Figure("lakehouse_http_connections") == 0; }));
}

TEST_P(ServerLimitsTest, RefusesPastItsLimitOfRequests) {
  options_.max_handlers = 2;
  std::latch release(1);
  std::atomic<int> running{0};
  Route("GET", "/wait", [&](const RequestContext&, Request&, Response& response) {
    ++running;
    release.wait();
    return response.Send(200, "", "");
  });
  Start();
  std::vector<Client> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(Connect());
    clients.back().Send(Get("/wait"));
  }
  EXPECT_TRUE(Eventually([&] { return running == 2; }));
  Client third = Connect();
  Client kept = Connect();
  EXPECT_EQ(kept.Ask(Get("/inline")).status, 200);
  const Answer refused = third.Ask(Get("/hello"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(Client::Header(refused.head, "Retry-After"));
  EXPECT_EQ(kept.Ask(Get("/inline")).status, 200);
  Client fourth = Connect();
  EXPECT_EQ(fourth.Ask(Post("/echo", std::string(1000000, 'x'))).status, 503);
  release.count_down();
  for (Client& client : clients) EXPECT_EQ(client.Receive().status, 200);
  EXPECT_TRUE(Eventually([&] { return Connect().Ask(Get("/hello")).status == 200; }));
}

TEST_P(ServerLimitsTest, RefusesPastItsLimitOfConnections) {
  options_.max_connections = 1;
  std::latch begun(1);
  std::latch release(1);
  Route("GET", "/wait", [&](const RequestContext&, Request&, Response& response) {
    begun.count_down();
    release.wait();
    return response.Send(200, "", "");
  });
  Start();
  Client first = Connect();
  first.Send(Get("/wait"));
  begun.wait();
  // Over TLS there is no time for a handshake: the connection ends.
  EXPECT_EQ(Connect().Ask(Get("/hello")).status, GetParam() == Speech::kPlain ? 503 : 0);
  release.count_down();
  EXPECT_EQ(first.Receive().status, 200);
}

TEST_P(ServerLimitsTest, IdleConnectionsMakeRoom) {
  options_.max_connections = 2;
  options_.io_threads = 1;
  Start();
  Client oldest = Connect();
  EXPECT_EQ(oldest.Ask(Get("/inline")).status, 200);
  Client middle = Connect();
  EXPECT_EQ(middle.Ask(Get("/inline")).status, 200);
  Client newest = Connect();
  EXPECT_EQ(newest.Ask(Get("/inline")).status, 200);
  EXPECT_TRUE(oldest.IsClosed());
  EXPECT_EQ(middle.Ask(Get("/inline")).status, 200);
}

TEST_P(ServerLimitsTest, InlineAnswerToASlowReaderBlocksNobody) {
  options_.io_threads = 1;
  const std::string large = Pattern(30 << 20);
  router_.Add({"GET", "/large",
               [&](const RequestContext&, Request&, Response& response) { return response.Send(200, "", large); }, "",
               milliseconds(60000), Dispatch::kInline});
  Start();
  Client slow = Connect();
  slow.Send(Get("/large") + Get("/inline", "X-Request-Id: x\r\n"));
  EXPECT_EQ(Connect().Ask(Get("/inline")).status, 200);
  const Answer answer = slow.Receive();
  EXPECT_TRUE(answer.whole);
  EXPECT_TRUE(answer.body == large);
  EXPECT_EQ(slow.Receive().body, "x||client");
}

TEST_P(ServerLimitsTest, ManyClientsAtOnce) {
  Start();
  std::vector<std::jthread> threads;
  threads.reserve(8);
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Client client = Connect();
      for (int i = 0; i < 100; ++i) {
        const std::string body = fmt::format("{} {}", t, i);
        if (client.Ask(i % 2 == 0 ? Post("/echo", body) : Get("/inline", "X-Request-Id: x\r\n")).body ==
            (i % 2 == 0 ? body : "x||client"))
          ++good;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, 800);
}

TEST_P(ServerLimitsTest, StopFinishesWhatIsInFlight) {
  std::latch begun(1);
  std::latch release(1);
  Route("GET", "/wait", [&](const RequestContext&, Request&, Response& response) {
    begun.count_down();
    release.wait();
    return response.Send(200, "", "done");
  });
  Start();
  Client idle = Connect();
  EXPECT_EQ(idle.Ask(Get("/hello")).status, 200);
  Client client = Connect();
  client.Send(Get("/wait"));
  begun.wait();
  std::jthread stopper([&] { server_->Stop(Deadline::After(testing::kPatience)); });
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_FALSE(Connect().connected()) << "nobody new is let in while it drains";
  release.count_down();
  const Answer answer = client.Receive();
  EXPECT_EQ(answer.body, "done");
  EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(client.IsClosed());
  stopper.join();
  EXPECT_FALSE(Connect().connected());
}

TEST_P(ServerLimitsTest, StopBreaksOffWhatIsLate) {
  std::latch begun(2);
  Route("GET", "/wait", [&](const RequestContext& context, Request&, Response&) -> Status {
    begun.count_down();
    Eventually([&] { return context.cancelled.stop_requested(); });
    return context.Check("wait");
  });
  Route("POST", "/read", [&](const RequestContext&, Request& request, Response&) -> Status {
    begun.count_down();
    LH_TRY(ReadAll(request.body(), 1000));
    return {};
  });
  Start();
  Client waiting = Connect();
  waiting.Send(Get("/wait"));
  Client reading = Connect();
  reading.Send("POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n");
  begun.wait();
  server_->Stop(Deadline::After(milliseconds(50)));
  EXPECT_EQ(waiting.Receive().status, 0);
}

TEST(ServerBind, SaysWhyNot) {
  observe::Metrics metrics;
  const auto first = Server::Bind({.service = "storaged"}, Logger::Silent(), metrics);
  ASSERT_TRUE(first);
  const auto second = Server::Bind({.bind = (*first)->address(), .service = "gateway"}, Logger::Silent(), metrics);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(second.error().detail,
              HasSubstr("gateway cannot listen on " + (*first)->address() + ": the port is in use"));
  for (const char* bind : {"nonsense", "127.0.0.1:", "127.0.0.1:99999", ":80", "127.0.0.1:8x", "192.0.2.1:0"}) {
    EXPECT_FALSE(Server::Bind({.bind = bind}, Logger::Silent(), metrics)) << bind;
  }
  const auto v6 = Server::Bind({.bind = "[::1]:0"}, Logger::Silent(), metrics);
  if (v6) {
    EXPECT_THAT((*v6)->address(), ::testing::StartsWith("[::1]:"));
  }
}

}  // namespace
}  // namespace lakehouse::http
