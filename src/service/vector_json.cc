#include "service/vector_json.h"

#include <simdjson.h>

#include <algorithm>
#include <span>

#include "base/json_value.h"

namespace lakehouse::service {
namespace {

namespace json = boost::json;
namespace ondemand = simdjson::ondemand;

void WriteFloat(JsonWriter& out, float value) {
  std::string text;
  AppendJsonFloat(text, value);
  out.Raw(text);
}

void WriteVector(JsonWriter& out, const std::vector<float>& vector) {
  out.BeginArray();
  for (const float value : vector) WriteFloat(out, value);
  out.EndArray();
}

void WriteMetadata(JsonWriter& out, const std::optional<std::string>& metadata) {
  out.Key("metadata");
  if (metadata) {
    out.Raw(*metadata);
  } else {
    out.Null();
  }
}

Result<uint32_t> OptionalCount(const JsonFields& fields, std::string_view name, uint32_t otherwise) {
  LH_ASSIGN(const auto value, fields.OptionalUint(name));
  return static_cast<uint32_t>(std::min<uint64_t>(value.value_or(otherwise), ~uint32_t{0}));
}

Status CheckFieldNames(const json::value& body, std::span<const std::string_view> known, std::string_view what) {
  for (const auto& field : body.get_object()) {
    if (std::ranges::find(known, std::string_view(field.key())) == known.end()) {
      return Fail(ErrorKind::kInvalid, "unknown field \"{}\"; {}", std::string_view(field.key()), what);
    }
  }
  return {};
}

Result<vector::Quantization> ParseQuantization(std::string_view name) {
  if (const auto known = vector::QuantizationOf(name)) return *known;
  return Fail(ErrorKind::kInvalid, "field \"quantization\" must be sq8, none, bf16, rabitq4 or rabitq1");
}

Result<vector::IndexOptions> ParseOptions(const JsonFields& fields) {
  vector::IndexOptions options;
  LH_ASSIGN(const uint64_t dimension, fields.Uint("dimension"));
  options.dimension = static_cast<uint32_t>(std::min<uint64_t>(dimension, ~uint32_t{0}));
  LH_ASSIGN(const auto metric, fields.OptionalString("metric"));
  const auto known_metric = vector::MetricOf(metric.value_or("cosine"));
  if (!known_metric) return Fail(ErrorKind::kInvalid, "field \"metric\" must be cosine, l2 or dot");
  options.metric = *known_metric;
  LH_ASSIGN(const auto quantization, fields.OptionalString("quantization"));
  LH_ASSIGN(options.quantization, ParseQuantization(quantization.value_or("sq8")));
  LH_ASSIGN(const auto text_field, fields.OptionalString("text_field"));
  options.text_field = text_field.value_or("");
  LH_ASSIGN(options.m, OptionalCount(fields, "m", options.m));
  LH_ASSIGN(options.ef_construction, OptionalCount(fields, "ef_construction", options.ef_construction));
  return options;
}

void WriteOptions(JsonWriter& out, std::string_view name, const vector::IndexOptions& options) {
  out.Key("name").String(name).Key("dimension").Number(options.dimension);
  out.Key("metric").String(vector::MetricName(options.metric));
  out.Key("quantization").String(vector::QuantizationName(options.quantization));
  out.Key("m").Number(options.m).Key("ef_construction").Number(options.ef_construction);
  out.Key("text_field").String(options.text_field);
}

// Fields of an item or a hit. Metadata keeps its text: a number that was parsed and written again may look different.
// Throws simdjson_error.
vector::Hit ReadHit(ondemand::object object) {
  vector::Hit hit;
  for (auto field : object) {
    const std::string_view key = field.unescaped_key();
    ondemand::value value = field.value();
    if (key == "id") {
      hit.id = std::string_view(value.get_string());
    } else if (key == "distance") {
      hit.distance = static_cast<float>(double{value.get_double()});
    } else if (key == "score") {
      hit.score = static_cast<float>(double{value.get_double()});
    } else if (key == "vector") {
      for (auto element : value.get_array()) hit.vector.push_back(static_cast<float>(double{element.get_double()}));
    } else if (key == "metadata" && !value.is_null()) {
      ondemand::object metadata = value.get_object();
      hit.metadata = std::string_view(metadata.raw_json());
    }
  }
  return hit;
}

// What `read` makes of a role's answer.
template <typename T>
Result<T> ReadAnswer(std::string_view json, T (*read)(ondemand::object)) {
  const simdjson::padded_string padded(json);
  ondemand::parser parser;
  try {
    ondemand::document document = parser.iterate(padded);
    return read(document.get_object());
  } catch (const simdjson::simdjson_error& error) {
    return Fail(ErrorKind::kUpstream, "the answer of vectord is not what was expected: {}", error.what());
  }
}

}  // namespace

std::string WriteDefinition(const VectorIndexDefinition& definition) {
  std::string text;
  JsonWriter out(text);
  out.BeginObject();
  WriteOptions(out, definition.name, definition.options);
  out.EndObject();
  return text;
}

Result<VectorIndexDefinition> ParseDefinition(std::string_view json) {
  LH_ASSIGN(const auto value, ParseJson(json));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the request body"));
  constexpr std::string_view kNames[] = {"name",         "dimension", "metric", "m", "ef_construction",
                                         "quantization", "text_field"};
  LH_TRY(CheckFieldNames(value, kNames,
                         "an index has name, dimension, metric, m, ef_construction, quantization and text_field"));
  VectorIndexDefinition definition;
  LH_ASSIGN(definition.name, fields.String("name"));
  LH_ASSIGN(definition.options, ParseOptions(fields));
  return definition;
}

std::string WriteRebuild(const vector::RebuildOptions& options) {
  std::string text;
  JsonWriter out(text);
  out.BeginObject();
  if (options.quantization) out.Key("quantization").String(vector::QuantizationName(*options.quantization));
  if (options.m) out.Key("m").Number(*options.m);
  if (options.ef_construction) out.Key("ef_construction").Number(*options.ef_construction);
  out.EndObject();
  return text;
}

Result<vector::RebuildOptions> ParseRebuild(std::string_view json) {
  vector::RebuildOptions options;
  if (json.empty()) return options;
  LH_ASSIGN(const auto value, ParseJson(json));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the request body"));
  constexpr std::string_view kNames[] = {"quantization", "m", "ef_construction"};
  LH_TRY(CheckFieldNames(value, kNames, "a rebuild has quantization, m and ef_construction"));
  LH_ASSIGN(const auto quantization, fields.OptionalString("quantization"));
  if (quantization) {
    LH_ASSIGN(options.quantization, ParseQuantization(*quantization));
  }
  if (value.get_object().contains("m")) {
    LH_ASSIGN(options.m, OptionalCount(fields, "m", 0));
  }
  if (value.get_object().contains("ef_construction")) {
    LH_ASSIGN(options.ef_construction, OptionalCount(fields, "ef_construction", 0));
  }
  return options;
}

void WriteInfo(JsonWriter& out, const VectorIndexInfo& info) {
  out.BeginObject();
  WriteOptions(out, info.name, info.options);
  out.Key("length").Number(info.length).Key("version").Number(info.version).Key("bytes").Number(info.bytes);
  out.EndObject();
}

Result<VectorIndexInfo> ParseInfo(const json::value& value) {
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "an index"));
  VectorIndexInfo info;
  LH_ASSIGN(info.name, fields.String("name"));
  LH_ASSIGN(info.options, ParseOptions(fields));
  LH_ASSIGN(info.length, fields.Uint("length"));
  LH_ASSIGN(info.version, fields.Uint("version"));
  LH_ASSIGN(info.bytes, fields.Uint("bytes"));
  return info;
}

