#include "service/remote_call.h"

#include <charconv>

#include "net/problem.h"

namespace lakehouse::service {
namespace {

constexpr uint64_t kMaxAnswerBytes = uint64_t{256} << 20;

// In seconds; the form with a date is none that a role sends.
std::optional<std::chrono::seconds> RetryAfter(const net::Headers& headers) {
  const std::string* text = net::FindHeader(headers, "Retry-After");
  uint32_t seconds = 0;
  if (text == nullptr || std::from_chars(text->data(), text->data() + text->size(), seconds).ec != std::errc()) {
    return std::nullopt;
  }
  return std::chrono::seconds(seconds);
}

}  // namespace

RemoteRole::RemoteRole(net::HttpClient& client, std::string name, std::string base_url, std::string role_token)
    : client_(&client), name_(std::move(name)), base_url_(std::move(base_url)), role_token_(std::move(role_token)) {
  while (base_url_.ends_with('/')) base_url_.pop_back();
}

Result<std::unique_ptr<net::HttpResponse>> RemoteRole::Send(const RequestContext& context, net::HttpRequest request,
                                                            std::string_view path) const {
  request.url = base_url_ + std::string(path);
  request.headers.emplace_back("X-Lakehouse-Role-Token", role_token_);
  auto response = client_->Send(context, request);
  if (!response) return Fail(std::move(response.error()).In(name_));
  if ((*response)->status() < 400) return response;
  auto problem = ReadAll(**response, kMaxAnswerBytes);
  if (!problem) return Fail(std::move(problem.error()).In(name_));
  Error error = net::ErrorOfProblem((*response)->status(), *problem);
  error.retry_after = RetryAfter((*response)->headers());
  return Fail(std::move(error));
}

Result<RemoteRole::Answer> RemoteRole::Call(const RequestContext& context, std::string_view method,
                                            std::string_view path, std::string_view body,
                                            std::string_view content_type) const {
  net::HttpRequest request;
  request.method = method;
  StringSource source(body);
  if (!body.empty()) {
    request.headers.emplace_back("Content-Type", content_type);
    request.body = &source;
    request.body_bytes = body.size();
  }
  LH_ASSIGN(const auto response, Send(context, std::move(request), path));
  Answer answer;
  answer.status = response->status();
  auto bytes = ReadAll(*response, kMaxAnswerBytes);
  if (!bytes) return Fail(std::move(bytes.error()).In(name_));
  answer.body = std::move(*bytes);
  return answer;
}

Result<std::unique_ptr<net::HttpResponse>> RemoteRole::Open(const RequestContext& context, std::string_view path,
                                                            std::string_view accept) const {
  net::HttpRequest request;
  request.headers.emplace_back("Accept", accept);
  return Send(context, std::move(request), path);
}

Result<std::unique_ptr<net::HttpResponse>> RemoteRole::Post(const RequestContext& context, std::string_view path,
                                                            std::string_view accept, std::string_view body) const {
  net::HttpRequest request;
  request.method = "POST";
  StringSource source(body);
  request.headers.emplace_back("Accept", accept);
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = &source;
  request.body_bytes = body.size();
  return Send(context, std::move(request), path);
}

Status RemoteRole::Ready(const RequestContext& context) const {
  const auto answer = Call(context, "GET", "/ready");
  if (answer) return {};
  if (answer.error().kind == ErrorKind::kCancelled) return Fail(answer.error());
  return Fail(ErrorKind::kUnavailable, "{} is not ready: {}", name_, answer.error().detail);
}

}  // namespace lakehouse::service
