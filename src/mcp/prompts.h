// Prompts: beginnings of conversations that a person picks. Pure; callable from any thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string_view>

#include "mcp/jsonrpc.h"

namespace lakehouse::mcp {

boost::json::array Prompts();
// kInvalidParams for a name that there is none of, or an argument that is missing.
Rpc<boost::json::object> GetPrompt(std::string_view name, const boost::json::object& arguments);

// {"role":"user","content":{…}}
boost::json::object UserMessage(boost::json::object content);

}  // namespace lakehouse::mcp
