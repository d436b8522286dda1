#include "http/openapi.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/json.h"
#include "http/api_samples.h"

namespace lakehouse::http {

namespace {

constexpr std::string_view kProblemType = "application/problem+json";

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

// The parts of `text` between separators, without spaces around them and without empty ones.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// "integer", "positive" (an integer of 1 or more), "duration" ("24h"), or "replace|append".
void WriteType(JsonWriter& json, std::string_view type) {
  json.Key("schema").BeginObject().Key("type");
  if (type == "positive") {
    json.String("integer").Key("minimum").Number(1).EndObject();
    return;
  }
  if (type == "duration") {
    json.String("string").Key("pattern").String("^[0-9]{1,4}(ms|s|m|h|d)$").EndObject();
    return;
  }
  const bool values = type.find('|') != std::string_view::npos;
  json.String(values ? "string" : type);
  if (values) {
    json.Key("enum").BeginArray();
    for (const std::string_view value : Split(type, '|')) json.String(value);
    json.EndArray();
  }
  json.EndObject();
}

std::pair<std::string_view, std::string_view> NameAndType(std::string_view parameter) {
  const size_t colon = parameter.find(':');
  if (colon == std::string_view::npos) return {parameter, "string"};
  return {parameter.substr(0, colon), parameter.substr(colon + 1)};
}

// The value of "name=value" among samples; nullopt without one.
std::optional<std::string_view> SampleValue(const ApiSample* sample, std::string_view name) {
  if (sample == nullptr) return std::nullopt;
  for (const std::string_view item : Split(sample->parameters, ' ')) {
    const size_t equals = item.find('=');
    if (item.substr(0, equals) == name) return item.substr(equals + 1);
  }
  return std::nullopt;
}

void WriteParameter(JsonWriter& json, std::string_view name, std::string_view in, std::string_view type,
                    const ApiSample* sample) {
  const bool is_required = in == "path" || name.ends_with('!');
  if (name.ends_with('!')) name.remove_suffix(1);
  json.BeginObject().Key("name").String(name).Key("in").String(in).Key("required").Bool(is_required);
  WriteType(json, type);
  if (const auto value = SampleValue(sample, name)) {
    json.Key("example");
    if (type == "integer" || type == "positive") {
      json.Raw(*value);
    } else {
      json.String(*value);
    }
  }
}

void WriteParameters(JsonWriter& json, const RouteDoc& doc, const std::vector<Capture>& captures,
                     const ApiSample* sample) {
  if (captures.empty() && doc.query.empty() && doc.headers.empty()) return;
  json.Key("parameters").BeginArray();
  for (const Capture& capture : captures) {
    std::string_view type = "string";
    for (const std::string_view typed : Split(doc.path, ' ')) {
      if (NameAndType(typed).first == capture.name) type = NameAndType(typed).second;
    }
    WriteParameter(json, capture.name, "path", type, sample);
    if (capture.takes_slashes) json.Key("description").String("The rest of the path; may hold slashes");
    json.EndObject();
  }
  const auto write = [&](std::string_view list, std::string_view in) {
    for (const std::string_view parameter : Split(list, ' ')) {
      const auto [name, type] = NameAndType(parameter);
      WriteParameter(json, name, in, type, sample);
      json.EndObject();
    }
  };
  write(doc.query, "query");
  write(doc.headers, "header");
  json.EndArray();
}

// "application/json Manifest" as a member of a content object.
void WriteContent(JsonWriter& json, std::string_view media_type, std::string_view schema,
                  std::string_view sample = {}) {
  json.Key(media_type).BeginObject().Key("schema").BeginObject();
  if (schema == "bytes") {
    json.Key("contentMediaType").String(media_type == "*/*" ? "application/octet-stream" : media_type);
  } else if (schema == "text") {
    json.Key("type").String("string");
  } else {
    json.Key("$ref").String(fmt::format("#/components/schemas/{}", schema));
  }
  json.EndObject();
  if (!sample.empty()) {
    json.Key("example");
    if (media_type == "application/json") {
      json.Raw(sample);
    } else {
      json.String(sample);
    }
  }
  json.EndObject();
}

void WriteBody(JsonWriter& json, std::string_view body, const ApiSample* sample) {
  if (body.empty()) return;
  // Of the first media type alone.
  std::string_view text = sample == nullptr ? std::string_view() : sample->body;
  const bool is_required = !body.starts_with('?');
  if (!is_required) body.remove_prefix(1);
  json.Key("requestBody").BeginObject().Key("required").Bool(is_required).Key("content").BeginObject();
  for (const std::string_view item : Split(body, ',')) {
    const auto words = Split(item, ' ');
    if (words.size() == 2) WriteContent(json, words[0], words[1], std::exchange(text, {}));
  }
  json.EndObject().EndObject();
}

std::string_view Meaning(std::string_view status) {
  if (status == "201") return "Made";
  if (status == "204") return "Done; no body";
  if (status == "206") return "A part, as asked";
  if (status == "304") return "Not changed since";
  if (status == "4XX") return "Refused: what was asked, or who asked, or how often";
  if (status == "5XX") return "Not done: the server or what it stands on";
  return "Success";
}

void WriteAnswers(JsonWriter& json, std::string_view answers) {
  std::map<std::string_view, std::vector<std::pair<std::string_view, std::string_view>>> by_status;
  for (const std::string_view item : Split(answers.empty() ? "2XX" : answers, ',')) {
    const auto words = Split(item, ' ');
    auto& content = by_status[words[0]];
    if (words.size() == 3) content.emplace_back(words[1], words[2]);
  }
  for (const std::string_view errors : {"4XX", "5XX"}) by_status[errors].emplace_back(kProblemType, "Problem");
  json.Key("responses").BeginObject();
  for (const auto& [status, content] : by_status) {
    json.Key(status).BeginObject().Key("description").String(Meaning(status));
    if (!content.empty()) {
      json.Key("content").BeginObject();
      for (const auto& [media_type, schema] : content) WriteContent(json, media_type, schema);
      json.EndObject();
    }
    json.EndObject();
  }
  json.EndObject();
}

void WriteOperation(JsonWriter& json, const Route& route) {
  std::vector<Capture> captures;
  const std::string path = PathOf(route.pattern, captures);
  std::string method = route.method;
  std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 32); });
  json.Key(method).BeginObject();
  json.Key("operationId").String(OperationId(method, path)).Key("summary").String(route.summary);
  // OpenAPI 3.1, 4.8.30: of a bearer key the list names what it must allow. Keys are used only where there are some.
  if (route.scope) {
    json.Key("security").Raw(fmt::format(R"([{{"key":["{}"]}},{{}}])", auth::ScopeName(*route.scope)));
  } else {
    json.Key("security").Raw("[]");
  }
  const ApiSample* const sample = SampleOf(route.method, path);
  WriteParameters(json, route.doc, captures, sample);
  WriteBody(json, route.doc.body, sample);
  WriteAnswers(json, route.doc.answers);
  json.EndObject();
}

// RFC 9457 as every role answers it; some errors have further members.
constexpr std::string_view kProblem =
    R"("Problem":{"type":"object","required":["type","title","status","detail","instance","request_id"],"properties":{)"
    R"("type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},)"
    R"("instance":{"type":"string"},"request_id":{"type":"string"}}})";
constexpr std::string_view kOtherComponents = R"("securitySchemes":{"key":{"type":"http","scheme":"bearer"}})";

std::string Components(const Router& router) {
  std::set<std::string_view> schemas{kProblem};
  for (const Route& route : router.routes()) {
    if (!route.doc.schemas.empty()) schemas.insert(route.doc.schemas);
  }
  std::string members;
  for (const std::string_view schema : schemas) members.append(members.empty() ? "" : ",").append(schema);
  return fmt::format(R"({{"schemas":{{{}}},{}}})", members, kOtherComponents);
}

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
  json.EndObject().Key("components").Raw(Components(router));
  json.EndObject();
  return out;
}

}  // namespace lakehouse::http
