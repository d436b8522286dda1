#include <charconv>

#include "base/json.h"
#include "http/api_schemas.h"
#include "http/routes.h"
#include "object/key.h"

namespace lakehouse::http {
namespace {

using object::ObjectInfo;

constexpr std::chrono::minutes kBodyDeadline{60};

std::string Quoted(std::string_view etag) { return fmt::format("\"{}\"", etag); }

// The entity tag inside quotes, with or without a weak mark; what is unquoted stands for itself.
std::string_view Unquoted(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  return tag;
}

// RFC 9110, 13.1.2: a list of tags, or *.
bool AnyTagMatches(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view tag = list.substr(0, comma);
    while (!tag.empty() && (tag.front() == ' ' || tag.front() == '\t')) tag.remove_prefix(1);
    while (!tag.empty() && (tag.back() == ' ' || tag.back() == '\t')) tag.remove_suffix(1);
    if (tag == "*" || Unquoted(tag) == etag) return true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return false;
}

// One range of bytes (RFC 9110, 14.1.2), before the object's size is known.
struct RequestedRange {
  std::optional<uint64_t> first, last;  // no first: the last `last` bytes
};

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// A header that is malformed, of another unit or of several ranges is ignored, as the RFC allows: the whole is sent.
std::optional<RequestedRange> ParseRange(std::string_view header) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  const size_t dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return std::nullopt;
  const RequestedRange range{ParseNumber(header.substr(0, dash)), ParseNumber(header.substr(dash + 1))};
  if (!range.first && (dash != 0 || !range.last)) return std::nullopt;
  if (range.first && !range.last && dash + 1 != header.size()) return std::nullopt;
  if (range.first && range.last && *range.last < *range.first) return std::nullopt;
  return range;
}

void SetObjectHeaders(Response& response, const ObjectInfo& info) {
  response.SetHeader("ETag", Quoted(info.etag));
  response.SetHeader("Last-Modified", FormatHttpDate(info.last_modified));
  response.SetHeader("Accept-Ranges", "bytes");
  response.SetHeader("Content-Type", info.content_type.empty() ? "application/octet-stream" : info.content_type);
  // An object's bytes are a stranger's: no browser may run them as our page.
  response.SetHeader("X-Content-Type-Options", "nosniff");
  response.SetHeader("Content-Security-Policy", "sandbox; default-src 'none'");
}

Result<object::ByteRange> ToByteRange(const RequestedRange& range, uint64_t size, Response& response) {
  const auto unsatisfiable = [&] {
    response.SetHeader("Content-Range", fmt::format("bytes */{}", size));
    return Fail(ErrorKind::kRangeNotSatisfiable, "the range lies outside the object's {} bytes", size);
  };
  if (!range.first) {
    const uint64_t tail = std::min(*range.last, size);
    if (tail == 0) return unsatisfiable();
    return object::ByteRange{size - tail, tail};
  }
  if (*range.first >= size) return unsatisfiable();
  const uint64_t last = std::min(range.last.value_or(size - 1), size - 1);
  return object::ByteRange{*range.first, last - *range.first + 1};
}

// The precondition headers of a read. True: answer 304.
Result<bool> CheckReadConditions(const Request& request, const ObjectInfo& info) {
  const std::string* if_match = request.header("If-Match");
  if (if_match != nullptr && !AnyTagMatches(*if_match, info.etag)) {
    return Fail(ErrorKind::kPreconditionFailed, "the object's ETag is not the one in If-Match");
  }
  const std::string* if_none_match = request.header("If-None-Match");
  if (if_none_match != nullptr) return AnyTagMatches(*if_none_match, info.etag);
  const std::string* since = request.header("If-Modified-Since");
  if (since == nullptr) return false;
  const auto time = ParseHttpDate(*since);
  return time && std::chrono::floor<std::chrono::seconds>(info.last_modified) <= *time;
}

Status SendNotModified(Response& response, const ObjectInfo& info) {
  response.SetHeader("ETag", Quoted(info.etag));
  LH_TRY(response.Start(304, 0));
  return response.Finish();
}

// If-Range: the range counts only while the object is still the one named.
bool RangeCounts(const Request& request, const ObjectInfo& info) {
  const std::string* if_range = request.header("If-Range");
  if (if_range == nullptr) return true;
  if (if_range->starts_with('"')) return Unquoted(*if_range) == info.etag;
  return *if_range == FormatHttpDate(info.last_modified);
}

Status GetRange(service::Storage& storage, const RequestContext& context, const Request& request, Response& response,
                const RequestedRange& requested) {
  const std::string& key = request.capture("key");
  LH_ASSIGN(const ObjectInfo info, storage.Head(context, key));
  LH_ASSIGN(const bool not_modified, CheckReadConditions(request, info));
  if (not_modified) return SendNotModified(response, info);
  object::GetOptions options;
  options.if_match = info.etag;
  const bool partial = RangeCounts(request, info);
  if (partial) {
    LH_ASSIGN(options.range, ToByteRange(requested, info.size, response));
  }
  LH_ASSIGN(const auto reader, storage.Get(context, key, options));
  SetObjectHeaders(response, reader->info());
  if (partial) {
    response.SetHeader("Content-Range", fmt::format("bytes {}-{}/{}", reader->offset(),
                                                    reader->offset() + reader->length() - 1, info.size));
  }
  LH_TRY(response.Start(partial ? 206 : 200, reader->length()));
  LH_TRY(response.WriteFrom(*reader));
  return response.Finish();
}

Status GetObject(service::Storage& storage, const RequestContext& context, Request& request, Response& response) {
  const std::string* range = request.header("Range");
  if (range != nullptr) {
    const auto requested = ParseRange(*range);
    if (requested) return GetRange(storage, context, request, response, *requested);
  }
  LH_ASSIGN(const auto reader, storage.Get(context, request.capture("key"), {}));
  LH_ASSIGN(const bool not_modified, CheckReadConditions(request, reader->info()));
  if (not_modified) return SendNotModified(response, reader->info());
  SetObjectHeaders(response, reader->info());
  LH_TRY(response.Start(200, reader->length()));
  LH_TRY(response.WriteFrom(*reader));
  return response.Finish();
}

Status HeadObject(service::Storage& storage, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const ObjectInfo info, storage.Head(context, request.capture("key")));
  LH_ASSIGN(const bool not_modified, CheckReadConditions(request, info));
  if (not_modified) return SendNotModified(response, info);
  SetObjectHeaders(response, info);
  LH_TRY(response.Start(200, info.size));
  return response.Finish();
}

