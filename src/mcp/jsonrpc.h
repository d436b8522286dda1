// JSON-RPC 2.0 as MCP uses it: messages in, messages out. https://www.jsonrpc.org/specification
// Ids are strings or integers, never null; params are objects. Pure; callable from any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace lakehouse::mcp {

struct RpcError {
  int code = 0;
  std::string message;
  boost::json::value data{};  // null: none
};
template <typename T>
using Rpc = std::expected<T, RpcError>;

enum class MessageKind { kRequest, kNotification, kResponse };

struct Message {
  MessageKind kind = MessageKind::kRequest;
  boost::json::value id;       // of requests and responses
  std::string method;          // of requests and notifications
  boost::json::object params;  // of requests and notifications; empty when absent
  boost::json::value result;   // of responses that went well
  bool failed = false;         // a response with an error, which is `result`
};

// kInvalidRequest or kParseError. `id` is set to the message's id as soon as there is one, for the answer.
Rpc<Message> ParseMessage(const boost::json::value& value, boost::json::value& id);

// A body: one message, or an array of them (then `is_batch`); kParseError for what is no JSON.
struct Body {
  bool is_batch = false;
  std::vector<boost::json::value> messages;
};
Rpc<Body> ParseBody(std::string_view text);

std::string ResultMessage(const boost::json::value& id, boost::json::object result);
// `id` null: none is written.
std::string ErrorMessage(const boost::json::value& id, const RpcError& error);
std::string RequestMessage(const boost::json::value& id, std::string_view method, boost::json::object params);
std::string NotificationMessage(std::string_view method, boost::json::object params);

// "1" and 1 are different ids.
std::string IdKey(const boost::json::value& id);

}  // namespace lakehouse::mcp
