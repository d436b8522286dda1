#include "http/openapi.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/json.h"

namespace lakehouse::http {

namespace {

struct Capture {
  std::string name;
  bool takes_slashes;
};

// "/storage/objects/{key...}" to "/storage/objects/{key}" and its captures.
std::string PathOf(std::string_view pattern, std::vector<Capture>& captures) {
  std::string path;
  size_t at = 0;
  while (at < pattern.size()) {
    const size_t open = pattern.find('{', at);
    const size_t close = pattern.find('}', at);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    std::string_view name = pattern.substr(open + 1, close - open - 1);
    const bool rest = name.ends_with("...");
    if (rest) name.remove_suffix(3);
    path.append(pattern.substr(at, open - at)).append("{").append(name).append("}");
    captures.push_back({std::string(name), rest});
    at = close + 1;
  }
  return path.append(pattern.substr(at));
}

// "get/v1/catalog/list" as "get_v1_catalog_list": unique, since method and path are.
std::string OperationId(std::string_view method, std::string_view path) {
  std::string id(method);
  for (const char c : path) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (word) {
      id.push_back(c);
    } else if (id.back() != '_') {
      id.push_back('_');
    }
  }
  return id;
}

void WriteCaptures(JsonWriter& json, const std::vector<Capture>& captures) {
  json.Key("parameters").BeginArray();
  for (const Capture& capture : captures) {
    json.BeginObject().Key("name").String(capture.name).Key("in").String("path").Key("required").Bool(true);
    if (capture.takes_slashes) json.Key("description").String("The rest of the path; may hold slashes");
    json.Key("schema").BeginObject().Key("type").String("string").EndObject().EndObject();
  }
  json.EndArray();
}

void WriteOperation(JsonWriter& json, const Route& route) {
  std::vector<Capture> captures;
  const std::string path = PathOf(route.pattern, captures);
  std::string method = route.method;
  std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 32); });
  json.Key(method).BeginObject();
  json.Key("operationId").String(OperationId(method, path)).Key("summary").String(route.summary);
  if (!captures.empty()) WriteCaptures(json, captures);
  json.Key("responses").BeginObject();
  json.Key("2XX").BeginObject().Key("description").String("Success").EndObject();
  json.Key("default").BeginObject().Key("$ref").String("#/components/responses/Problem").EndObject();
  json.EndObject().EndObject();
}

// RFC 9457 as every role answers it.
constexpr std::string_view kComponents =
    R"({"responses":{"Problem":{"description":"What went wrong","content":{"application/problem+json":{"schema":)"
    R"({"$ref":"#/components/schemas/Problem"}}}}},"schemas":{"Problem":{"type":"object","required":["type","title",)"
    R"("status","detail","instance","request_id"],"properties":{"type":{"type":"string"},"title":{"type":"string"},)"
    R"("status":{"type":"integer"},"detail":{"type":"string"},"instance":{"type":"string"},"request_id":{"type":)"
    R"("string"}}}},"securitySchemes":{"key":{"type":"http","scheme":"bearer"}}})";

}  // namespace

std::string OpenApiJson(const Router& router, std::string_view version) {
  std::map<std::string, std::vector<const Route*>> paths;
  for (const Route& route : router.routes()) {
    std::vector<Capture> captures;
    paths[PathOf(route.pattern, captures)].push_back(&route);
  }
  std::string out;
  JsonWriter json(out);
  json.BeginObject().Key("openapi").String("3.1.0");
  json.Key("info").BeginObject().Key("title").String("Lakehouse").Key("version").String(version);
  json.Key("license").BeginObject().Key("name").String("Apache-2.0").Key("identifier").String("Apache-2.0").EndObject();
  json.EndObject();
  json.Key("paths").BeginObject();
  for (auto& [path, routes] : paths) {
    std::ranges::sort(routes, {}, [](const Route* route) { return route->method; });
    json.Key(path).BeginObject();
    for (const Route* route : routes) WriteOperation(json, *route);
    json.EndObject();
  }
  json.EndObject().Key("components").Raw(kComponents);
  // Keys are used only where the server has some.
  json.Key("security").Raw(R"([{"key":[]},{}])").EndObject();
  return out;
}

}  // namespace lakehouse::http
