#include "http/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "http/server_test_fixture.h"

namespace lakehouse::http {
namespace {

using std::chrono::milliseconds;
using testing::Answer;
using testing::Client;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Speech;

Route Of(std::string method, std::string pattern, Handler handler, milliseconds deadline = milliseconds(20000)) {
  return {std::move(method), std::move(pattern), std::move(handler), "", deadline, Dispatch::kHandlerThread};
}

// Answers each connection once with fixed bytes, then closes it: an upstream as bad as a test wants it.
class BadUpstream {
 public:
  explicit BadUpstream(std::string answer) : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    listen(listener_.get(), 10);
    socklen_t size = sizeof at;
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::jthread([this] { Run(); });
  }
  ~BadUpstream() { shutdown(listener_.get(), SHUT_RDWR); }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  int connections() const { return connections_; }

 private:
  void Run() {
    for (;;) {
      const FileDescriptor client(accept(listener_.get(), nullptr, nullptr));
      if (!client.valid()) return;
      ++connections_;
      char bytes[65536];
      if (recv(client.get(), bytes, sizeof bytes, 0) <= 0) continue;
      send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }
  const std::string answer_;
  FileDescriptor listener_;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::jthread thread_;
};

// The upstream asked in plain text and over TLS: it must not matter to the client.
class ProxyTest : public ::testing::TestWithParam<Speech> {
 protected:
  ProxyTest() {
    if (GetParam() == Speech::kTls) {
      files_.Write(net::testing::MakeCertificate("upstream"));
      scheme_ = "https://";
    }
    upstream_routes_.Add(
        Of("POST", "/api/echo", [](const RequestContext&, Request& request, Response& response) -> Status {
          LH_ASSIGN(const std::string body, ReadAll(request.body(), 64 << 20));
          response.SetHeader("X-Length", request.content_length() ? "known" : "chunked");
          return response.Send(201, "text/plain", body);
        }));
    upstream_routes_.Add(Of("GET", "/api/seen/{rest...}",
                            [](const RequestContext& context, Request& request, Response& response) -> Status {
                              std::string seen =
                                  std::string(request.target()) + "\n" + (context.internal ? "internal\n" : "client\n");
                              for (const auto& [name, value] : request.headers())
                                seen.append(name).append(": ").append(value).append("\n");
                              response.SetHeader("ETag", "\"e\"");
                              return response.Send(200, "text/plain", seen);
                            }));
    upstream_routes_.Add(Of("GET", "/api/stream", [](const RequestContext&, Request&, Response& response) -> Status {
      LH_TRY(response.Start(200, std::nullopt));
      for (int i = 0; i < 3000; ++i) LH_TRY(response.Write(std::string(1000, static_cast<char>('a' + i % 26))));
      return response.Finish();
    }));
    upstream_routes_.Add(Of("GET", "/api/breaks", [](const RequestContext&, Request&, Response& response) -> Status {
      LH_TRY(response.Start(200, 1000000));
      LH_TRY(response.Write(std::string(100000, 'x')));
      return Fail(ErrorKind::kInternal, "late");
    }));
    upstream_routes_.Add(Of("PUT", "/api/refuse", [](const RequestContext&, Request&, Response&) -> Status {
      return Fail(ErrorKind::kTooLarge, "too large");
    }));
  }

  std::unique_ptr<Server> MakeServer(const Router& router, ServerOptions options) {
    options.body_timeout = milliseconds(3000);
    auto server = Server::Bind(std::move(options), Logger::Silent(), metrics_);
    EXPECT_TRUE(server);
    (*server)->Start(router);
    return std::move(*server);
  }
  void StartUpstream(ServerOptions options = {}) {
    if (GetParam() == Speech::kTls)
      options.tls = *net::TlsFiles::Load(files_.cert(), files_.key(), Logger::Silent(), SystemClock());
    upstream_ = MakeServer(upstream_routes_, std::move(options));
  }
  void StartGateway(const std::string& url, milliseconds deadline = milliseconds(20000)) {
    const auto parsed = ParseUpstreamUrl("[gateway] test_url", url);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    Router routes;
    const auto voucher = std::make_shared<const auth::Voucher>("secret", SystemClock());
    routes.AddPrefix("/v1", Of("", "", MakeProxy(*parsed, {.ca_file = files_.cert(), .voucher = voucher}), deadline));
    gateway_ = MakeServer(routes, {.service = "edge", .role_token = "secret", .strip_role_token = true});
  }
  void StartBoth() {
    StartUpstream({.role_token = "secret"});
    StartGateway(scheme_ + upstream_->address() + "/api/");
  }
  Client Connect() { return Client(gateway_->address()); }
  static std::string Get(const std::string& target, const std::string& more = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
  }

