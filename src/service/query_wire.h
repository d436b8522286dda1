// A query as POST /sql takes it, exactly as docs/contract.md words it, and what POST /sql/describe answers. Used by the
// routes and by the remote client, so both ends of the wire are one piece of code. Callable from any thread.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/engine.h"

namespace lakehouse::service {

// The format is not part of it: it travels as Accept.
std::string WriteQuery(const query::QueryRequest& request);
// kInvalid naming the field.
Result<query::QueryRequest> ParseQuery(std::string_view body);

// The values of "params", named so in messages; nullptr: none.
Result<std::vector<query::Parameter>> ParseParameters(const boost::json::value* params);

// The schemas of a statement's columns and of its parameters, as two Arrow IPC messages one after the other. The seq
// travels beside them.
inline constexpr std::string_view kShapeMediaType = "application/vnd.apache.arrow.stream";
Result<std::string> WriteShape(const query::StatementShape& shape);
// kUpstream when the bytes are no shape. Leaves the seq to the caller.
Result<query::StatementShape> ParseShape(std::string_view bytes);

}  // namespace lakehouse::service