Result<std::vector<VectorIndexInfo>> ParseInfos(std::string_view json) {
  LH_ASSIGN(const auto value, ParseJson(json));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  LH_ASSIGN(const auto* indexes, fields.Array("indexes"));
  std::vector<VectorIndexInfo> infos;
  for (const auto& index : *indexes) {
    LH_ASSIGN(auto info, ParseInfo(index));
    infos.push_back(std::move(info));
  }
  return infos;
}

std::string WriteApplied(const vector::Applied& applied) {
  std::string text;
  JsonWriter out(text);
  out.BeginObject().Key("added").Number(applied.added).Key("updated").Number(applied.updated);
  out.Key("length").Number(applied.length).Key("version").Number(applied.version.value).EndObject();
  return text;
}

Result<vector::Applied> ParseApplied(std::string_view json) {
  LH_ASSIGN(const auto value, ParseJson(json));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the answer"));
  vector::Applied applied;
  LH_ASSIGN(applied.added, fields.Uint("added"));
  LH_ASSIGN(applied.updated, fields.Uint("updated"));
  LH_ASSIGN(applied.length, fields.Uint("length"));
  LH_ASSIGN(applied.version.value, fields.Uint("version"));
  return applied;
}

void WriteItem(JsonWriter& out, const vector::StoredItem& item, vector::ItemColumns columns) {
  out.BeginObject().Key("id").String(item.id);
  if (columns.vector) {
    out.Key("vector");
    WriteVector(out, item.vector);
  }
  if (columns.metadata) WriteMetadata(out, item.metadata);
  out.EndObject();
}

