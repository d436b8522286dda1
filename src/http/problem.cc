#include "http/problem.h"

#include "base/json.h"

namespace lakehouse::http {

namespace {

// Not in ErrorKind, since no code of ours but the framing ever says them.
constexpr std::pair<int, std::string_view> kMorePhrases[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {505, "HTTP Version Not Supported"},
};

constexpr ErrorKind kAllKinds[] = {
    ErrorKind::kInvalid,       ErrorKind::kUnauthenticated,  ErrorKind::kForbidden,
    ErrorKind::kNotFound,      ErrorKind::kMethodNotAllowed, ErrorKind::kRequestTimeout,
    ErrorKind::kConflict,      ErrorKind::kLengthRequired,   ErrorKind::kPreconditionFailed,
    ErrorKind::kTooLarge,      ErrorKind::kUnsupportedMedia, ErrorKind::kRangeNotSatisfiable,
    ErrorKind::kUnprocessable, ErrorKind::kTooManyRequests,  ErrorKind::kHeadersTooLarge,
    ErrorKind::kInternal,      ErrorKind::kNotImplemented,   ErrorKind::kUpstream,
    ErrorKind::kUnavailable,   ErrorKind::kDeadline,         ErrorKind::kExhausted,
};

constexpr std::string_view kTypePrefix = "urn:lakehouse:problem:";

ErrorKind KindOfStatus(int status) {
  for (const ErrorKind kind : kAllKinds) {
    if (StatusOf(kind) == status) return kind;
  }
  return status >= 400 && status < 500 ? ErrorKind::kInvalid : ErrorKind::kUpstream;
}

bool IsOwnMember(std::string_view name) {
  return name == "type" || name == "title" || name == "status" || name == "detail" || name == "instance" ||
         name == "request_id";
}

std::string Render(int status, std::string_view type, const Error& error, std::string_view instance,
                   std::string_view request_id) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject().Key("type").String(type).Key("title").String(ReasonPhrase(status));
  json.Key("status").Number(status).Key("detail").String(error.detail);
  json.Key("instance").String(instance).Key("request_id").String(request_id);
  for (const auto& [name, value] : error.members) {
    if (!IsOwnMember(name)) json.Key(name).String(value);
  }
  json.EndObject();
  return out;
}

}  // namespace

int StatusOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return 400;
    case ErrorKind::kUnauthenticated:
      return 401;
    case ErrorKind::kForbidden:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kMethodNotAllowed:
      return 405;
    case ErrorKind::kRequestTimeout:
      return 408;
    case ErrorKind::kConflict:
      return 409;
    case ErrorKind::kLengthRequired:
      return 411;
    case ErrorKind::kPreconditionFailed:
      return 412;
    case ErrorKind::kTooLarge:
      return 413;
    case ErrorKind::kUnsupportedMedia:
      return 415;
    case ErrorKind::kRangeNotSatisfiable:
      return 416;
    case ErrorKind::kUnprocessable:
      return 422;
    case ErrorKind::kTooManyRequests:
      return 429;
    case ErrorKind::kHeadersTooLarge:
      return 431;
    case ErrorKind::kInternal:
      return 500;
    case ErrorKind::kNotImplemented:
      return 501;
    case ErrorKind::kUpstream:
      return 502;
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kDeadline:
      return 504;
    case ErrorKind::kExhausted:
      return 507;
    // Nobody is there to read it; the access log shows it.
    case ErrorKind::kCancelled:
      return 499;
    case ErrorKind::kAmbiguous:
      return 503;
  }
  return 500;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      break;
  }
  for (const auto& [code, phrase] : kMorePhrases) {
    if (code == status) return phrase;
  }
  return "Unknown";
}

std::string ProblemJson(const Error& error, std::string_view instance, std::string_view request_id) {
  return Render(StatusOf(error.kind), std::string(kTypePrefix).append(ErrorKindName(error.kind)), error, instance,
                request_id);
}

std::string ProblemJsonOfStatus(int status, std::string_view detail, std::string_view instance,
                                std::string_view request_id) {
  const ErrorKind kind = KindOfStatus(status);
  const Error error{kind, std::string(detail), std::nullopt, {}};
  const bool has_kind = StatusOf(kind) == status;
  return Render(status, has_kind ? std::string(kTypePrefix).append(ErrorKindName(kind)) : "about:blank", error,
                instance, request_id);
}

}  // namespace lakehouse::http
