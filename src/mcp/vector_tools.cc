// list_indexes and search_vectors.

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/json_value.h"
#include "mcp/names.h"
#include "mcp/tool.h"
#include "service/vector_json.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr uint64_t kMaxK = 1000;
constexpr size_t kMaxMetadataText = 300;

Result<json::object> AsObject(std::string_view text) {
  LH_ASSIGN(json::value value, ParseJson(text));
  if (!value.is_object()) return Fail(ErrorKind::kInternal, "not an object");
  return std::move(value.get_object());
}

Result<ToolResult> ListIndexes(service::Vectors* service, const Budget& budget, const Call& call,
                               const json::object& given, Spent& spent) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"next"}));
  LH_ASSIGN(const auto after, arguments.OptionalText("next"));
  LH_ASSIGN(auto* vectors, Need(service, "vector search"));
  LH_ASSIGN(auto infos, vectors->List(call.context));
  std::ranges::sort(infos, {}, &service::VectorIndexInfo::name);
  if (after) std::erase_if(infos, [&after](const auto& info) { return info.name <= *after; });
  const bool truncated = infos.size() > budget.max_rows;
  if (truncated) infos.resize(budget.max_rows);
  std::string text = infos.empty() ? "There are no vector indexes.\n" : "name | dimension | metric | items | text\n";
  json::array indexes;
  for (const service::VectorIndexInfo& info : infos) {
    std::string written;
    JsonWriter writer(written);
    service::WriteInfo(writer, info);
    LH_ASSIGN(auto object, AsObject(written));
    indexes.push_back(std::move(object));
    text.append(fmt::format("{} | {} | {} | {} | {}\n", info.name, info.options.dimension,
                            vector::MetricName(info.options.metric), info.length,
                            info.options.text_field.empty() ? "-" : info.options.text_field));
  }
  spent.rows = infos.size();
  json::object structured{{"indexes", std::move(indexes)}};
  if (truncated) {
    structured["next"] = infos.back().name;
    text.append(fmt::format("There are more: call again with next=\"{}\".\n", infos.back().name));
  }
  return TextResult(text, std::move(structured));
}

Result<std::vector<float>> ReadVector(const json::value* given) {
  std::vector<float> vector;
  if (given == nullptr) return vector;
  if (!given->is_array()) return Fail(ErrorKind::kInvalid, "argument \"vector\" must be an array of numbers");
  if (given->get_array().size() > vector::kMaxDimension)
    return Fail(ErrorKind::kInvalid, "argument \"vector\" has more than {} numbers", vector::kMaxDimension);
  for (const json::value& number : given->get_array()) {
    if (!number.is_number()) return Fail(ErrorKind::kInvalid, "argument \"vector\" must be an array of numbers");
    vector.push_back(static_cast<float>(number.to_number<double>()));
  }
  return vector;
}

Result<vector::SearchRequest> ReadSearch(const Arguments& arguments, const Budget& budget) {
  vector::SearchRequest request;
  LH_ASSIGN(request.vector, ReadVector(arguments.Find("vector")));
  LH_ASSIGN(request.text, arguments.OptionalText("text"));
  if (request.vector.empty() && !request.text) {
    return Fail(ErrorKind::kInvalid, "give \"vector\", \"text\" or both");
  }
  LH_ASSIGN(request.k, arguments.Count("k", 10, std::min(kMaxK, budget.max_rows)));
  LH_ASSIGN(request.exact, arguments.Flag("exact", false));
  if (const json::value* filter = arguments.Find("filter")) {
    LH_ASSIGN(request.filter, vector::Filter::FromJson(*filter));
  }
  return request;
}

// The error, with what the index is and which there are.
Error WithIndexes(Error error, service::Vectors& vectors, const RequestContext& context, const std::string& name) {
  if (error.kind != ErrorKind::kNotFound && error.kind != ErrorKind::kInvalid) return error;
  const auto infos = vectors.List(context);
  if (!infos) return error;
  std::vector<std::string> names;
  for (const auto& info : *infos) {
    names.push_back(info.name);
    if (info.name != name) continue;
    error.detail.append(fmt::format("\nIndex {} has dimension {} and {}", name, info.options.dimension,
                                    info.options.text_field.empty() ? std::string("no text field: search it by vector")
                                                                    : "the text field " + info.options.text_field));
    return error;
  }
  const auto near = NearNames(name, names);
  error.detail.append(near.empty() ? "\nThe indexes are: " + ListNames(names)
                                   : fmt::format("\nDid you mean {}?", ListNames(near)));
  return error;
}

struct Found {
  vector::SearchAnswer answer;
  bool has_distance = true, has_score = false;  // of the vectors, of the words
};

