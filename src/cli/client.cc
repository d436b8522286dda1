#include "cli/client.h"

#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/json_value.h"
#include "base/uuid.h"
#include "cli/exit_code.h"
#include "net/problem.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr uint64_t kMaxErrorBytes = 1 << 20;
constexpr uint64_t kMaxAnswerBytes = uint64_t{1} << 30;
// A server may work on a large ingest or query for long without a byte either way; Ctrl-C ends the wait.
constexpr std::chrono::hours kIdleTimeout{2};

// A member as text: strings as they are, numbers in digits.
std::string MemberText(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return "";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

std::optional<std::chrono::seconds> RetryAfter(const net::Headers& headers) {
  const std::string* text = net::FindHeader(headers, "Retry-After");
  if (text == nullptr) return std::nullopt;
  uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

Error RefusalOf(int status, const net::Headers& headers, std::string_view body) {
  Error error{net::ErrorOfProblem(status, body).kind,
              fmt::format("the server answered with status {}", status),
              RetryAfter(headers),
              {}};
  std::string request_id;
  if (const auto parsed = ParseJson(body); parsed && parsed->is_object()) {
    const json::object& problem = parsed->get_object();
    const std::string detail = MemberText(problem, "detail");
    const std::string title = MemberText(problem, "title");
    if (!detail.empty() || !title.empty()) error.detail = detail.empty() ? title : detail;
    for (const char* name : {"line", "column"}) {
      if (std::string text = MemberText(problem, name); !text.empty())
        error.members.emplace_back(name, std::move(text));
    }
    request_id = MemberText(problem, "request_id");
  }
  if (request_id.empty()) {
    if (const std::string* header = net::FindHeader(headers, "X-Request-Id")) request_id = *header;
  }
  if (status == 401) error.detail += "; set LAKEHOUSE_API_KEY";
  if (!request_id.empty()) error.members.emplace_back("request_id", std::move(request_id));
  return error;
}

Client::Client(ServerAddress address, std::stop_token stop) : address_(std::move(address)) {
  context_.cancelled = std::move(stop);
  net::HttpClientOptions options;
  options.idle_timeout = kIdleTimeout;
  options.user_agent = "lakehouse-cli";
  options.ca_file = address_.ca_file;
  http_ = std::make_unique<net::HttpClient>(options);
}

Result<Client> Client::Of(ServerAddress address, std::stop_token stop) {
  while (address.url.ends_with('/')) address.url.pop_back();
  const bool scheme = address.url.starts_with("http://") || address.url.starts_with("https://");
  if (!scheme || address.url.ends_with("//") || address.url.find_first_of(" \t\r\n") != std::string::npos) {
    return Fail(UsageError(fmt::format("\"{}\" is no server URL; write it like http://127.0.0.1:3110", address.url)));
  }
  return Client(std::move(address), std::move(stop));
}

Result<std::unique_ptr<net::HttpResponse>> Client::SendRaw(Call call) {
  context_.request_id = RandomUuid();
  context_.deadline = call.deadline;
  net::HttpRequest request;
  request.method = std::move(call.method);
  request.url = address_.url + call.path;
  request.headers = std::move(call.headers);
  if (!address_.api_key.empty()) request.headers.emplace_back("Authorization", "Bearer " + address_.api_key);
  request.body = call.body;
  request.body_bytes = call.body_bytes;
  auto response = http_->Send(context_, request);
  if (response) return response;
  Error error = std::move(response).error();
  if (context_.cancelled.stop_requested()) return Fail(ErrorKind::kCancelled, "interrupted");
  if (error.kind == ErrorKind::kUnavailable) {
    return Fail(CannotConnect(error.detail + "; is the server running (lakehouse serve), or is --url wrong?"));
  }
  return Fail(std::move(error));
}

Result<std::unique_ptr<net::HttpResponse>> Client::Send(Call call) {
  LH_ASSIGN(auto response, SendRaw(std::move(call)));
  if (response->status() < 400) return response;
  const auto body = ReadAll(*response, kMaxErrorBytes);
  return Fail(RefusalOf(response->status(), response->headers(), body ? std::string_view(*body) : std::string_view()));
}

Result<std::string> Client::Text(std::string_view method, std::string_view path, std::string_view json_body) {
  StringSource source(json_body);
  Call call;
  call.method = method;
  call.path = path;
  call.headers = {{"Accept", "application/json"}};
  if (!json_body.empty()) {
    call.headers.emplace_back("Content-Type", "application/json");
    call.body = &source;
    call.body_bytes = json_body.size();
  }
  LH_ASSIGN(auto response, Send(std::move(call)));
  return ReadAll(*response, kMaxAnswerBytes);
}

Result<json::value> Client::Json(std::string_view method, std::string_view path, std::string_view json_body) {
  LH_ASSIGN(const std::string text, Text(method, path, json_body));
  auto parsed = ParseJson(text);
  if (!parsed)
    return Fail(ErrorKind::kUpstream, "{} does not answer like a lakehouse server: {}", address_.url,
                parsed.error().detail);
  return parsed;
}

std::string ManifestPath(std::string_view dataset) {
  return "/v1/catalog/manifest/" + net::PercentEncode(dataset, false);
}

std::string ObjectPath(std::string_view key) { return "/v1/storage/objects/" + net::PercentEncode(key, true); }

Result<json::array> AllDatasets(Client& client) {
  json::array all;
  std::string token;
  do {
    LH_ASSIGN(const json::value page,
              client.Json("GET", "/v1/catalog/list?limit=1000" +
                                     (token.empty() ? "" : "&token=" + net::PercentEncode(token, false))));
    LH_ASSIGN(const auto fields, JsonFields::Of(page, "the server's answer"));
    LH_ASSIGN(const json::array* datasets, fields.Array("datasets"));
    all.insert(all.end(), datasets->begin(), datasets->end());
    LH_ASSIGN(const auto next, fields.OptionalString("next_token"));
    token = next.value_or("");
  } while (!token.empty());
  return all;
}

}  // namespace lakehouse::cli
