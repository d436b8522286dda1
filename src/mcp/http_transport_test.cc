// The transport on a real server, with the suite's fixtures as tools.
#include "mcp/http_transport.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "http/server_test_client.h"

namespace lakehouse::mcp {
namespace {

using http::testing::Answer;
using http::testing::Client;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kInitialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"sampling":{}}}})";

class HttpTransportTest : public testing::Test {
 protected:
  void SetUp() override {
    transport_.AddRoutes(router_);
    auto server = http::Server::Bind({}, Logger::Silent(), metrics_);
    ASSERT_TRUE(server) << server.error().detail;
    server_ = std::move(*server);
    server_->Start(router_);
    const Answer hello = Post(kInitialize);
    ASSERT_EQ(hello.status, 200) << hello.body;
    session_ = "Mcp-Session-Id: " + Client::Header(hello.head, "Mcp-Session-Id").value_or("") + "\r\n";
  }
  void TearDown() override {
    transport_.Stop();
    server_->Stop(Deadline::After(std::chrono::seconds(5)));
  }

  static std::string Request(std::string_view method, std::string_view body, std::string_view more) {
    return fmt::format(
        "{} /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n"
        "Content-Length: {}\r\n{}\r\n{}",
        method, body.size(), more, body);
  }
  Answer Post(std::string_view body, std::string_view more = "") {
    return Client(server_->address()).Ask(Request("POST", body, more));
  }
  static std::string Call(int id, std::string_view tool, std::string_view meta = "{}") {
    return fmt::format(
        R"({{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{{"name":"{}","arguments":{{"prompt":"p"}},"_meta":{}}}}})",
        id, tool, meta);
  }

  Options options_{.allow_writes = false, .conformance = true};
  observe::Metrics metrics_;
  HttpTransport transport_{{}, options_, SystemClock(), Logger::Silent(), metrics_};
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  std::string session_;
};

TEST_F(HttpTransportTest, AnAnswerWithoutMessagesIsADocument) {
  const Answer answer = Post(Call(1, "test_simple_text"), session_);
  EXPECT_THAT(answer.head, HasSubstr("application/json"));
  EXPECT_THAT(answer.body, HasSubstr("simple text response"));
}

TEST_F(HttpTransportTest, MessagesBeforeTheAnswerMakeAStream) {
  const Answer answer = Post(Call(2, "test_tool_with_progress", R"({"progressToken":"t"})"), session_);
  EXPECT_THAT(answer.head, HasSubstr("text/event-stream"));
  EXPECT_THAT(answer.body, HasSubstr("\"progress\":5E1"));
  EXPECT_THAT(answer.body, HasSubstr("\"id\":2"));
}

TEST_F(HttpTransportTest, AClientThatLostItsStreamGoesOnWhereItWas) {
  const Answer first = Post(Call(3, "test_reconnection"), session_);
  EXPECT_TRUE(first.whole);
  EXPECT_THAT(first.body, HasSubstr("retry: "));
  EXPECT_THAT(first.body, Not(HasSubstr("\"result\"")));
  const size_t last = first.body.rfind("id: ") + 4;
  const std::string position = first.body.substr(last, first.body.find('\n', last) - last);
  const Answer rest =
      Client(server_->address()).Ask(Request("GET", "", session_ + "Last-Event-ID: " + position + "\r\n"));
  EXPECT_EQ(rest.status, 200);
  EXPECT_TRUE(rest.whole);
  EXPECT_THAT(rest.body, HasSubstr("after the reconnection"));
}

TEST_F(HttpTransportTest, ThePositionOfNoStreamIsRefused) {
  for (const auto& [position, status] : {std::pair("9-1", 404), std::pair("x", 400)}) {
    const Answer answer =
        Client(server_->address()).Ask(Request("GET", "", session_ + "Last-Event-ID: " + position + "\r\n"));
    EXPECT_EQ(answer.status, status) << position;
  }
}

TEST_F(HttpTransportTest, WhatTheClientDoesNotHaveIsNotAskedOfIt) {
  const Answer answer = Post(Call(4, "test_elicitation_sep1330_enums"), session_);
  EXPECT_THAT(answer.body, HasSubstr("\"isError\":true"));
}

TEST_F(HttpTransportTest, ACancelledRequestEnds) {
  Client asking(server_->address());
  asking.Send(Request("POST", Call(5, "test_sampling"), session_));
  const std::string cancel = R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})";
  // The request may not have begun yet: it is cancelled until it has ended.
  const Deadline patience = Deadline::After(std::chrono::seconds(5));
  std::jthread canceller([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && !patience.HasPassed()) EXPECT_EQ(Post(cancel, session_).status, 202);
  });
  const Answer answer = asking.Receive();
  EXPECT_THAT(answer.body, HasSubstr("\"isError\":true"));
  EXPECT_FALSE(patience.HasPassed());
}

TEST_F(HttpTransportTest, WithoutServicesToolsSaySo) {
  EXPECT_THAT(Post(Call(6, "list_indexes"), session_).body, HasSubstr("unknown argument"));
  const Answer answer =
      Post(R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_datasets"}})", session_);
  EXPECT_THAT(answer.body, HasSubstr("cannot be reached from this process"));
}

TEST_F(HttpTransportTest, SessionsEnd) {
  EXPECT_EQ(Client(server_->address()).Ask(Request("DELETE", "", session_)).status, 204);
  EXPECT_EQ(Post(Call(8, "test_simple_text"), session_).status, 404);
}

// The official suite, where it is installed: LAKEHOUSE_MCP_SUITE is its command, and gets the address.
TEST_F(HttpTransportTest, PassesTheConformanceSuite) {
  const char* suite = std::getenv("LAKEHOUSE_MCP_SUITE");
  if (suite == nullptr) GTEST_SKIP() << "LAKEHOUSE_MCP_SUITE is not set";
  EXPECT_EQ(std::system(fmt::format("{} http://{}/mcp", suite, server_->address()).c_str()), 0);
}

}  // namespace
}  // namespace lakehouse::mcp