Result<vector::StoredItem> ParseItem(std::string_view json) {
  LH_ASSIGN(auto hit, ReadAnswer(json, ReadHit));
  return vector::StoredItem{std::move(hit.id), std::move(hit.vector), std::move(hit.metadata)};
}

std::string WriteSearch(const vector::SearchRequest& request) {
  std::string text;
  JsonWriter out(text);
  out.BeginObject().Key("k").Number(request.k).Key("exact").Bool(request.exact);
  if (!request.vector.empty()) {
    out.Key("vector");
    WriteVector(out, request.vector);
  }
  if (request.text) out.Key("text").String(*request.text);
  if (request.text && !request.vector.empty()) out.Key("fusion").String("rrf");
  if (request.ef) out.Key("ef").Number(*request.ef);
  if (request.recall_target) out.Key("recall_target").Number(*request.recall_target);
  if (request.filter) out.Key("filter").Raw(request.filter->Canonical());
  if (request.max_distance) WriteFloat(out.Key("max_distance"), *request.max_distance);
  if (request.min_version) out.Key("min_version").Number(request.min_version->value);
  out.Key("include").BeginArray();
  if (request.include_metadata) out.String("metadata");
  if (request.include_vector) out.String("vector");
  out.EndArray().EndObject();
  return text;
}

void WriteAnswer(JsonWriter& out, const vector::SearchAnswer& answer, const vector::SearchRequest& request) {
  out.BeginObject().Key("results").BeginArray();
  for (const vector::Hit& hit : answer.hits) {
    out.BeginObject().Key("id").String(hit.id);
    if (!request.vector.empty()) WriteFloat(out.Key("distance"), hit.distance);
    if (request.text) WriteFloat(out.Key("score"), hit.score);
    if (request.include_metadata) WriteMetadata(out, hit.metadata);
    if (request.include_vector) {
      out.Key("vector");
      WriteVector(out, hit.vector);
    }
    out.EndObject();
  }
  out.EndArray().Key("version").Number(answer.version.value).EndObject();
}

Result<vector::SearchAnswer> ParseAnswer(std::string_view json) {
  return ReadAnswer<vector::SearchAnswer>(json, [](ondemand::object object) {
    vector::SearchAnswer answer;
    for (auto hit : object["results"].get_array()) answer.hits.push_back(ReadHit(hit.get_object()));
    answer.version.value = object["version"].get_uint64();
    return answer;
  });
}

}  // namespace lakehouse::service
