#include "rpc/convert_vectors.h"

#include <algorithm>

#include "base/json.h"
#include "base/json_value.h"
#include "rpc/convert.h"

namespace lakehouse::rpc {
namespace {

constexpr uint32_t kDefaultK = 10;

Result<vector::Metric> MetricOf(v1::Metric metric) {
  switch (metric) {
    case v1::METRIC_UNSPECIFIED:
    case v1::METRIC_COSINE:
      return vector::Metric::kCosine;
    case v1::METRIC_L2:
      return vector::Metric::kL2;
    case v1::METRIC_DOT:
      return vector::Metric::kDot;
    default:
      return BadField("options.metric", "metric {} is not one of Metric", static_cast<int>(metric));
  }
}

Result<std::optional<vector::Quantization>> QuantizationOf(v1::Quantization quantization, std::string_view field) {
  switch (quantization) {
    case v1::QUANTIZATION_UNSPECIFIED:
      return std::nullopt;
    case v1::QUANTIZATION_NONE:
      return vector::Quantization::kNone;
    case v1::QUANTIZATION_BF16:
      return vector::Quantization::kBf16;
    case v1::QUANTIZATION_SQ8:
      return vector::Quantization::kSq8;
    case v1::QUANTIZATION_RABITQ4:
      return vector::Quantization::kRabitq4;
    case v1::QUANTIZATION_RABITQ1:
      return vector::Quantization::kRabitq1;
    default:
      return BadField(field, "quantization {} is not one of Quantization", static_cast<int>(quantization));
  }
}

void AddFloats(std::span<const float> from, google::protobuf::RepeatedField<float>& to) {
  to.Add(from.data(), from.data() + from.size());
}

Status CheckMetadata(const std::string& text) {
  const auto parsed = ParseJson(text);
  if (!parsed) return Fail(Error(parsed.error()).In("metadata"));
  if (!parsed->is_object()) return Fail(ErrorKind::kInvalid, "metadata must be a JSON object");
  return {};
}

Status AddItem(const vector::IndexOptions& options, const v1::Item& item, vector::NewItems& items) {
  const auto size = static_cast<size_t>(item.vector_size());
  const bool has_vector = size > 0;
  if (!has_vector && !item.has_text()) return Fail(ErrorKind::kInvalid, "vector is missing, and so is text");
  if (has_vector && size != options.dimension) {
    return Fail(ErrorKind::kInvalid, "the vector has {} dimensions; the index has {}", size, options.dimension);
  }
  if (item.has_text()) LH_TRY(vector::CheckText(item.text()));
  if (has_vector && item.has_text() && options.text_field.empty()) {
    return Fail(ErrorKind::kInvalid,
                "an item has a vector or a text; both only where the index has a text_field to keep the text in");
  }
  if (item.has_metadata()) LH_TRY(CheckMetadata(item.metadata()));
  if (item.has_text()) items.texts.push_back({items.ids.size(), item.text(), has_vector});
  items.ids.push_back(item.id());
  items.metadata.push_back(item.has_metadata() ? std::optional(item.metadata()) : std::nullopt);
  items.vectors.insert(items.vectors.end(), item.vector().begin(), item.vector().end());
  if (!has_vector) items.vectors.resize(items.vectors.size() + options.dimension);
  return {};
}

// Everything but vectors, text and filter, by the rules that all ways in share.
Result<vector::SearchRequest> OptionsOf(const v1::SearchOptions& options) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject().Key("k").Number(options.k() == 0 ? kDefaultK : options.k());
  if (options.has_ef()) json.Key("ef").Number(options.ef());
  if (options.has_recall_target()) json.Key("recall_target").Number(options.recall_target());
  if (options.has_max_distance()) json.Key("max_distance").Number(double{options.max_distance()});
  if (options.has_min_version()) json.Key("min_version").Number(options.min_version());
  json.Key("exact").Bool(options.exact()).Key("include").BeginArray();
  if (!options.without_metadata()) json.String("metadata");
  if (options.with_vectors()) json.String("vector");
  json.EndArray().EndObject();
  LH_ASSIGN(auto request, vector::ParseSearchOptions(text));
  if (options.has_filter()) {
    auto filter = vector::Filter::Parse(options.filter());
    if (!filter) return Fail(std::move(filter.error()).With(kFieldMember, "options.filter"));
    request.filter = std::move(*filter);
  }
  if (options.has_text()) {
    LH_TRY(vector::CheckText(options.text()));
    request.text = options.text();
  }
  return request;
}

}  // namespace

v1::Metric ToProto(vector::Metric metric) {
  switch (metric) {
    case vector::Metric::kCosine:
      return v1::METRIC_COSINE;
    case vector::Metric::kL2:
      return v1::METRIC_L2;
    case vector::Metric::kDot:
      return v1::METRIC_DOT;
  }
  return v1::METRIC_UNSPECIFIED;
}

