#include "vector/index_definition.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/json.h"
#include "base/json_value.h"

namespace lakehouse::vector {
namespace {

constexpr size_t kMaxNameBytes = 128;

}  // namespace

Status CheckIndexName(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto other = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  if (!name.empty() && name.size() <= kMaxNameBytes && letter(name.front()) && std::ranges::all_of(name, other)) {
    return {};
  }
  return Fail(ErrorKind::kInvalid,
              "field \"name\" must begin with a letter or _ and go on with letters, digits, _ and -, {} at most",
              kMaxNameBytes);
}

std::string DefinitionKey(std::string_view name) { return std::string(kDefinitionPrefix) + AsciiLower(name) + ".json"; }

std::string EncodeDefinition(const IndexDefinition& definition) {
  std::string text;
  JsonWriter(text)
      .BeginObject()
      .Key("uid")
      .String(definition.uid)
      .Key("name")
      .String(definition.name)
      .Key("created_at")
      .String(definition.created_at)
      .Key("dimension")
      .Number(definition.options.dimension)
      .Key("metric")
      .String(MetricName(definition.options.metric))
      .Key("quantization")
      .String(QuantizationName(definition.options.quantization))
      .Key("m")
      .Number(definition.options.m)
      .Key("ef_construction")
      .Number(definition.options.ef_construction)
      .Key("text_field")
      .String(definition.options.text_field)
      .EndObject();
  return text;
}

Result<IndexDefinition> DecodeDefinition(std::string_view text) {
  LH_ASSIGN(const auto value, ParseJson(text));
  LH_ASSIGN(const auto fields, JsonFields::Of(value, "the definition"));
  IndexDefinition definition;
  LH_ASSIGN(definition.uid, fields.String("uid"));
  LH_ASSIGN(definition.name, fields.String("name"));
  LH_ASSIGN(definition.created_at, fields.String("created_at"));
  LH_ASSIGN(const auto dimension, fields.Uint("dimension"));
  LH_ASSIGN(const auto m, fields.Uint("m"));
  LH_ASSIGN(const auto ef_construction, fields.Uint("ef_construction"));
  LH_ASSIGN(const auto metric, fields.String("metric"));
  LH_ASSIGN(const auto quantization, fields.String("quantization"));
  LH_ASSIGN(const auto text_field, fields.OptionalString("text_field"));
  const auto known_metric = MetricOf(metric);
  const auto known_quantization = QuantizationOf(quantization);
  if (!known_metric || !known_quantization) {
    return Fail(ErrorKind::kInternal, "metric \"{}\" or quantization \"{}\" is unknown to this program", metric,
                quantization);
  }
  constexpr uint64_t kMax = ~uint32_t{0};
  definition.options = {static_cast<uint32_t>(std::min(dimension, kMax)),
                        *known_metric,
                        *known_quantization,
                        static_cast<uint32_t>(std::min(m, kMax)),
                        static_cast<uint32_t>(std::min(ef_construction, kMax)),
                        text_field.value_or("")};
  LH_TRY(CheckOptions(definition.options));
  LH_TRY(CheckIndexName(definition.name));
  return definition;
}

Status ReplaceDefinition(object::ObjectStore& store, const RequestContext& context, const IndexDefinition& before,
                         const IndexDefinition& after) {
  const std::string key = DefinitionKey(before.name), wanted = EncodeDefinition(after);
  LH_ASSIGN(const auto reader, store.Get(context, key, {}));
  object::PutOptions put;
  put.content_type = "application/json";
  put.if_match = reader->info().etag;
  LH_ASSIGN(const std::string stored, ReadAll(*reader, size_t{1} << 20));
  const auto changed = [&] {
    return Fail(ErrorKind::kConflict, "the vector index \"{}\" was dropped or changed meanwhile", before.name);
  };
  if (stored != EncodeDefinition(before)) return changed();
  const auto replaced = object::PutWhole(store, context, key, wanted, put);
  if (replaced) return {};
  if (replaced.error().kind != ErrorKind::kPreconditionFailed && replaced.error().kind != ErrorKind::kAmbiguous) {
    return Fail(replaced.error());
  }
  // A retry inside the store may have met its own first try: what is there says whether it is ours.
  LH_ASSIGN(const std::string there, object::GetWhole(store, context, key));
  if (there == wanted) return {};
  return changed();
}

}  // namespace lakehouse::vector
