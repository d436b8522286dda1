// What went wrong, for the one who has to act on it. Value type; copies freely.
//
// The kinds are few, each telling a caller what to do next. http/problem.cc maps every kind to a status in one
// exhaustive table. `detail` is a sentence for a person: what was wrong, where, what to do. It never holds a
// secret, a SQL literal, an object's bytes or a path outside the data directory.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lakehouse {

enum class ErrorKind {
  kInvalid,              // 400: the request itself is wrong; repeating it cannot help
  kUnauthenticated,      // 401
  kForbidden,            // 403
  kNotFound,             // 404
  kMethodNotAllowed,     // 405
  kRequestTimeout,       // 408: the client was too slow in sending
  kConflict,             // 409: the state contradicts the request
  kLengthRequired,       // 411
  kPreconditionFailed,   // 412: If-Match or If-None-Match did not hold; nothing changed
  kTooLarge,             // 413
  kUnsupportedMedia,     // 415
  kRangeNotSatisfiable,  // 416
  kUnprocessable,        // 422
  kTooManyRequests,      // 429: see retry_after
  kHeadersTooLarge,      // 431
  kInternal,             // 500: a defect of ours; nothing the caller did
  kNotImplemented,       // 501
  kUpstream,             // 502: a service behind us answered nonsense or broke the connection
  kUnavailable,          // 503: not now; see retry_after. Nothing changed
  kDeadline,             // 504: ran out of time. For a write: may or may not have happened
  kExhausted,            // 507: out of disk or memory budget; nothing half done stays
  kCancelled,            // the caller went away; no status is ever sent
  kAmbiguous,            // 503 at the edge: a conditional write may or may not have happened; read it back
};

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string detail;
  std::optional<std::chrono::seconds> retry_after;
  // Further problem+json members, e.g. {"line", "17"}; values are strings.
  std::vector<std::pair<std::string, std::string>> members;

  Error With(std::string_view name, std::string_view value) && {
    members.emplace_back(name, value);
    return std::move(*this);
  }
  // The same error with "context: " in front of its detail.
  Error In(std::string_view context) && {
    detail.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }
};

std::string_view ErrorKindName(ErrorKind kind);

}  // namespace lakehouse