  net::testing::CertificateFiles files_;
  std::string scheme_ = "http://";
  observe::Metrics metrics_;
  Router upstream_routes_;
  std::unique_ptr<Server> upstream_;
  std::unique_ptr<Server> gateway_;
};

INSTANTIATE_TEST_SUITE_P(Each, ProxyTest, ::testing::Values(Speech::kPlain, Speech::kTls), testing::SpeechName);

TEST_P(ProxyTest, PassesRequestsAndAnswersOn) {
  StartBoth();
  Client client = Connect();
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const Answer answer =
      client.Ask(Get("/v1/seen/a%2Fb/..//c?x=1&x=2",
                     "X-Request-Id: my-id\r\ntraceparent: " + trace +
                         "\r\nRange: bytes=0-1\r\nConnection: X-Mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: "
                         "trailers\r\nOrigin: http://localhost\r\nX-Lakehouse-Role-Token: secret\r\nX-Forwarded-For: "
                         "9.9.9.9\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_EQ(answer.status, 400);  // the same parameter twice, judged by the upstream
  const Answer seen =
      client.Ask(Get("/v1/seen/a%2Fb/..//c?x=1",
                     "X-Request-Id: my-id\r\ntraceparent: " + trace +
                         "\r\nRange: bytes=0-1\r\nConnection: X-Mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: "
                         "trailers\r\nOrigin: http://localhost\r\nX-Lakehouse-Role-Token: secret\r\nX-Forwarded-For: "
                         "9.9.9.9\r\nX-Forwarded-Proto: https\r\n"));
  ASSERT_EQ(seen.status, 200) << seen.body;
  EXPECT_THAT(seen.body, ::testing::StartsWith("/api/seen/a%2Fb/..//c?x=1\nclient\n"));
  EXPECT_THAT(seen.body, HasSubstr("Host: " + upstream_->address() + "\n"));
  EXPECT_THAT(seen.body, HasSubstr("X-Request-Id: my-id\n"));
  EXPECT_THAT(seen.body, HasSubstr("traceparent: " + trace + "\n"));
  EXPECT_THAT(seen.body, HasSubstr("Range: bytes=0-1\n"));
  EXPECT_THAT(seen.body, HasSubstr("X-Forwarded-For: 9.9.9.9, 127.0.0.1\n"));
  EXPECT_THAT(seen.body, HasSubstr("X-Forwarded-Host: localhost\n"));
  EXPECT_THAT(seen.body, HasSubstr("X-Forwarded-Proto: http\n"));
  for (const char* gone : {"X-Mine", "Keep-Alive", "TE:", "Origin", "Role-Token", "https", "Lakehouse-Caller"})
    EXPECT_THAT(seen.body, Not(HasSubstr(gone)));
  EXPECT_EQ(Client::Header(seen.head, "ETag"), "\"e\"");
  EXPECT_EQ(Client::Header(seen.head, "X-Request-Id"), "my-id");
  EXPECT_EQ(seen.head.find("X-Request-Id"), seen.head.rfind("X-Request-Id"));
  EXPECT_EQ(seen.head.find("Date:"), seen.head.rfind("Date:"));
}

TEST_P(ProxyTest, KeepsBothConnections) {
  StartBoth();
  Client client = Connect();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(client.Ask(Get("/v1/seen/x")).status, 200);
  EXPECT_EQ(metrics_.GaugeOf("lakehouse_http_connections", "", {{"service", "gateway"}}).value(), 1);
  const Answer head = client.Ask("HEAD /v1/seen/x HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(Client::Header(head.head, "Content-Length"));
  EXPECT_EQ(client.Ask(Get("/v1/seen/x")).status, 200);
}

TEST_P(ProxyTest, StreamsBodiesBothWaysInTheirFraming) {
  StartBoth();
  Client client = Connect();
  const std::string large(10 << 20, 'b');
  std::jthread sender([&] {
    client.Send("POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(large.size()) +
                "\r\n\r\n" + large);
  });
  const Answer answer = client.Receive();
  sender.join();
  EXPECT_EQ(answer.status, 201);
  EXPECT_TRUE(answer.body == large);
  EXPECT_EQ(Client::Header(answer.head, "X-Length"), "known");
  const Answer chunked = client.Ask(
      "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.body, "abcde");
  EXPECT_EQ(Client::Header(chunked.head, "X-Length"), "chunked");
  const Answer stream = client.Ask(Get("/v1/stream"));
  EXPECT_TRUE(stream.whole);
  EXPECT_EQ(stream.body.size(), 3000000u);
  EXPECT_EQ(client.Ask(Get("/v1/seen/x")).status, 200);
}

TEST_P(ProxyTest, ErrorsNameThePathThatTheClientAskedFor) {
  StartBoth();
  Client client = Connect();
  EXPECT_THAT(client.Ask(Get("/v1/nowhere?x", "X-Forwarded-Prefix: /fake\r\n")).body,
              HasSubstr("\"instance\":\"/v1/api/nowhere\""));
  EXPECT_THAT(client.Ask(Get("/elsewhere", "X-Forwarded-Prefix: /fake\r\n")).body,
              HasSubstr("\"instance\":\"/elsewhere\""));
}

TEST_P(ProxyTest, ContinueIsTheUpstreamsToGive) {
  StartBoth();
  Client client = Connect();
  client.Send("POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 100);
  EXPECT_EQ(client.Ask("body").body, "body");
  EXPECT_EQ(
      client.Ask("PUT /v1/refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
          .status,
      413);
}

TEST_P(ProxyTest, EarlyRefusalOfALargeBodyArrives) {
  StartBoth();
  Client client = Connect();
  client.Send("PUT /v1/refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n");
  client.Send(testing::Pattern(50000000));
  EXPECT_EQ(client.Receive().status, 413);
}

TEST_P(ProxyTest, BreakInTheMiddleBreaksTheClient) {
  StartBoth();
  const Answer answer = Connect().Ask(Get("/v1/breaks"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.whole);
}

TEST_P(ProxyTest, UnreachableUpstreamIs503) {
  StartUpstream();
  const std::string address = upstream_->address();
  upstream_.reset();
  StartGateway("http://" + address);
  const Answer answer = Connect().Ask(Get("/v1/x"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(Client::Header(answer.head, "Retry-After"));
  EXPECT_THAT(answer.body, HasSubstr("cannot be reached"));
}

TEST_P(ProxyTest, NonsenseFromTheUpstreamIs502) {
  for (const char* nonsense :
       {"", "garbage", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\nX: 1\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"}) {
    const BadUpstream bad(nonsense);
    StartGateway(bad.url());
    const Answer answer = Connect().Ask(Get("/v1/x"));
    EXPECT_EQ(answer.status, 502) << nonsense;
    EXPECT_EQ(Client::Header(answer.head, "Content-Type"), "application/problem+json");
  }
}

TEST_P(ProxyTest, AnAnswerThatEndsEarlyNeverLooksWhole) {
  const BadUpstream bad("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
  StartGateway(bad.url());
  // Whichever comes first: the end of the upstream's answer, or the client's share of it.
  const Answer answer = Connect().Ask(Get("/v1/x"));
  EXPECT_TRUE(answer.status == 502 || !answer.whole) << answer.head;
}

TEST_P(ProxyTest, AnswerWithoutLengthEndsWithItsConnection) {
  const BadUpstream old("HTTP/1.0 200 OK\r\n\r\nto the end");
  StartGateway(old.url());
  Client client = Connect();
  EXPECT_EQ(client.Ask(Get("/v1/x")).body, "to the end");
  EXPECT_EQ(client.Ask(Get("/v1/x")).body, "to the end");
}

TEST_P(ProxyTest, KeptConnectionThatDiedIsReplaced) {
  // Says it keeps the connection, and does not.
  const BadUpstream liar("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  StartGateway(liar.url());
  Client client = Connect();
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(client.Ask(Get("/v1/x")).body, "ok");
  EXPECT_EQ(liar.connections(), 5);
}

TEST_P(ProxyTest, SlowUpstreamIs504) {
  upstream_routes_.Add(Of("GET", "/api/slow", [](const RequestContext& context, Request&, Response&) -> Status {
    Eventually([&] { return context.cancelled.stop_requested(); });
    return context.Check("slow");
  }));
  StartUpstream();
  StartGateway(scheme_ + upstream_->address() + "/api", milliseconds(200));
  const Answer answer = Connect().Ask(Get("/v1/slow"));
  EXPECT_EQ(answer.status, 504);
}

TEST_P(ProxyTest, ClientThatLeavesCancelsTheUpstream) {
  std::latch begun(1);
  std::atomic<bool> stopped{false};
  upstream_routes_.Add(Of("GET", "/api/long", [&](const RequestContext& context, Request&, Response&) -> Status {
    begun.count_down();
    stopped = Eventually([&] { return context.cancelled.stop_requested(); });
    return context.Check("long");
  }));
  StartBoth();
  Client client = Connect();
  client.Send(Get("/v1/long"));
  begun.wait();
  client.Hang();
  EXPECT_TRUE(Eventually([&] { return stopped.load(); }));
}

TEST_P(ProxyTest, AnUpstreamThatIsNotTrustedIs502) {
  StartUpstream({.role_token = "secret"});
  files_.Write(net::testing::MakeCertificate("another"));
  StartGateway(scheme_ + upstream_->address() + "/api/");
  const Answer answer = Connect().Ask(Get("/v1/seen/x"));
  EXPECT_EQ(answer.status, GetParam() == Speech::kPlain ? 200 : 502);
  if (GetParam() == Speech::kTls) {
    EXPECT_THAT(answer.body, HasSubstr("is its certificate trusted here?"));
  }
}

TEST(UpstreamUrl, IsCheckedWithItsFieldsName) {
  const auto error = [](std::string_view url) {
    const auto parsed = ParseUpstreamUrl("[gateway] storaged_url", url);
    return parsed ? std::string() : parsed.error().detail;
  };
  EXPECT_EQ(error("127.0.0.1:3211"), "[gateway] storaged_url: no scheme in '127.0.0.1:3211'");
  EXPECT_EQ(error(""), "[gateway] storaged_url: no scheme in ''");
  EXPECT_EQ(error("ftp://host"), "[gateway] storaged_url: the scheme 'ftp' is neither http nor https in 'ftp://host'");
  EXPECT_EQ(error("http://"), "[gateway] storaged_url: no host in 'http://'");
  EXPECT_EQ(error("http:///x"), "[gateway] storaged_url: no host in 'http:///x'");
  EXPECT_EQ(error("http://:80"), "[gateway] storaged_url: no host in 'http://:80'");
  for (const char* bad : {"http://host:0", "http://host:70000", "http://host:", "http://host:8x", "http://ho st",
                          "http://host?x", "http://host/a b", "http://host/#f", "http://[::1", "http://ho\r\nst"}) {
    EXPECT_NE(error(bad), "") << bad;
  }
  EXPECT_THAT(error("http://user:password@host"), Not(HasSubstr("password@")));
  const auto full = ParseUpstreamUrl("f", "HTTP://[::1]:3211/api//");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 3211);
  EXPECT_EQ(full->authority, "[::1]:3211");
  EXPECT_EQ(full->path, "/api");
  const auto tls = ParseUpstreamUrl("f", "https://host");
  ASSERT_TRUE(tls);
  EXPECT_EQ(tls->port, 443);
  EXPECT_TRUE(tls->tls);
}

}  // namespace
}  // namespace lakehouse::http
