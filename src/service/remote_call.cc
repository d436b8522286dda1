#include "service/remote_call.h"

#include "net/problem.h"

namespace lakehouse::service {
namespace {

constexpr uint64_t kMaxAnswerBytes = uint64_t{256} << 20;

}  // namespace

RemoteRole::RemoteRole(net::HttpClient& client, std::string name, std::string base_url, std::string role_token)
    : client_(&client), name_(std::move(name)), base_url_(std::move(base_url)), role_token_(std::move(role_token)) {
  while (base_url_.ends_with('/')) base_url_.pop_back();
}

Result<RemoteRole::Answer> RemoteRole::Call(const RequestContext& context, std::string_view method,
                                            std::string_view path, std::string_view json_body) const {
  net::HttpRequest request;
  request.method = method;
  request.url = base_url_ + std::string(path);
  request.headers.emplace_back("X-Lakehouse-Role-Token", role_token_);
  StringSource body(json_body);
  if (!json_body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = &body;
    request.body_bytes = json_body.size();
  }
  auto response = client_->Send(context, request);
  if (!response) return Fail(std::move(response.error()).In(name_));
  Answer answer;
  answer.status = (*response)->status();
  auto bytes = ReadAll(**response, kMaxAnswerBytes);
  if (!bytes) return Fail(std::move(bytes.error()).In(name_));
  answer.body = std::move(*bytes);
  if (answer.status >= 400) return Fail(net::ErrorOfProblem(answer.status, answer.body));
  return answer;
}

Status RemoteRole::Ready(const RequestContext& context) const {
  const auto answer = Call(context, "GET", "/ready");
  if (answer) return {};
  if (answer.error().kind == ErrorKind::kCancelled) return Fail(answer.error());
  return Fail(ErrorKind::kUnavailable, "{} is not ready: {}", name_, answer.error().detail);
}

}  // namespace lakehouse::service
