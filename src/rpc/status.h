// Errors as they cross gRPC: the one table from ErrorKind to status codes, and the rich details that go with them
// (google.rpc.Status in grpc-status-details-bin with ErrorInfo, RequestInfo, RetryInfo and BadRequest).
// Pure; callable from any thread.
#pragma once

#include <grpcpp/support/status.h>

#include <string_view>

#include "base/error.h"

namespace google::rpc {
class Status;
}

namespace lakehouse::rpc {

// The error's member that names the field of the request that was wrong.
inline constexpr std::string_view kFieldMember = "field";

grpc::StatusCode CodeOf(ErrorKind kind);
// The names of gRPC's specification: "NOT_FOUND".
std::string_view CodeName(grpc::StatusCode code);

// Details as messages; what is longer than a client's default limit for metadata allows is cut.
google::rpc::Status ToProto(const Error& error, std::string_view request_id);
grpc::Status ToStatus(const Error& error, std::string_view request_id);

// The way back, for a client of another role: kind, retry_after and members come from the details where they are ours,
// else the kind is the nearest to the code. REQUIRES: not OK.
Error ToError(const grpc::Status& status);
Error ToError(const google::rpc::Status& status);

}  // namespace lakehouse::rpc
