#include "object/s3_client.h"

namespace lakehouse::object {
namespace {

constexpr uint64_t kMaxTextBytes = uint64_t{64} << 20;

ErrorKind KindOf(int status, std::string_view code) {
  if (code == "ConditionalRequestConflict") return ErrorKind::kAmbiguous;
  if (code == "RequestTimeTooSkewed") return ErrorKind::kForbidden;
  switch (status) {
    case 400:
      return ErrorKind::kInvalid;
    case 401:
      return ErrorKind::kUnauthenticated;
    case 403:
      return ErrorKind::kForbidden;
    case 404:
      return ErrorKind::kNotFound;
    case 409:
      return ErrorKind::kAmbiguous;
    case 412:
      return ErrorKind::kPreconditionFailed;
    case 416:
      return ErrorKind::kRangeNotSatisfiable;
    case 429:
      return ErrorKind::kTooManyRequests;
    case 507:
      return ErrorKind::kExhausted;
    default:
      return status >= 500 ? ErrorKind::kUnavailable : ErrorKind::kUpstream;
  }
}

}  // namespace

S3Client::S3Client(S3StoreOptions options, net::HttpClient& client, net::AwsCredentialChain& credentials,
                   const Clock& clock)
    : options_(std::move(options)), client_(client), credentials_(credentials), clock_(clock) {
  std::string endpoint =
      options_.endpoint.empty() ? fmt::format("https://s3.{}.amazonaws.com", options_.region) : options_.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const size_t scheme = endpoint.find("://");
  const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t path = endpoint.find('/', host);
  base_path_ = path == std::string::npos ? "" : endpoint.substr(path);
  host_ = endpoint.substr(host, path == std::string::npos ? std::string::npos : path - host);
  if (options_.path_style) {
    base_path_ += "/" + net::PercentEncode(options_.bucket, false);
  } else {
    host_ = options_.bucket + "." + host_;
  }
  scheme_and_host_ = (scheme == std::string::npos ? "https://" : endpoint.substr(0, host)) + host_;
}

net::HttpRequest S3Client::Sign(const S3Call& call, const net::AwsCredentials& credentials) const {
  net::SignedParts parts;
  parts.method = call.method;
  parts.path = base_path_ + (call.key.empty() ? "" : "/" + net::PercentEncode(call.key, true));
  if (parts.path.empty()) parts.path = "/";
  parts.query = call.query;
  parts.headers = call.headers;
  parts.headers.emplace_back("Host", host_);
  SignRequest(parts, net::kUnsignedPayload, credentials, {options_.region, "s3"}, clock_.Now());
  net::HttpRequest request;
  request.method = call.method;
  const std::string query = net::CanonicalQuery(call.query);
  request.url = scheme_and_host_ + parts.path + (query.empty() ? "" : "?" + query);
  request.headers = std::move(parts.headers);
  request.body = call.body;
  if (call.body != nullptr) request.body_bytes = call.body_bytes;
  return request;
}

Error S3Client::ToError(int status, std::string_view body, const S3Call& call) const {
  const std::string code = net::XmlText(body, "Code").value_or("");
  const std::string message = net::XmlText(body, "Message").value_or("");
  Error error{KindOf(status, code), {}, std::nullopt, {{"code", code}}};
  const std::string where = options_.endpoint.empty() ? "AWS" : options_.endpoint;
  if (code == "NoSuchBucket" || (status == 404 && call.key.empty())) {
    error.kind = ErrorKind::kNotFound;
    error.detail = fmt::format("the bucket \"{}\" does not exist at {} ([s3] bucket)", options_.bucket, where);
  } else if (status == 404) {
    error.detail = fmt::format("no object has the key \"{}\"", call.key);
  } else if (status == 403 || status == 401) {
    error.detail = fmt::format(
        "{} refuses the credentials for the bucket \"{}\" ({}): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or "
        "the profile",
        where, options_.bucket, code.empty() ? fmt::format("status {}", status) : code);
  } else if (status == 412) {
    error.detail = "the object's state does not match the condition of the write";
  } else {
    error.detail = fmt::format("{} answered {} {}{}{}", where, status, code, message.empty() ? "" : ": ", message);
  }
  return error;
}

void S3Client::NoteServerTime(const net::Headers& headers) {
  const std::string* date = net::FindHeader(headers, "Date");
  if (date == nullptr) return;
  const auto time = ParseHttpDate(*date);
  if (time) server_ahead_us_.store((*time - clock_.Now()).count(), std::memory_order_relaxed);
}

WallTime S3Client::ServerNow() const {
  return clock_.Now() + std::chrono::microseconds(server_ahead_us_.load(std::memory_order_relaxed));
}

Result<std::unique_ptr<net::HttpResponse>> S3Client::Send(const RequestContext& context, const S3Call& call) {
  LH_ASSIGN(const auto credentials, credentials_.Get(context));
  auto response = client_.Send(context, Sign(call, credentials));
  if (!response) return Fail(std::move(response.error()).In("the object store"));
  NoteServerTime((*response)->headers());
  const int status = (*response)->status();
  if (status < 300) return response;
  std::string body;
  if (call.method != "HEAD") {
    auto text = ReadAll(**response, kMaxTextBytes);
    if (text) body = std::move(*text);
  }
  return Fail(ToError(status, body, call));
}

Result<std::string> S3Client::SendForText(const RequestContext& context, const S3Call& call) {
  LH_ASSIGN(const auto response, Send(context, call));
  return ReadAll(*response, kMaxTextBytes);
}

}  // namespace lakehouse::object
