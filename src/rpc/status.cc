#include "rpc/status.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace lakehouse::rpc {
namespace {

constexpr std::string_view kDomain = "lakehouse";
// Clients refuse metadata past 8 KiB by default; the detail travels twice, once percent-encoded and once in base64.
constexpr size_t kMaxDetailBytes = 1400;
constexpr size_t kMaxMemberBytes = 200;
constexpr size_t kMaxMembers = 8;

struct KindRow {
  ErrorKind kind;
  grpc::StatusCode code;
};
// Where several kinds share a code, the first is what the code alone means.
constexpr KindRow kKinds[] = {
    {ErrorKind::kInvalid, grpc::INVALID_ARGUMENT},
    {ErrorKind::kUnauthenticated, grpc::UNAUTHENTICATED},
    {ErrorKind::kForbidden, grpc::PERMISSION_DENIED},
    {ErrorKind::kNotFound, grpc::NOT_FOUND},
    {ErrorKind::kNotImplemented, grpc::UNIMPLEMENTED},
    {ErrorKind::kMethodNotAllowed, grpc::UNIMPLEMENTED},
    {ErrorKind::kDeadline, grpc::DEADLINE_EXCEEDED},
    {ErrorKind::kRequestTimeout, grpc::DEADLINE_EXCEEDED},
    {ErrorKind::kConflict, grpc::ALREADY_EXISTS},
    {ErrorKind::kPreconditionFailed, grpc::FAILED_PRECONDITION},
    {ErrorKind::kExhausted, grpc::RESOURCE_EXHAUSTED},
    {ErrorKind::kTooLarge, grpc::RESOURCE_EXHAUSTED},
    {ErrorKind::kTooManyRequests, grpc::RESOURCE_EXHAUSTED},
    {ErrorKind::kHeadersTooLarge, grpc::RESOURCE_EXHAUSTED},
    {ErrorKind::kLengthRequired, grpc::INVALID_ARGUMENT},
    {ErrorKind::kUnsupportedMedia, grpc::INVALID_ARGUMENT},
    {ErrorKind::kUnprocessable, grpc::INVALID_ARGUMENT},
    {ErrorKind::kRangeNotSatisfiable, grpc::OUT_OF_RANGE},
    {ErrorKind::kInternal, grpc::INTERNAL},
    {ErrorKind::kUnavailable, grpc::UNAVAILABLE},
    {ErrorKind::kUpstream, grpc::UNAVAILABLE},
    {ErrorKind::kCancelled, grpc::CANCELLED},
    {ErrorKind::kAmbiguous, grpc::ABORTED},
};

ErrorKind KindOf(int code) {
  const auto* row = std::ranges::find(kKinds, code, [](const KindRow& r) { return static_cast<int>(r.code); });
  return row == std::end(kKinds) ? ErrorKind::kUpstream : row->kind;
}

std::optional<ErrorKind> KindNamed(std::string_view name) {
  const auto* row = std::ranges::find(kKinds, name, [](const KindRow& r) { return ErrorKindName(r.kind); });
  return row == std::end(kKinds) ? std::nullopt : std::optional(row->kind);
}

// At most `limit` bytes, whole characters, and only what protobuf takes as a string.
std::string Cut(std::string_view text, size_t limit) {
  const auto bad = FindInvalidUtf8(text.substr(0, limit));
  if (text.size() <= limit && !bad) return std::string(text);
  return std::string(text.substr(0, bad.value_or(limit))) + "…";
}

// Checks that all ways in share name the field at the beginning of their sentence.
std::string_view FieldIn(std::string_view detail) {
  constexpr std::string_view kStart = "field \"";
  if (!detail.starts_with(kStart)) return {};
  detail.remove_prefix(kStart.size());
  return detail.substr(0, detail.find('"'));
}

std::string_view FieldOf(const Error& error) {
  for (const auto& [name, value] : error.members) {
    if (name == kFieldMember) return value;
  }
  return error.kind == ErrorKind::kInvalid ? FieldIn(error.detail) : std::string_view();
}

void AddDetails(const Error& error, std::string_view request_id, google::rpc::Status& status) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ErrorKindName(error.kind)));
  info.set_domain(std::string(kDomain));
  for (const auto& [name, value] : error.members) {
    if (info.metadata().size() < kMaxMembers) (*info.mutable_metadata())[name] = Cut(value, kMaxMemberBytes);
  }
  status.add_details()->PackFrom(info);
  if (const std::string_view field = FieldOf(error); !field.empty()) {
    google::rpc::BadRequest bad;
    bad.add_field_violations()->set_field(Cut(field, kMaxMemberBytes));
    bad.mutable_field_violations(0)->set_description(Cut(error.detail, kMaxMemberBytes));
    status.add_details()->PackFrom(bad);
  }
  if (!request_id.empty()) {
    google::rpc::RequestInfo request;
    request.set_request_id(std::string(request_id));
    status.add_details()->PackFrom(request);
  }
  if (error.retry_after) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(error.retry_after->count());
    status.add_details()->PackFrom(retry);
  }
}

}  // namespace

grpc::StatusCode CodeOf(ErrorKind kind) {
  const auto* row = std::ranges::find(kKinds, kind, &KindRow::kind);
  return row == std::end(kKinds) ? grpc::INTERNAL : row->code;
}

std::string_view CodeName(grpc::StatusCode code) {
  static constexpr std::string_view kNames[] = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto at = static_cast<size_t>(code);
  return at < std::size(kNames) ? kNames[at] : "UNKNOWN";
}

google::rpc::Status ToProto(const Error& error, std::string_view request_id) {
  google::rpc::Status status;
  status.set_code(CodeOf(error.kind));
  status.set_message(Cut(error.detail, kMaxDetailBytes));
  AddDetails(error, request_id, status);
  return status;
}

grpc::Status ToStatus(const Error& error, std::string_view request_id) {
  const google::rpc::Status status = ToProto(error, request_id);
  return {static_cast<grpc::StatusCode>(status.code()), status.message(), status.SerializeAsString()};
}

Error ToError(const google::rpc::Status& status) {
  Error error{KindOf(status.code()), status.message(), std::nullopt, {}};
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info) && info.domain() == kDomain) {
      error.kind = KindNamed(info.reason()).value_or(error.kind);
      for (const auto& [name, value] : info.metadata()) error.members.emplace_back(name, value);
    } else if (detail.UnpackTo(&retry)) {
      error.retry_after = std::chrono::seconds(std::max<int64_t>(1, retry.retry_delay().seconds()));
    }
  }
  std::ranges::sort(error.members);
  return error;
}

Error ToError(const grpc::Status& status) {
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details()) &&
      details.code() == status.error_code()) {
    return ToError(details);
  }
  return Error{KindOf(status.error_code()), status.error_message(), std::nullopt, {}};
}

}  // namespace lakehouse::rpc