Status PutObject(service::Storage& storage, const RequestContext& context, Request& request, Response& response) {
  object::PutOptions options;
  options.size = request.has_body() ? request.content_length() : 0;
  if (const std::string* type = request.header("Content-Type")) options.content_type = *type;
  if (const std::string* tag = request.header("If-None-Match")) {
    if (*tag != "*") return Fail(ErrorKind::kInvalid, "If-None-Match of a PUT must be *");
    options.if_none_match = true;
  }
  if (const std::string* tag = request.header("If-Match")) options.if_match = std::string(Unquoted(*tag));
  if (options.if_none_match && options.if_match) {
    return Fail(ErrorKind::kInvalid, "If-Match and If-None-Match contradict each other");
  }
  LH_ASSIGN(const auto result, storage.Put(context, request.capture("key"), request.body(), options));
  std::string body;
  JsonWriter(body)
      .BeginObject()
      .Key("key")
      .String(result.info.key)
      .Key("size")
      .Number(result.info.size)
      .Key("etag")
      .String(result.info.etag)
      .EndObject();
  response.SetHeader("ETag", Quoted(result.info.etag));
  return response.SendJson(result.created ? 201 : 200, body);
}

Status DeleteObject(service::Storage& storage, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(storage.Delete(context, request.capture("key")));
  LH_TRY(response.Start(204, 0));
  return response.Finish();
}