// A text is its words in an index with a text field, and its vector in one without.
Result<Found> Find(service::Vectors& vectors, const RequestContext& context, const std::string& index,
                   const vector::SearchRequest& request) {
  LH_ASSIGN(const auto options, vectors.Options(context, index));
  vector::SearchesRequest searches{.requests = {request}};
  LH_TRY(vectors.Fill(context, options, searches));
  LH_ASSIGN(auto answer, vectors.Search(context, index, searches.requests.front()));
  return Found{std::move(answer), !request.vector.empty() || options.text_field.empty(),
               request.text && !options.text_field.empty()};
}

Result<ToolResult> Search(service::Vectors* service, const Budget& budget, const Call& call, const json::object& given,
                          Spent& spent) {
  LH_ASSIGN(const auto arguments, Arguments::Of(given, {"index", "vector", "text", "k", "filter", "exact"}));
  LH_ASSIGN(const std::string index, arguments.Text("index"));
  LH_ASSIGN(const auto request, ReadSearch(arguments, budget));
  LH_ASSIGN(auto* vectors, Need(service, "vector search"));
  const auto found = Find(*vectors, call.context, index, request);
  if (!found) return Fail(WithIndexes(found.error(), *vectors, call.context, index));
  spent.dataset = index;
  const vector::SearchAnswer& answer = found->answer;
  std::string text = answer.hits.empty() ? "Nothing was found.\n" : "id | distance or score | metadata\n";
  json::array results;
  bool truncated = false;
  for (const vector::Hit& hit : answer.hits) {
    const size_t size = hit.id.size() + hit.metadata.value_or("").size() + 64;
    if (spent.bytes + size > budget.max_bytes) {
      truncated = true;
      break;
    }
    spent.bytes += size;
    json::object result{{"id", hit.id}};
    if (found->has_distance) result["distance"] = hit.distance;
    if (found->has_score) result["score"] = hit.score;
    LH_ASSIGN(json::value metadata, ParseJson(hit.metadata.value_or("null")));
    result["metadata"] = std::move(metadata);
    results.push_back(std::move(result));
    text.append(fmt::format("{} | {:.6g} | {}\n", hit.id, found->has_distance ? hit.distance : hit.score,
                            hit.metadata.value_or("-").substr(0, kMaxMetadataText)));
  }
  spent.rows = results.size();
  if (truncated) text.append("Cut at the size limit: ask for fewer (k).\n");
  return TextResult(
      text, json::object{{"results", std::move(results)}, {"version", answer.version.value}, {"truncated", truncated}});
}

}  // namespace

void AddVectorTools(std::vector<Tool>& tools, const Services& services, const Budget& budget) {
  tools.push_back(
      {.name = "list_indexes",
       .title = "List vector indexes",
       .description = "The vector indexes with dimension, metric, number of items and searchable text field.",
       .input_schema = R"({"type":"object","properties":{
                     "next":{"type":"string","description":"From an earlier answer: the indexes after those"}},
                     "additionalProperties":false})",
       .output_schema = R"({"type":"object","properties":{"indexes":{"type":"array","items":{
                     "type":"object","properties":{"name":{"type":"string"},"dimension":{"type":"integer"},
                     "metric":{"type":"string"},"length":{"type":"integer"}},
                     "required":["name","dimension","metric","length"]}},"next":{"type":"string"}},
                     "required":["indexes"]})",
       .run = [vectors = services.vectors, budget](const Call& call, const json::object& arguments, Spent& spent) {
         return ListIndexes(vectors, budget, call, arguments, spent);
       }});
  tools.push_back(
      {.name = "search_vectors",
       .title = "Search a vector index",
       .description = "The items of an index nearest to a vector, best for a text, or both fused; a filter "
                      "looks at the items' metadata, e.g. {\"year\":{\"$gte\":2020}}.",
       .input_schema = R"({"type":"object","properties":{
                     "index":{"type":"string","description":"An index of list_indexes"},
                     "vector":{"type":"array","items":{"type":"number"}},
                     "text":{"type":"string","description":"For indexes with a text field"},
                     "k":{"type":"integer","minimum":1,"maximum":1000,"default":10},
                     "filter":{"type":"object"},
                     "exact":{"type":"boolean","default":false,"description":"Compare with every item"}},
                     "required":["index"],"additionalProperties":false})",
       .output_schema = R"({"type":"object","properties":{"results":{"type":"array","items":{
                     "type":"object","properties":{"id":{"type":"string"},"distance":{"type":"number"},
                     "score":{"type":"number"},"metadata":{}},"required":["id"]}},"version":{"type":"integer"},
                     "truncated":{"type":"boolean"}},"required":["results","version","truncated"]})",
       .run = [vectors = services.vectors, budget](const Call& call, const json::object& arguments, Spent& spent) {
         return Search(vectors, budget, call, arguments, spent);
       }});
}

}  // namespace lakehouse::mcp
