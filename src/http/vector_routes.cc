#include "base/json.h"
#include "http/api_schemas.h"
#include "http/problem.h"
#include "http/routes.h"
#include "service/vector_json.h"
#include "vector/batch.h"
#include "vector/item_stream.h"
#include "vector/items_arrow.h"

namespace lakehouse::http {
namespace {

constexpr uint64_t kMaxDefinitionBytes = uint64_t{64} << 10;
constexpr uint64_t kMaxSearchBytes = uint64_t{64} << 20;
constexpr std::string_view kArrowStream = "application/vnd.apache.arrow.stream";
constexpr std::string_view kLines = "application/x-ndjson";
constexpr uint64_t kMaxAddBytes = uint64_t{256} << 20;

Status CreateIndex(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxDefinitionBytes));
  LH_ASSIGN(const auto definition, service::ParseDefinition(body));
  LH_ASSIGN(const auto info, vectors.Create(context, definition.name, definition.options));
  std::string text;
  JsonWriter json(text);
  service::WriteInfo(json, info);
  return response.SendJson(201, text);
}

Status ListIndexes(service::Vectors& vectors, const RequestContext& context, Request&, Response& response) {
  LH_ASSIGN(const auto infos, vectors.List(context));
  std::string text;
  JsonWriter json(text);
  json.BeginObject().Key("indexes").BeginArray();
  for (const auto& info : infos) service::WriteInfo(json, info);
  json.EndArray().EndObject();
  return response.SendJson(200, text);
}

Status ShowIndex(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const auto info, vectors.Info(context, request.capture("name")));
  std::string text;
  JsonWriter json(text);
  service::WriteInfo(json, info);
  return response.SendJson(200, text);
}

Status RebuildIndex(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxDefinitionBytes));
  LH_ASSIGN(const auto options, service::ParseRebuild(body));
  LH_ASSIGN(const auto info, vectors.Rebuild(context, request.capture("name"), options));
  std::string text;
  JsonWriter json(text);
  service::WriteInfo(json, info);
  return response.SendJson(200, text);
}

Status DropIndex(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(vectors.Drop(context, request.capture("name")));
  LH_TRY(response.Start(204, 0));
  return response.Finish();
}

std::string LoadedJson(const service::VectorsLoaded& loaded, const std::string& dataset) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject().Key("added").Number(loaded.applied.added).Key("updated").Number(loaded.applied.updated);
  json.Key("length").Number(loaded.applied.length).Key("version").Number(loaded.applied.version.value);
  json.Key("source").BeginObject().Key("dataset").String(dataset);
  json.Key("version").Number(loaded.version.value).EndObject().EndObject();
  return text;
}

// With lines wanted, the answer begins with the first batch that is in; what fails before is an answer of its own, and
// what fails after is the last line.
Status LoadItems(service::VectorLoads* loader, std::string_view from, const RequestContext& context, Request& request,
                 Response& response) {
  if (loader == nullptr) return Fail(ErrorKind::kNotImplemented, "this vectord reads no datasets");
  LH_ASSIGN(const auto source, service::ParseVectorSource(from));
  const std::string* accept = request.header("Accept");
  const bool lines = accept != nullptr && accept->starts_with(kLines);
  const auto progress = [&](uint64_t done, uint64_t of) -> Status {
    if (!lines) return {};
    if (!response.started()) {
      response.SetHeader("Content-Type", kLines);
      LH_TRY(response.Start(200, std::nullopt));
    }
    LH_TRY(response.Write(fmt::format("{{\"done\":{},\"of\":{}}}\n", done, of)));
    return response.Flush();
  };
  const auto loaded = loader->Load(context, request.capture("name"), source, progress);
  if (!response.started()) {
    if (!loaded) return Fail(loaded.error());
    if (!lines) return response.SendJson(200, LoadedJson(*loaded, source.dataset));
    return response.Send(200, kLines, LoadedJson(*loaded, source.dataset) + "\n");
  }
  LH_TRY(response.Write(
      (loaded ? LoadedJson(*loaded, source.dataset) : ProblemJson(loaded.error(), request.path(), context.request_id)) +
      "\n"));
  return response.Finish();
}

