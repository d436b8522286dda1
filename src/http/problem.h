// Errors as they leave the process: application/problem+json (RFC 9457). The one table from ErrorKind to status.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace lakehouse::http {

int StatusOf(ErrorKind kind);
std::string_view ReasonPhrase(int status);
// {"type","title","status","detail","instance","request_id", further members}
std::string ProblemJson(const Error& error, std::string_view instance, std::string_view request_id);
// The same for statuses that no ErrorKind stands for (414, 417, 505): refusals of the framing.
std::string ProblemJsonOfStatus(int status, std::string_view detail, std::string_view instance,
                                std::string_view request_id);

}  // namespace lakehouse::http
