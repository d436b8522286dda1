#include "base/error.h"

namespace lakehouse {

std::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return "invalid";
    case ErrorKind::kUnauthenticated:
      return "unauthenticated";
    case ErrorKind::kForbidden:
      return "forbidden";
    case ErrorKind::kNotFound:
      return "not-found";
    case ErrorKind::kMethodNotAllowed:
      return "method-not-allowed";
    case ErrorKind::kRequestTimeout:
      return "request-timeout";
    case ErrorKind::kConflict:
      return "conflict";
    case ErrorKind::kLengthRequired:
      return "length-required";
    case ErrorKind::kPreconditionFailed:
      return "precondition-failed";
    case ErrorKind::kTooLarge:
      return "too-large";
    case ErrorKind::kUnsupportedMedia:
      return "unsupported-media-type";
    case ErrorKind::kRangeNotSatisfiable:
      return "range-not-satisfiable";
    case ErrorKind::kUnprocessable:
      return "unprocessable";
    case ErrorKind::kTooManyRequests:
      return "too-many-requests";
    case ErrorKind::kHeadersTooLarge:
      return "headers-too-large";
    case ErrorKind::kInternal:
      return "internal";
    case ErrorKind::kNotImplemented:
      return "not-implemented";
    case ErrorKind::kUpstream:
      return "upstream";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kDeadline:
      return "deadline";
    case ErrorKind::kExhausted:
      return "exhausted";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kAmbiguous:
      return "ambiguous";
  }
  return "internal";
}

}  // namespace lakehouse
