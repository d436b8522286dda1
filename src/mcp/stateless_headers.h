// The headers that repeat what a stateless request's body says, so that others can route by them. Pure.
#pragma once

#include "http/server.h"
#include "mcp/jsonrpc.h"

namespace lakehouse::mcp {

// kUnsupportedVersion with the versions there are; kHeaderMismatch naming the header that is missing or says something
// else than the body; kInvalidParams when `_meta` lacks what it must have.
Rpc<void> CheckStatelessRequest(const http::Request& request, const Message& message);

// The header's form of a name: itself, or =?base64?…?= when it holds what headers may not.
bool HeaderMeans(std::string_view header, std::string_view name);

}  // namespace lakehouse::mcp
