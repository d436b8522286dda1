#include "mcp/jsonrpc.h"

#include <gmock/gmock.h>

#include "base/json_value.h"
#include "mcp/protocol.h"

namespace lakehouse::mcp {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

Rpc<Message> Parse(std::string_view text, json::value* id = nullptr) {
  json::value ignored;
  return ParseMessage(*ParseJson(text), id == nullptr ? ignored : *id);
}

TEST(JsonRpcTest, ReadsRequestsNotificationsAndResponses) {
  const auto request = Parse(R"({"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":"x"}})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, MessageKind::kRequest);
  EXPECT_EQ(request->method, "tools/list");
  EXPECT_EQ(request->params.at("cursor"), "x");
  EXPECT_EQ(Parse(R"({"jsonrpc":"2.0","method":"notifications/initialized"})")->kind, MessageKind::kNotification);
  const auto response = Parse(R"({"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"no"}})");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->kind, MessageKind::kResponse);
  EXPECT_TRUE(response->failed);
}

TEST(JsonRpcTest, RefusesWhatIsNoMessage) {
  for (const char* text : {"3", "{}", R"({"id":1,"method":"x"})", R"({"jsonrpc":"1.0","id":1,"method":"x"})",
                           R"({"jsonrpc":"2.0","id":null,"method":"x"})", R"({"jsonrpc":"2.0","id":1.5,"method":"x"})",
                           R"({"jsonrpc":"2.0","id":1,"method":""})", R"({"jsonrpc":"2.0","id":1,"method":2})",
                           R"({"jsonrpc":"2.0","id":1,"method":"x","params":[1]})",
                           R"({"jsonrpc":"2.0","id":1,"result":{},"error":{}})", R"({"jsonrpc":"2.0","result":{}})"}) {
    const auto message = Parse(text);
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().code, kInvalidRequest) << text;
    EXPECT_FALSE(message.error().message.empty());
  }
}

TEST(JsonRpcTest, KeepsTheIdOfARefusedMessage) {
  json::value id;
  EXPECT_FALSE(Parse(R"({"jsonrpc":"2.0","id":"q","params":{}})", &id));
  EXPECT_EQ(id, "q");
}

TEST(JsonRpcTest, BodiesAreOneMessageOrABatch) {
  EXPECT_EQ(ParseBody("{").error().code, kParseError);
  EXPECT_EQ(ParseBody("[]").error().code, kInvalidRequest);
  EXPECT_EQ(ParseBody("[1,2]")->messages.size(), 2U);
  EXPECT_TRUE(ParseBody("[1,2]")->is_batch);
  EXPECT_FALSE(ParseBody("{}")->is_batch);
}

TEST(JsonRpcTest, WritesMessages) {
  EXPECT_EQ(ResultMessage(1, {{"a", 2}}), R"({"jsonrpc":"2.0","id":1,"result":{"a":2}})");
  EXPECT_EQ(ErrorMessage(nullptr, {-1, "no"}), R"({"jsonrpc":"2.0","error":{"code":-1,"message":"no"}})");
  EXPECT_THAT(ErrorMessage("x", {-1, "no", json::object{{"k", 1}}}), HasSubstr(R"("data":{"k":1})"));
  EXPECT_EQ(NotificationMessage("m", {}), R"({"jsonrpc":"2.0","method":"m","params":{}})");
  EXPECT_NE(IdKey(1), IdKey("1"));
}

}  // namespace
}  // namespace lakehouse::mcp
