#include "mcp/resources.h"

#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/json.h"
#include "mcp/names.h"
#include "mcp/protocol.h"
#include "service/catalog_json.h"
#include "service/vector_json.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr uint32_t kPage = 100;

json::object Contents(std::string_view uri, std::string text) {
  return {{"contents", json::array{json::object{{"uri", uri}, {"mimeType", "application/json"}, {"text", text}}}}};
}

Result<json::object> ReadDataset(const Services& services, const Call& call, std::string_view uri) {
  std::string_view name = uri.substr(kDatasetPrefix.size());
  std::optional<uint64_t> version;
  if (const size_t at = name.find('@'); at != std::string_view::npos) {
    uint64_t number = 0;
    const std::string_view text = name.substr(at + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      return Fail(ErrorKind::kNotFound, "after the @ stands a version's number: lakehouse://datasets/trips@3");
    }
    version = number;
    name = name.substr(0, at);
  }
  LH_ASSIGN(auto* catalog, Need(services.catalog, "the catalog"));
  LH_ASSIGN(auto manifest, FindDataset(*catalog, call.context, name, version));
  manifest.objects.clear();  // where the bytes lie is no use to a model, and may be thousands of lines
  std::string text;
  JsonWriter writer(text);
  service::AppendManifest(writer, manifest);
  return Contents(uri, std::move(text));
}

Result<json::object> ReadIndex(const Services& services, const Call& call, std::string_view uri) {
  LH_ASSIGN(auto* vectors, Need(services.vectors, "vector search"));
  LH_ASSIGN(const auto info, vectors->Info(call.context, uri.substr(kIndexPrefix.size())));
  std::string text;
  JsonWriter writer(text);
  service::WriteInfo(writer, info);
  return Contents(uri, std::move(text));
}

json::object DatasetResource(const catalog::Manifest& manifest) {
  return {{"uri", std::string(kDatasetPrefix) + manifest.name},
          {"name", manifest.name},
          {"title", "Dataset " + manifest.name},
          {"description", fmt::format("Schema and version of a dataset of {} rows and {} columns", manifest.row_count,
                                      manifest.schema.size())},
          {"mimeType", "application/json"}};
}

json::object IndexResource(const service::VectorIndexInfo& info) {
  return {{"uri", std::string(kIndexPrefix) + info.name},
          {"name", info.name},
          {"title", "Vector index " + info.name},
          {"description", fmt::format("Vector index of {} items of dimension {}", info.length, info.options.dimension)},
          {"mimeType", "application/json"}};
}

}  // namespace

RpcError ToRpcError(const Error& error, int not_found_code) {
  switch (error.kind) {
    case ErrorKind::kNotFound:
      return {not_found_code, error.detail};
    case ErrorKind::kInvalid:
    case ErrorKind::kUnprocessable:
    case ErrorKind::kTooLarge:
      return {kInvalidParams, error.detail};
    default:
      return {kInternalError, error.detail};
  }
}

Rpc<json::object> ListResources(const Services& services, const Call& call, const json::object& params) {
  catalog::ListRequest request{.limit = kPage, .token = {}};
  if (const json::value* cursor = params.if_contains("cursor"); cursor != nullptr && cursor->is_string()) {
    request.token = std::string(cursor->get_string());
  }
  json::array resources;
  json::object result;
  if (services.catalog != nullptr) {
    const auto page = services.catalog->List(call.context, request);
    if (!page) return std::unexpected(ToRpcError(page.error(), kInvalidParams));
    for (const catalog::Manifest& manifest : page->datasets) resources.push_back(DatasetResource(manifest));
    if (page->next_token) result["nextCursor"] = *page->next_token;
  }
  if (!result.contains("nextCursor") && services.vectors != nullptr) {
    const auto infos = services.vectors->List(call.context);
    if (!infos) return std::unexpected(ToRpcError(infos.error(), kInternalError));
    for (const service::VectorIndexInfo& info : *infos) resources.push_back(IndexResource(info));
  }
  result["resources"] = std::move(resources);
  return result;
}

json::array ResourceTemplates() {
  const auto make = [](std::string_view uri, std::string_view name, std::string_view text) {
    return json::object{
        {"uriTemplate", uri}, {"name", name}, {"title", name}, {"description", text}, {"mimeType", "application/json"}};
  };
  return {make("lakehouse://datasets/{name}", "dataset", "Schema and newest version of a dataset"),
          make("lakehouse://datasets/{name}@{version}", "dataset version", "Schema of a dataset at a version"),
          make("lakehouse://indexes/{name}", "index", "Dimension, metric and size of a vector index")};
}

Result<json::object> ReadResource(const Services& services, const Call& call, std::string_view uri) {
  if (uri.starts_with(kDatasetPrefix)) return ReadDataset(services, call, uri);
  if (uri.starts_with(kIndexPrefix)) return ReadIndex(services, call, uri);
  return Fail(ErrorKind::kNotFound,
              "no such resource; there are lakehouse://datasets/{{name}} and lakehouse://indexes/{{name}}");
}

std::vector<std::string> CompleteName(const Services& services, const Call& call, std::string_view argument,
                                      std::string_view ref_uri, std::string_view typed) {
  std::vector<std::string> names;
  const bool wants_index = argument == "index" || ref_uri.starts_with(kIndexPrefix);
  if (argument != "name" && argument != "dataset" && argument != "index") return names;
  if (wants_index && services.vectors != nullptr) {
    const auto infos = services.vectors->List(call.context);
    if (infos) {
      for (const auto& info : *infos) names.push_back(info.name);
    }
  } else if (!wants_index && services.catalog != nullptr) {
    auto all = DatasetNames(*services.catalog, call.context);
    if (all) names = std::move(*all);
  }
  std::erase_if(names, [typed](const std::string& name) { return !name.starts_with(typed); });
  return names;
}

}  // namespace lakehouse::mcp
