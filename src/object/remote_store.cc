#include "object/remote_store.h"

#include "base/json_value.h"
#include "net/problem.h"
#include "object/http_object.h"

namespace lakehouse::object {
namespace {

constexpr uint64_t kMaxProblemBytes = 64 << 10;
constexpr uint64_t kMaxListBytes = uint64_t{64} << 20;

// "bytes 10-19/300" as offset and whole size.
struct ContentRange {
  uint64_t offset = 0, whole = 0;
};
Result<ContentRange> ParseContentRange(std::string_view text) {
  const size_t dash = text.find('-'), slash = text.find('/');
  if (!text.starts_with("bytes ") || dash == std::string_view::npos || slash == std::string_view::npos) {
    return Fail(ErrorKind::kUpstream, "storaged answered a range without a Content-Range");
  }
  return ContentRange{NumberOf(text.substr(6, dash - 6)), NumberOf(text.substr(slash + 1))};
}

}  // namespace

RemoteStore::RemoteStore(net::HttpClient& client, RemoteStoreOptions options)
    : client_(client), options_(std::move(options)) {
  while (options_.base_url.ends_with('/')) options_.base_url.pop_back();
}

net::HttpRequest RemoteStore::Request(std::string_view method, std::string_view path) const {
  net::HttpRequest request;
  request.method = method;
  request.url = options_.base_url + std::string(path);
  if (!options_.role_token.empty()) request.headers.emplace_back("X-Lakehouse-Role-Token", options_.role_token);
  return request;
}

net::HttpRequest RemoteStore::ObjectRequest(std::string_view method, std::string_view key) const {
  return Request(method, "/storage/objects/" + net::PercentEncode(key, true));
}

Result<std::unique_ptr<net::HttpResponse>> RemoteStore::Send(const RequestContext& context,
                                                             const net::HttpRequest& request) const {
  auto response = client_.Send(context, request);
  if (!response) return Fail(std::move(response.error()).In("storaged"));
  if ((*response)->status() < 400) return response;
  const int status = (*response)->status();
  // A HEAD has no body to explain itself.
  if (request.method == "HEAD") {
    Error error = net::ErrorOfProblem(status, {});
    if (status == 404) error.detail = "no such object";
    return Fail(std::move(error));
  }
  LH_ASSIGN(const std::string body, ReadAll(**response, kMaxProblemBytes));
  return Fail(net::ErrorOfProblem(status, body));
}

Result<PutResult> RemoteStore::Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                   const PutOptions& options) {
  net::HttpRequest request = ObjectRequest("PUT", key);
  request.headers.emplace_back("Content-Type", options.content_type);
  if (options.if_none_match) request.headers.emplace_back("If-None-Match", "*");
  if (options.if_match) request.headers.emplace_back("If-Match", fmt::format("\"{}\"", *options.if_match));
  request.body = &body;
  request.body_bytes = options.size;
  LH_ASSIGN(const auto response, Send(context, request));
  LH_ASSIGN(const std::string answer, ReadAll(*response, kMaxProblemBytes));
  LH_ASSIGN(const auto value, ParseJson(answer));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "storaged's answer"));
  PutResult result;
  result.created = response->status() == 201;
  result.info.key = key;
  result.info.content_type = options.content_type;
  LH_ASSIGN(result.info.size, fields.Uint("size"));
  LH_ASSIGN(result.info.etag, fields.String("etag"));
  return result;
}

Result<std::unique_ptr<ObjectReader>> RemoteStore::Get(const RequestContext& context, std::string_view key,
                                                       const GetOptions& options) {
  net::HttpRequest request = ObjectRequest("GET", key);
  if (options.if_match) request.headers.emplace_back("If-Match", fmt::format("\"{}\"", *options.if_match));
  if (options.range) {
    std::string range = fmt::format("bytes={}-", options.range->offset);
    if (options.range->length) range += std::to_string(options.range->offset + *options.range->length - 1);
    request.headers.emplace_back("Range", range);
  }
  LH_ASSIGN(auto response, Send(context, request));
  ObjectInfo info = InfoOfHeaders(key, response->headers());
  const uint64_t length = info.size;
  uint64_t offset = 0;
  if (response->status() == 206) {
    LH_ASSIGN(const auto range, ParseContentRange(HeaderText(response->headers(), "Content-Range")));
    offset = range.offset;
    info.size = range.whole;
  }
  return std::make_unique<HttpObjectReader>(std::move(response), std::move(info), offset, length);
}

Result<ObjectInfo> RemoteStore::Head(const RequestContext& context, std::string_view key) {
  LH_ASSIGN(const auto response, Send(context, ObjectRequest("HEAD", key)));
  return InfoOfHeaders(key, response->headers());
}

Result<ListPage> RemoteStore::List(const RequestContext& context, const ListOptions& options) {
  std::string path = fmt::format("/storage/objects?limit={}", options.limit);
  const auto add = [&path](std::string_view name, const std::string& value) {
    if (!value.empty()) path += fmt::format("&{}={}", name, net::PercentEncode(value, false));
  };
  add("prefix", options.prefix);
  add("delimiter", options.delimiter);
  add("start_after", options.start_after);
  add("token", options.token);
  LH_ASSIGN(const auto response, Send(context, Request("GET", path)));
  LH_ASSIGN(const std::string answer, ReadAll(*response, kMaxListBytes));
  LH_ASSIGN(const auto value, ParseJson(answer));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "storaged's answer"));
  ListPage page;
  LH_ASSIGN(const auto* objects, fields.Array("objects"));
  for (const auto& item : *objects) {
    LH_ASSIGN(const auto object, JsonFields::Of(item, "an object of storaged's answer"));
    ObjectInfo info;
    LH_ASSIGN(info.key, object.String("key"));
    LH_ASSIGN(info.size, object.Uint("size"));
    LH_ASSIGN(info.etag, object.String("etag"));
    LH_ASSIGN(const std::string modified, object.String("last_modified"));
    LH_ASSIGN(info.last_modified, ParseRfc3339(modified));
    page.objects.push_back(std::move(info));
  }
  LH_ASSIGN(const auto* prefixes, fields.Array("prefixes"));
  for (const auto& prefix : *prefixes) {
    if (prefix.is_string()) page.prefixes.emplace_back(prefix.get_string());
  }
  LH_ASSIGN(page.next_token, fields.OptionalString("next_token"));
  return page;
}

Status RemoteStore::Delete(const RequestContext& context, std::string_view key) {
  LH_TRY(Send(context, ObjectRequest("DELETE", key)));
  return {};
}

Status RemoteStore::Check(const RequestContext& context) {
  LH_TRY(Send(context, Request("GET", "/ready")));
  return {};
}

Result<WallTime> RemoteStore::Now(const RequestContext& context) {
  LH_ASSIGN(const auto response, Send(context, Request("GET", "/health")));
  return ParseHttpDate(HeaderText(response->headers(), "Date"));
}

}  // namespace lakehouse::object