Status AddItems(service::VectorLoads* loader, service::Vectors& vectors, const RequestContext& context,
                Request& request, Response& response) {
  const std::string& name = request.capture("name");
  LH_ASSIGN(const auto options, vectors.Options(context, name));
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxAddBytes));
  const std::string* type = request.header("Content-Type");
  const bool arrow = type != nullptr && type->starts_with(kArrowStream);
  vector::NewItems items;
  if (arrow) {
    LH_ASSIGN(static_cast<vector::Batch&>(items), vector::DecodeArrowItems(options, body));
  } else {
    LH_ASSIGN(items, vector::ParseBatch(options, body));
    if (!items.from.empty()) return LoadItems(loader, items.from, context, request, response);
    LH_TRY(vectors.Fill(context, options, items));
  }
  LH_ASSIGN(const auto applied, vectors.Add(context, name, items));
  return response.SendJson(200, service::WriteApplied(applied));
}

// As JSON, or as an Arrow stream of vectors with everything else in the query parameter "options".
Result<vector::SearchesRequest> ParseSearches(const Request& request, const vector::IndexOptions& index,
                                              std::string_view body) {
  const std::string* type = request.header("Content-Type");
  if (type == nullptr || !type->starts_with(kArrowStream)) return vector::ParseSearch(body);
  const std::string* options = request.query("options");
  LH_ASSIGN(const auto search, vector::ParseSearchOptions(options == nullptr ? "{}" : *options));
  return vector::DecodeArrowSearches(index, search, body);
}

Status SearchIndex(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  const std::string name = request.capture("name");
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxSearchBytes));
  LH_ASSIGN(const auto index, vectors.Options(context, name));
  LH_ASSIGN(auto searches, ParseSearches(request, index, body));
  LH_TRY(vectors.Fill(context, index, searches));
  std::vector<vector::SearchAnswer> answers;
  for (const auto& search : searches.requests) {
    LH_ASSIGN(auto answer, vectors.Search(context, name, search));
    answers.push_back(std::move(answer));
  }
  const std::string* accept = request.header("Accept");
  if (accept != nullptr && accept->starts_with(kArrowStream)) {
    LH_ASSIGN(const std::string stream, vector::EncodeArrowHits(searches.requests, answers, searches.batch));
    return response.Send(200, kArrowStream, stream);
  }
  std::string text;
  JsonWriter json(text);
  if (searches.batch) json.BeginObject().Key("answers").BeginArray();
  for (size_t i = 0; i < answers.size(); ++i) service::WriteAnswer(json, answers[i], searches.requests[i]);
  if (searches.batch) json.EndArray().EndObject();
  return response.SendJson(200, text);
}

Status WriteLines(service::VectorScan& scan, vector::ItemColumns columns, ByteSink& sink) {
  std::string lines;
  while (true) {
    LH_ASSIGN(const auto items, scan.Next());
    if (items.empty()) return {};
    lines.clear();
    for (const auto& item : items) {
      JsonWriter json(lines);
      service::WriteItem(json, item, columns);
      lines += '\n';
    }
    LH_TRY(sink.Write(lines));
  }
}

Status WriteArrow(service::VectorScan& scan, uint32_t dimension, vector::ItemColumns columns, ByteSink& sink) {
  LH_ASSIGN(const auto writer, vector::ItemStreamWriter::Open(dimension, columns, sink));
  while (true) {
    LH_ASSIGN(const auto items, scan.Next());
    if (items.empty()) return writer->Finish();
    LH_TRY(writer->Write(items));
  }
}

Result<bool> Wanted(const Request& request, std::string_view column) {
  const std::string* value = request.query(column);
  if (value == nullptr || *value == "true") return true;
  if (*value == "false") return false;
  return Fail(ErrorKind::kInvalid, "query parameter \"{}\" must be true or false", column);
}

