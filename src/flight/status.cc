#include "flight/status.h"

#include <arrow/flight/types.h>

namespace lakehouse::flight {
namespace {

constexpr size_t kMessageBytes = 2048;

arrow::Status Coded(arrow::flight::FlightStatusCode code, const std::string& message) {
  return arrow::flight::MakeFlightError(code, message);
}

// Flight has fewer codes than there are kinds; what they mean to a caller (try again, ask otherwise) is kept.
arrow::Status Of(ErrorKind kind, const std::string& message) {
  using arrow::flight::FlightStatusCode;
  switch (kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kLengthRequired:
    case ErrorKind::kTooLarge:
    case ErrorKind::kUnsupportedMedia:
    case ErrorKind::kRangeNotSatisfiable:
    case ErrorKind::kUnprocessable:
    case ErrorKind::kHeadersTooLarge:
    case ErrorKind::kPreconditionFailed:
    case ErrorKind::kExhausted:
      return arrow::Status::Invalid(message);
    case ErrorKind::kUnauthenticated:
      return Coded(FlightStatusCode::Unauthenticated, message);
    case ErrorKind::kForbidden:
      return Coded(FlightStatusCode::Unauthorized, message);
    case ErrorKind::kNotFound:
      return arrow::Status::KeyError(message);
    case ErrorKind::kConflict:
      return arrow::Status::AlreadyExists(message);
    case ErrorKind::kMethodNotAllowed:
    case ErrorKind::kNotImplemented:
      return arrow::Status::NotImplemented(message);
    case ErrorKind::kTooManyRequests:
    case ErrorKind::kUpstream:
    case ErrorKind::kUnavailable:
    case ErrorKind::kAmbiguous:
      return Coded(FlightStatusCode::Unavailable, message);
    case ErrorKind::kRequestTimeout:
    case ErrorKind::kDeadline:
      return Coded(FlightStatusCode::TimedOut, message);
    case ErrorKind::kCancelled:
      return Coded(FlightStatusCode::Cancelled, message);
    case ErrorKind::kInternal:
      return Coded(FlightStatusCode::Internal, message);
  }
  return Coded(FlightStatusCode::Internal, message);
}

}  // namespace

arrow::Status ToArrow(const Error& error, std::string_view request_id) {
  std::string message = error.detail;
  for (const auto& [name, value] : error.members) message += fmt::format("; {}: {}", name, value);
  if (message.size() > kMessageBytes) {
    message.resize(kMessageBytes);
    // Half a character at the end would make the whole message unreadable to clients.
    while (!message.empty() && (static_cast<unsigned char>(message.back()) & 0xC0U) == 0x80U) message.pop_back();
    if (!message.empty() && static_cast<unsigned char>(message.back()) >= 0x80U) message.pop_back();
    message += "…";
  }
  if (error.retry_after) message += fmt::format("; try again after {} s", error.retry_after->count());
  return Of(error.kind, fmt::format("{} (request id {})", message, request_id));
}

Error FromArrow(const arrow::Status& status, std::string_view what) {
  const bool theirs = status.IsInvalid() || status.IsTypeError() || status.IsNotImplemented() || status.IsIOError() ||
                      status.IsSerializationError() || status.IsKeyError() || status.IsCapacityError() ||
                      status.IsIndexError();
  const ErrorKind kind = status.IsOutOfMemory() ? ErrorKind::kExhausted
                         : status.IsCancelled() ? ErrorKind::kCancelled
                         : theirs               ? ErrorKind::kInvalid
                                                : ErrorKind::kInternal;
  return Error{kind, fmt::format("{}: {}", what, status.message()), std::nullopt, {}};
}

std::string_view CodeName(const arrow::Status& status) {
  using arrow::flight::FlightStatusCode;
  if (status.ok()) return "OK";
  if (const auto detail = arrow::flight::FlightStatusDetail::UnwrapStatus(status)) {
    switch (detail->code()) {
      case FlightStatusCode::TimedOut:
        return "DEADLINE_EXCEEDED";
      case FlightStatusCode::Cancelled:
        return "CANCELLED";
      case FlightStatusCode::Unauthenticated:
        return "UNAUTHENTICATED";
      case FlightStatusCode::Unauthorized:
        return "PERMISSION_DENIED";
      case FlightStatusCode::Unavailable:
        return "UNAVAILABLE";
      default:
        return "INTERNAL";
    }
  }
  if (status.IsInvalid()) return "INVALID_ARGUMENT";
  if (status.IsKeyError()) return "NOT_FOUND";
  if (status.IsAlreadyExists()) return "ALREADY_EXISTS";
  if (status.IsNotImplemented()) return "UNIMPLEMENTED";
  if (status.IsCancelled()) return "CANCELLED";
  return "UNKNOWN";
}

}  // namespace lakehouse::flight
