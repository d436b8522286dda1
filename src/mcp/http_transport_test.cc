// The transport on a real server, with the suite's fixtures as tools.
#include "mcp/http_transport.h"

#include <gmock/gmock.h>

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

std::string Stateless(std::string_view tool, std::string_view capabilities, std::string_view more = "") {
  return fmt::format(
      R"({{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{}",{}"_meta":{{
        "io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":{}}}}}}})",
      tool, more, capabilities);
}
std::string StatelessHeaders(std::string_view tool) {
  return fmt::format("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {}\r\n", tool);
}

TEST_F(HttpTransportTest, WhatACallNeedsOfItsClientIsItsAnswer) {
  constexpr std::string_view kTool = "test_input_required_result_request_state";
  const std::string headers = StatelessHeaders(kTool);
  const Answer first = Post(Stateless(kTool, R"({"elicitation":{}})"), headers);
  EXPECT_THAT(first.body, HasSubstr(R"("resultType":"input_required")"));
  constexpr std::string_view kMark = R"("requestState":")";
  const size_t from = first.body.find(kMark) + kMark.size();
  const std::string state = first.body.substr(from, first.body.find('"', from) - from);
  const auto again = [&](std::string_view sent) {
    return Post(Stateless(kTool, R"({"elicitation":{}})",
                          fmt::format(R"("inputResponses":{{"confirm":{{}}}},"requestState":"{}",)", sent)),
                headers)
        .body;
  };
  EXPECT_THAT(again(state), HasSubstr("state-ok"));
  EXPECT_THAT(again(state + "0"), HasSubstr("-32602"));
  EXPECT_THAT(again("asked"), HasSubstr("-32602"));
}

TEST_F(HttpTransportTest, AClientIsNotAskedForWhatItDoesNotHave) {
  const Answer answer = Post(Stateless("test_missing_capability", "{}"), StatelessHeaders("test_missing_capability"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("requiredCapabilities":{"sampling":{}})"));
}

TEST_F(HttpTransportTest, WhatIsNoResponseIsRefused) {
  constexpr std::string_view kTool = "test_input_required_result_elicitation";
  for (const char* responses : {"null", "[]", R"({"user_name":1})"}) {
    const std::string sent = fmt::format(R"("inputResponses":{},)", responses);
    EXPECT_THAT(Post(Stateless(kTool, R"({"elicitation":{}})", sent), StatelessHeaders(kTool)).body,
                HasSubstr("-32602"))
        << responses;
  }
}

TEST_F(HttpTransportTest, ASessionCannotAskThatWay) {
  const Answer answer = Post(Call(9, "test_input_required_result_elicitation"), session_);
  EXPECT_THAT(answer.body, HasSubstr("2026-07-28"));
}

}  // namespace
}  // namespace lakehouse::mcp