std::string ListJson(const object::ListPage& page) {
  std::string body;
  JsonWriter json(body);
  json.BeginObject().Key("objects").BeginArray();
  for (const ObjectInfo& info : page.objects) {
    json.BeginObject().Key("key").String(info.key).Key("size").Number(info.size).Key("etag").String(info.etag);
    json.Key("last_modified").String(FormatRfc3339(info.last_modified)).EndObject();
  }
  json.EndArray().Key("prefixes").BeginArray();
  for (const std::string& prefix : page.prefixes) json.String(prefix);
  json.EndArray().Key("next_token");
  if (page.next_token) {
    json.String(*page.next_token);
  } else {
    json.Null();
  }
  json.Key("truncated").Bool(page.next_token.has_value()).EndObject();
  return body;
}

Status ListObjects(service::Storage& storage, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(request.OnlyQuery({"prefix", "limit", "token", "delimiter", "start_after"}));
  object::ListOptions options;
  options.limit = 10000;
  const auto take = [&](std::string_view name, std::string& out) {
    if (const std::string* value = request.query(name)) out = *value;
  };
  take("prefix", options.prefix);
  take("token", options.token);
  take("delimiter", options.delimiter);
  take("start_after", options.start_after);
  if (const std::string* limit = request.query("limit")) {
    const auto number = ParseNumber(*limit);
    if (!number || *number == 0)
      return Fail(ErrorKind::kInvalid, "limit must be a whole number of 1 or more, not \"{}\"", *limit);
    options.limit = static_cast<uint32_t>(std::min<uint64_t>(*number, options.limit));
  }
  LH_ASSIGN(const auto page, storage.List(context, options));
  return response.SendJson(200, ListJson(page));
}

// The storage may be nullptr as long as no route is called.
void AddStorageRoutesTo(Router& router, service::Storage* storage) {
  const auto bind = [storage](auto function) {
    return [storage, function](const RequestContext& context, Request& request, Response& response) {
      return function(*storage, context, request, response);
    };
  };
  constexpr const char* kObject = "/storage/objects/{key...}";
  router.Add({.method = "PUT",
              .pattern = kObject,
              .handler = bind(PutObject),
              .summary = "Store an object; durable before the answer",
              .deadline = kBodyDeadline,
              .doc = {.headers = "If-Match If-None-Match",
                      .body = "application/octet-stream bytes, */* bytes",
                      .answers = "200 application/json Stored, 201 application/json Stored",
                      .schemas = kStorageSchemas},
              .scope = auth::Scope::kWrite});
  router.Add({.method = "GET",
              .pattern = kObject,
              .handler = bind(GetObject),
              .summary = "An object's bytes, whole or a range",
              .deadline = kBodyDeadline,
              .doc = {.headers = "Range If-None-Match", .answers = "200 */* bytes, 206 */* bytes, 304"},
              .scope = auth::Scope::kRead});
  router.Add({.method = "HEAD",
              .pattern = kObject,
              .handler = bind(HeadObject),
              .summary = "An object's size, ETag and type",
              .doc = {.answers = "200, 304"},
              .scope = auth::Scope::kRead});
  router.Add({.method = "DELETE",
              .pattern = kObject,
              .handler = bind(DeleteObject),
              .summary = "Remove an object",
              .doc = {.answers = "204"},
              .scope = auth::Scope::kWrite});
  router.Add({.method = "GET",
              .pattern = "/storage/objects",
              .handler = bind(ListObjects),
              .summary = "Objects in byte order of their keys",
              .doc = {.query = "prefix limit:positive token delimiter start_after",
                      .answers = "200 application/json ObjectPage",
                      .schemas = kStorageSchemas},
              .scope = auth::Scope::kRead});
}

}  // namespace

void AddStorageRoutes(Router& router, service::Storage& storage) { AddStorageRoutesTo(router, &storage); }
void DescribeStorageRoutes(Router& router) { AddStorageRoutesTo(router, nullptr); }

}  // namespace lakehouse::http
