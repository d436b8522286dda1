#include "mcp/stateless_headers.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "mcp/protocol.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

std::unexpected<RpcError> Mismatch(std::string message) {
  return std::unexpected(RpcError{kHeaderMismatch, std::move(message)});
}

Rpc<void> CheckHeader(const http::Request& request, std::string_view header, std::string_view wanted) {
  const std::string* value = request.header(header);
  if (value == nullptr) return Mismatch(fmt::format("Header mismatch: {} is missing", header));
  if (!HeaderMeans(*value, wanted)) {
    return Mismatch(fmt::format("Header mismatch: {} does not say what the body says", header));
  }
  return {};
}

std::string_view TextAt(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

Rpc<void> CheckMeta(const http::Request& request, const json::object& meta) {
  const std::string_view version = TextAt(meta, kMetaVersion);
  const std::string* header = request.header("MCP-Protocol-Version");
  if (version.empty()) {
    return std::unexpected(RpcError{kInvalidParams, fmt::format("_meta needs \"{}\"", kMetaVersion)});
  }
  if (header == nullptr || *header != version) {
    return Mismatch("Header mismatch: MCP-Protocol-Version does not say what the body's _meta says");
  }
  if (version != RevisionName(Revision::k2026_07_28)) {
    json::object data{{"supported", json::array{RevisionName(Revision::k2026_07_28)}}, {"requested", version}};
    return std::unexpected(RpcError{kUnsupportedVersion, "Unsupported protocol version", std::move(data)});
  }
  const json::value* capabilities = meta.if_contains(kMetaCapabilities);
  if (capabilities == nullptr || !capabilities->is_object()) {
    return std::unexpected(RpcError{kInvalidParams, fmt::format("_meta needs \"{}\"", kMetaCapabilities)});
  }
  return {};
}

}  // namespace

bool HeaderMeans(std::string_view header, std::string_view name) {
  return header == name || header == "=?base64?" + Base64Encode(name) + "?=";
}

Rpc<void> CheckStatelessRequest(const http::Request& request, const Message& message) {
  const json::value* meta = message.params.if_contains("_meta");
  const auto checked = CheckMeta(request, meta != nullptr && meta->is_object() ? meta->get_object() : json::object());
  if (!checked) return checked;
  const auto method = CheckHeader(request, "Mcp-Method", message.method);
  if (!method) return method;
  if (message.method == "tools/call" || message.method == "prompts/get") {
    return CheckHeader(request, "Mcp-Name", TextAt(message.params, "name"));
  }
  if (message.method == "resources/read") return CheckHeader(request, "Mcp-Name", TextAt(message.params, "uri"));
  return {};
}

}  // namespace lakehouse::mcp
