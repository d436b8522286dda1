// Datasets and indexes as resources: lakehouse://datasets/{name}, lakehouse://datasets/{name}@{version},
// lakehouse://indexes/{name}. And the completion of their names. Callable from any thread.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/call.h"
#include "mcp/jsonrpc.h"
#include "mcp/tool.h"

namespace lakehouse::mcp {

inline constexpr std::string_view kDatasetPrefix = "lakehouse://datasets/";
inline constexpr std::string_view kIndexPrefix = "lakehouse://indexes/";

// {"resources":[…],"nextCursor"}: datasets by name, then indexes on the last page.
Rpc<boost::json::object> ListResources(const Services& services, const Call& call, const boost::json::object& params);
boost::json::array ResourceTemplates();
// {"contents":[…]}; nullopt for an address of none of ours. Not there: kNotFound.
Result<boost::json::object> ReadResource(const Services& services, const Call& call, std::string_view uri);

// Names that begin with `typed`, for "name", "dataset" or "index".
std::vector<std::string> CompleteName(const Services& services, const Call& call, std::string_view argument,
                                      std::string_view ref_uri, std::string_view typed);

RpcError ToRpcError(const Error& error, int not_found_code);

}  // namespace lakehouse::mcp