Status ListItems(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(request.OnlyQuery({"vector", "metadata"}));
  vector::ItemColumns columns;
  LH_ASSIGN(columns.vector, Wanted(request, "vector"));
  LH_ASSIGN(columns.metadata, Wanted(request, "metadata"));
  const std::string& name = request.capture("name");
  LH_ASSIGN(const auto options, vectors.Options(context, name));
  LH_ASSIGN(const auto scan, vectors.Scan(context, name, columns));
  const std::string* accept = request.header("Accept");
  const bool arrow = accept != nullptr && accept->starts_with(kArrowStream);
  response.SetHeader("Content-Type", arrow ? kArrowStream : kLines);
  response.SetHeader("X-Lakehouse-Index-Version", std::to_string(scan->version().value));
  response.SetHeader("X-Lakehouse-Index-Length", std::to_string(scan->length()));
  LH_TRY(response.Start(200, std::nullopt));
  LH_TRY(arrow ? WriteArrow(*scan, options.dimension, columns, response) : WriteLines(*scan, columns, response));
  return response.Finish();
}

Status ShowItem(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const auto item, vectors.Get(context, request.capture("name"), request.capture("id")));
  std::string text;
  JsonWriter json(text);
  service::WriteItem(json, item, {});
  return response.SendJson(200, text);
}

Status RemoveItem(service::Vectors& vectors, const RequestContext& context, Request& request, Response& response) {
  LH_TRY(vectors.Remove(context, request.capture("name"), request.capture("id")));
  LH_TRY(response.Start(204, 0));
  return response.Finish();
}

void AddVectorRoutesTo(Router& router, service::Vectors* vectors, VectorRouteOptions options) {
  using Work = std::function<Status(service::Vectors&, const RequestContext&, Request&, Response&)>;
  const auto add = [&](std::string method, std::string pattern, std::string summary, Work work, std::string_view body,
                       std::string_view answers, std::string_view query = {}) {
    const bool reads = method == "GET" || pattern.ends_with("/search");
    const bool loads = pattern.ends_with("/add") || pattern.ends_with("/rebuild");
    router.Add({.method = std::move(method),
                .pattern = std::move(pattern),
                .handler = [vectors, work = std::move(work)](
                               const RequestContext& context, Request& request,
                               Response& response) { return work(*vectors, context, request, response); },
                .summary = std::move(summary),
                .deadline = loads ? options.load_deadline : options.deadline,
                .doc = {.query = query, .body = body, .answers = answers, .schemas = kVectorSchemas},
                .scope = reads ? auth::Scope::kRead : auth::Scope::kWrite});
  };
  add("POST", "/vectors/index", "Create a vector index", CreateIndex, "application/json CreateIndex",
      "201 application/json Index");
  add("GET", "/vectors/index", "List vector indexes", ListIndexes, {}, "200 application/json Indexes");
  add("GET", "/vectors/index/{name}", "Show a vector index", ShowIndex, {}, "200 application/json Index");
  add("DELETE", "/vectors/index/{name}", "Drop a vector index", DropIndex, {}, "204");
  add("POST", "/vectors/index/{name}/rebuild", "Give an index other codes or links as it serves", RebuildIndex,
      "?application/json RebuildIndex", "200 application/json Index");
  add(
      "POST", "/vectors/index/{name}/add", "Add or replace items, durably",
      [loader = options.loader](service::Vectors& target, const RequestContext& context, Request& request,
                                Response& response) { return AddItems(loader, target, context, request, response); },
      "application/json AddItems, application/vnd.apache.arrow.stream bytes", "200 application/json Added");
  add("POST", "/vectors/index/{name}/search", "Find the nearest items", SearchIndex,
      "application/json VectorSearch, application/vnd.apache.arrow.stream bytes",
      "200 application/json SearchAnswer, 200 application/vnd.apache.arrow.stream bytes", "options");
  add("GET", "/vectors/index/{name}/items", "Every item, as of one version", ListItems, {},
      "200 application/x-ndjson ListedItem, 200 application/vnd.apache.arrow.stream bytes",
      "vector:true|false metadata:true|false");
  add("GET", "/vectors/index/{name}/items/{id}", "Show an item", ShowItem, {}, "200 application/json Item");
  add("DELETE", "/vectors/index/{name}/items/{id}", "Remove an item", RemoveItem, {}, "204");
}

}  // namespace

void AddVectorRoutes(Router& router, service::Vectors& vectors, VectorRouteOptions options) {
  AddVectorRoutesTo(router, &vectors, options);
}
void DescribeVectorRoutes(Router& router) { AddVectorRoutesTo(router, nullptr, {}); }

}  // namespace lakehouse::http