v1::Quantization ToProto(vector::Quantization quantization) {
  switch (quantization) {
    case vector::Quantization::kNone:
      return v1::QUANTIZATION_NONE;
    case vector::Quantization::kBf16:
      return v1::QUANTIZATION_BF16;
    case vector::Quantization::kSq8:
      return v1::QUANTIZATION_SQ8;
    case vector::Quantization::kRabitq4:
      return v1::QUANTIZATION_RABITQ4;
    case vector::Quantization::kRabitq1:
      return v1::QUANTIZATION_RABITQ1;
  }
  return v1::QUANTIZATION_UNSPECIFIED;
}

void ToProto(const vector::IndexOptions& options, v1::IndexOptions& out) {
  out.set_dimension(options.dimension);
  out.set_metric(ToProto(options.metric));
  out.set_quantization(ToProto(options.quantization));
  out.set_m(options.m);
  out.set_ef_construction(options.ef_construction);
  out.set_text_field(options.text_field);
}

Result<vector::IndexOptions> FromProto(const v1::IndexOptions& options) {
  vector::IndexOptions out;
  out.dimension = options.dimension();
  LH_ASSIGN(out.metric, MetricOf(options.metric()));
  LH_ASSIGN(const auto quantization, QuantizationOf(options.quantization(), "options.quantization"));
  out.quantization = quantization.value_or(out.quantization);
  if (options.m() != 0) out.m = options.m();
  if (options.ef_construction() != 0) out.ef_construction = options.ef_construction();
  out.text_field = options.text_field();
  return out;
}

void ToProto(const service::VectorIndexInfo& info, v1::IndexInfo& out) {
  out.set_name(info.name);
  ToProto(info.options, *out.mutable_options());
  out.set_length(info.length);
  out.set_version(info.version);
  out.set_bytes(info.bytes);
}

Result<service::VectorIndexInfo> FromProto(const v1::IndexInfo& info) {
  service::VectorIndexInfo out;
  out.name = info.name();
  LH_ASSIGN(out.options, FromProto(info.options()));
  out.length = info.length();
  out.version = info.version();
  out.bytes = info.bytes();
  return out;
}

void ToProto(const vector::RebuildOptions& options, v1::RebuildIndexRequest& out) {
  if (options.quantization) out.set_quantization(ToProto(*options.quantization));
  if (options.m) out.set_m(*options.m);
  if (options.ef_construction) out.set_ef_construction(*options.ef_construction);
}

Result<vector::RebuildOptions> FromProto(const v1::RebuildIndexRequest& request) {
  vector::RebuildOptions out;
  LH_ASSIGN(out.quantization, QuantizationOf(request.quantization(), "quantization"));
  if (request.has_m()) out.m = request.m();
  if (request.has_ef_construction()) out.ef_construction = request.ef_construction();
  return out;
}

void ToProto(const vector::StoredItem& item, v1::Item& out) {
  out.set_id(item.id);
  AddFloats(item.vector, *out.mutable_vector());
  if (item.metadata) out.set_metadata(*item.metadata);
}

vector::StoredItem FromProto(const v1::Item& item) {
  return {item.id(),
          {item.vector().begin(), item.vector().end()},
          item.has_metadata() ? std::optional(item.metadata()) : std::nullopt};
}

Result<vector::NewItems> FromProto(const vector::IndexOptions& options,
                                   const google::protobuf::RepeatedPtrField<v1::Item>& items) {
  vector::NewItems out;
  const auto count = static_cast<size_t>(items.size());
  out.ids.reserve(count);
  out.metadata.reserve(count);
  out.vectors.reserve(std::min(count, vector::kMaxBatchItems) * options.dimension);
  for (const v1::Item& item : items) {
    const size_t nth = out.ids.size();
    if (auto added = AddItem(options, item, out); !added) {
      const std::string field = fmt::format("items[{}]", nth);
      return Fail(
          std::move(added.error()).In(fmt::format("{} (id \"{}\")", field, item.id())).With(kFieldMember, field));
    }
  }
  LH_TRY(vector::CheckRequestSize(out));
  return out;
}

void ToProto(const vector::Batch& batch, google::protobuf::RepeatedPtrField<v1::Item>& out) {
  const size_t dimension = batch.ids.empty() ? 0 : batch.vectors.size() / batch.ids.size();
  out.Reserve(static_cast<int>(batch.ids.size()));
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    v1::Item& item = *out.Add();
    item.set_id(batch.ids[i]);
    AddFloats(std::span(batch.vectors).subspan(i * dimension, dimension), *item.mutable_vector());
    if (batch.metadata[i]) item.set_metadata(*batch.metadata[i]);
  }
}

void ToProto(const vector::Applied& applied, v1::AddItemsResponse& out) {
  out.set_added(applied.added);
  out.set_updated(applied.updated);
  out.set_length(applied.length);
  out.set_version(applied.version.value);
}

vector::Applied FromProto(const v1::AddItemsResponse& response) {
  vector::Applied out;
  out.added = response.added();
  out.updated = response.updated();
  out.length = response.length();
  out.version = vector::IndexVersion(response.version());
  return out;
}

