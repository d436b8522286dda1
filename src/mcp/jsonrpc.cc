#include "mcp/jsonrpc.h"

#include <boost/json/serialize.hpp>

#include "base/json_value.h"
#include "mcp/protocol.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr size_t kMaxIdBytes = 256;

bool IsId(const json::value& id) {
  return id.is_int64() || id.is_uint64() || (id.is_string() && id.get_string().size() <= kMaxIdBytes);
}

std::unexpected<RpcError> InvalidRequest(std::string message) {
  return std::unexpected(RpcError{kInvalidRequest, std::move(message)});
}

Rpc<Message> ParseResponse(const json::object& object, Message message) {
  const json::value* result = object.if_contains("result");
  const json::value* error = object.if_contains("error");
  if ((result == nullptr) == (error == nullptr)) return InvalidRequest("a response has either \"result\" or \"error\"");
  if (message.id.is_null() && error == nullptr) return InvalidRequest("a response needs the \"id\" of its request");
  message.kind = MessageKind::kResponse;
  message.failed = error != nullptr;
  message.result = message.failed ? *error : *result;
  return message;
}

}  // namespace

Rpc<Message> ParseMessage(const json::value& value, json::value& id) {
  if (!value.is_object()) return InvalidRequest("a message is a JSON object");
  const json::object& object = value.get_object();
  Message message;
  const json::value* given_id = object.if_contains("id");
  if (given_id != nullptr && !given_id->is_null()) {
    if (!IsId(*given_id)) return InvalidRequest("\"id\" must be an integer or a string of at most 256 bytes");
    message.id = id = *given_id;
  }
  const json::value* version = object.if_contains("jsonrpc");
  if (version == nullptr || *version != "2.0") return InvalidRequest("\"jsonrpc\" must be \"2.0\"");
  const json::value* method = object.if_contains("method");
  if (method == nullptr) {
    if (object.contains("result") || object.contains("error")) return ParseResponse(object, std::move(message));
    return InvalidRequest("a message has a \"method\", a \"result\" or an \"error\"");
  }
  if (!method->is_string() || method->get_string().empty()) return InvalidRequest("\"method\" must be a text");
  if (given_id != nullptr && given_id->is_null()) return InvalidRequest("\"id\" must not be null");
  message.method = std::string(method->get_string());
  if (const json::value* params = object.if_contains("params"); params != nullptr) {
    if (!params->is_object()) return InvalidRequest("\"params\" must be an object");
    message.params = params->get_object();
  }
  message.kind = given_id == nullptr ? MessageKind::kNotification : MessageKind::kRequest;
  return message;
}

Rpc<Body> ParseBody(std::string_view text) {
  auto value = ParseJson(text);
  if (!value) return std::unexpected(RpcError{kParseError, value.error().detail});
  Body body;
  body.is_batch = value->is_array();
  if (!body.is_batch) {
    body.messages.push_back(std::move(*value));
    return body;
  }
  if (value->get_array().empty()) return InvalidRequest("a batch must not be empty");
  for (json::value& message : value->get_array()) body.messages.push_back(std::move(message));
  return body;
}

std::string ResultMessage(const json::value& id, json::object result) {
  return json::serialize(json::object{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

std::string ErrorMessage(const json::value& id, const RpcError& error) {
  json::object body{{"code", error.code}, {"message", error.message}};
  if (!error.data.is_null()) body["data"] = error.data;
  json::object message{{"jsonrpc", "2.0"}};
  if (!id.is_null()) message["id"] = id;
  message["error"] = std::move(body);
  return json::serialize(message);
}

std::string RequestMessage(const json::value& id, std::string_view method, json::object params) {
  return json::serialize(
      json::object{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
}

std::string NotificationMessage(std::string_view method, json::object params) {
  return json::serialize(json::object{{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

std::string IdKey(const json::value& id) { return json::serialize(id); }

}  // namespace lakehouse::mcp
