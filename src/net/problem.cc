#include "net/problem.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/json_value.h"

namespace lakehouse::net {
namespace {

ErrorKind KindOf(int status) {
  switch (status) {
    case 400:
      return ErrorKind::kInvalid;
    case 401:
      return ErrorKind::kUnauthenticated;
    case 403:
      return ErrorKind::kForbidden;
    case 404:
      return ErrorKind::kNotFound;
    case 405:
      return ErrorKind::kMethodNotAllowed;
    case 408:
      return ErrorKind::kRequestTimeout;
    case 409:
      return ErrorKind::kConflict;
    case 411:
      return ErrorKind::kLengthRequired;
    case 412:
      return ErrorKind::kPreconditionFailed;
    case 413:
      return ErrorKind::kTooLarge;
    case 415:
      return ErrorKind::kUnsupportedMedia;
    case 416:
      return ErrorKind::kRangeNotSatisfiable;
    case 422:
      return ErrorKind::kUnprocessable;
    case 429:
      return ErrorKind::kTooManyRequests;
    case 431:
      return ErrorKind::kHeadersTooLarge;
    case 500:
      return ErrorKind::kInternal;
    case 501:
      return ErrorKind::kNotImplemented;
    case 503:
      return ErrorKind::kUnavailable;
    case 504:
      return ErrorKind::kDeadline;
    case 507:
      return ErrorKind::kExhausted;
    default:
      return ErrorKind::kUpstream;
  }
}

// The kind that a problem type of ours names, where it may go with the status: several kinds share some.
ErrorKind KindOfType(std::string_view type, ErrorKind of_status) {
  constexpr std::string_view kPrefix = "urn:lakehouse:problem:";
  if (of_status == ErrorKind::kUnavailable && type.starts_with(kPrefix) &&
      type.substr(kPrefix.size()) == ErrorKindName(ErrorKind::kAmbiguous)) {
    return ErrorKind::kAmbiguous;
  }
  return of_status;
}

constexpr std::string_view kOwnMembers[] = {"type", "title", "status", "detail", "instance", "request_id"};

}  // namespace

Error ErrorOfProblem(int status, std::string_view body) {
  Error error{KindOf(status), fmt::format("the service answered {}", status), std::nullopt, {}};
  const auto parsed = ParseJson(body);
  if (!parsed || !parsed->is_object()) return error;
  for (const auto& [name, value] : parsed->get_object()) {
    if (!value.is_string()) continue;
    const std::string_view text(value.get_string());
    if (name == "detail") {
      error.detail = text;
    } else if (name == "type") {
      error.kind = KindOfType(text, error.kind);
    } else if (std::ranges::find(kOwnMembers, std::string_view(name)) == std::end(kOwnMembers)) {
      error.members.emplace_back(name, text);
    }
  }
  return error;
}

}  // namespace lakehouse::net
