// The messages of lakehouse.v1.Query and the engine's own types, both ways. Pure; callable from any thread. Errors are
// kInvalid with the member "field".
#pragma once

#include "lakehouse/v1/query.pb.h"
#include "query/engine.h"

namespace lakehouse::rpc {

// What is asked, but for the format.
Result<query::QueryRequest> FromProto(const v1::RunRequest& request);
void ToProto(const query::QueryRequest& request, v1::RunRequest& out);
Result<query::ResultFormat> FromProto(v1::ResultFormat format);
v1::ResultFormat ToProto(query::ResultFormat format);

}  // namespace lakehouse::rpc