Result<vector::SearchesRequest> FromProto(const v1::SearchRequest& request, uint32_t dimension) {
  const auto size = static_cast<size_t>(request.vectors_size());
  // What is less than two vectors is one, whose length the index itself checks.
  const bool one = size > 0 && size < size_t{2} * dimension;
  if (dimension == 0 || (!one && size % dimension != 0)) {
    return BadField("vectors", "{} floats are no whole number of vectors of the index's {} dimensions", size,
                    dimension);
  }
  LH_ASSIGN(auto search, OptionsOf(request.options()));
  const size_t count = one ? 1 : size / dimension;
  LH_TRY(vector::CheckSearchCount(count));
  if (count == 0 && !search.text) return BadField("vectors", "vectors is empty, and there is no text");
  if (count > 1 && search.text) return BadField("options.text", "a text goes with one vector or none");
  vector::SearchesRequest out;
  out.requests.reserve(std::max<size_t>(count, 1));
  out.batch = count > 1;
  const float* vectors = request.vectors().data();
  for (size_t i = 0; i + 1 < count; ++i) {
    out.requests.push_back(search);
    out.requests.back().vector.assign(vectors + i * dimension, vectors + (i + 1) * dimension);
  }
  if (count > 0) search.vector.assign(vectors + (count - 1) * dimension, vectors + size);
  out.requests.push_back(std::move(search));
  if (request.options().fuse_text()) out.fuse.assign(out.requests.size(), true);
  return out;
}

void ToProto(const vector::SearchRequest& request, v1::SearchRequest& out) {
  AddFloats(request.vector, *out.mutable_vectors());
  v1::SearchOptions& options = *out.mutable_options();
  options.set_k(static_cast<uint32_t>(request.k));
  if (request.ef) options.set_ef(static_cast<uint32_t>(*request.ef));
  if (request.recall_target) options.set_recall_target(*request.recall_target);
  if (request.filter) options.set_filter(request.filter->Canonical());
  if (request.max_distance) options.set_max_distance(*request.max_distance);
  if (request.min_version) options.set_min_version(request.min_version->value);
  if (request.text) options.set_text(*request.text);
  options.set_fuse_text(request.text.has_value() && !request.vector.empty());
  options.set_exact(request.exact);
  options.set_without_metadata(!request.include_metadata);
  options.set_with_vectors(request.include_vector);
}

void ToProto(const vector::SearchAnswer& answer, const vector::SearchRequest& request, v1::SearchAnswer& out) {
  out.set_version(answer.version.value);
  out.mutable_hits()->Reserve(static_cast<int>(answer.hits.size()));
  for (const vector::Hit& hit : answer.hits) {
    v1::Hit& to = *out.add_hits();
    to.set_id(hit.id);
    to.set_distance(hit.distance);
    if (request.text) to.set_score(hit.score);
    if (request.include_metadata && hit.metadata) to.set_metadata(*hit.metadata);
    if (request.include_vector) AddFloats(hit.vector, *to.mutable_vector());
  }
}

vector::SearchAnswer FromProto(const v1::SearchAnswer& answer) {
  vector::SearchAnswer out;
  out.version = vector::IndexVersion(answer.version());
  for (const v1::Hit& hit : answer.hits()) {
    out.hits.push_back({hit.id(),
                        hit.distance(),
                        hit.score(),
                        hit.has_metadata() ? std::optional(hit.metadata()) : std::nullopt,
                        {hit.vector().begin(), hit.vector().end()}});
  }
  return out;
}

void ToProto(const service::VectorSource& source, v1::LoadDatasetRequest& out) {
  out.set_dataset(source.dataset);
  if (source.version) out.set_version(source.version->value);
  out.set_id_column(source.columns.id);
  if (source.columns.text.empty()) out.set_vector_column(source.columns.vector);
  out.set_text_column(source.columns.text);
  for (const auto& column : source.columns.fields) out.add_metadata_columns(column);
}

Result<service::VectorSource> FromProto(const v1::LoadDatasetRequest& request) {
  if (!request.vector_column().empty() && !request.text_column().empty())
    return BadField("text_column", "there is a column of vectors or one of texts, not both");
  service::VectorSource out;
  out.dataset = request.dataset();
  if (request.has_version()) out.version = DatasetVersion(request.version());
  if (!request.id_column().empty()) out.columns.id = request.id_column();
  if (!request.vector_column().empty()) out.columns.vector = request.vector_column();
  out.columns.text = request.text_column();
  out.columns.fields.assign(request.metadata_columns().begin(), request.metadata_columns().end());
  return out;
}

void ToProto(const service::VectorsLoaded& loaded, v1::LoadDatasetResponse& out) {
  ToProto(loaded.applied, *out.mutable_applied());
  out.set_dataset_version(loaded.version.value);
}

service::VectorsLoaded FromProto(const v1::LoadDatasetResponse& response) {
  return {FromProto(response.applied()), DatasetVersion(response.dataset_version())};
}

}  // namespace lakehouse::rpc
