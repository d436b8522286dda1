#include "vector/batch.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "base/json_value.h"
#include "base/utf8.h"

namespace lakehouse::vector {
namespace {

namespace ondemand = simdjson::ondemand;

std::string Named(size_t index, std::string_view id) {
  return id.empty() ? fmt::format("items[{}]", index) : fmt::format("items[{}] (id \"{}\")", index, id);
}

std::unexpected<Error> Malformed(simdjson::error_code code) {
  return Fail(ErrorKind::kInvalid, "the request body is not valid JSON: {}", simdjson::error_message(code));
}

// What is wrong with one element of "vector".
std::unexpected<Error> BadNumber(size_t index, std::string_view id, size_t position) {
  return Fail(ErrorKind::kInvalid, "{}: vector[{}] is not a number that a 32-bit float can hold", Named(index, id),
              position);
}

Status ReadVector(ondemand::value value, size_t index, std::string_view id, uint32_t dimension,
                  std::vector<float>& out) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "{}: field \"vector\" must be an array of numbers", Named(index, id));
  }
  const size_t before = out.size();
  for (auto element : array) {
    double number = 0;
    const auto error = element.get_double().get(number);
    const size_t position = out.size() - before;
    if (error != simdjson::SUCCESS || !(std::abs(number) <= double{std::numeric_limits<float>::max()})) {
      return BadNumber(index, id, position);
    }
    if (position == dimension) {
      return Fail(ErrorKind::kInvalid, "{}: the vector has more than the index's {} dimensions", Named(index, id),
                  dimension);
    }
    out.push_back(static_cast<float>(number));
  }
  if (out.size() - before != dimension) {
    return Fail(ErrorKind::kInvalid, "{}: the vector has {} dimensions; the index has {}", Named(index, id),
                out.size() - before, dimension);
  }
  return {};
}

// The object's text as it came, checked to be JSON, or none for null.
Result<std::optional<std::string>> ReadMetadata(ondemand::value value, size_t index, std::string_view id) {
  bool null = false;
  if (value.is_null().get(null) == simdjson::SUCCESS && null) return std::nullopt;
  ondemand::object object;
  std::string_view text;
  if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(text) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "{}: field \"metadata\" must be an object or null", Named(index, id));
  }
  // On demand parsing skips over what nobody asks for, so the whole is read once more here.
  if (const auto parsed = ParseJson(text); !parsed) {
    return Fail(Error(parsed.error()).In(Named(index, id) + ": field \"metadata\""));
  }
  return std::string(text);
}

Status ReadItem(ondemand::object item, size_t index, uint32_t dimension, Batch& batch) {
  std::string id;
  std::optional<std::string> metadata;
  bool has_vector = false;
  for (auto field : item) {
    std::string_view key;
    ondemand::value value;
    if (auto error = field.unescaped_key().get(key)) return Malformed(error);
    if (auto error = field.value().get(value)) return Malformed(error);
    if (key == "id") {
      std::string_view text;
      if (value.get_string().get(text) != simdjson::SUCCESS) {
        return Fail(ErrorKind::kInvalid, "{}: field \"id\" must be a string", Named(index, {}));
      }
      id = text;
    } else if (key == "vector") {
      if (has_vector) return Fail(ErrorKind::kInvalid, "{}: field \"vector\" stands twice", Named(index, id));
      has_vector = true;
      LH_TRY(ReadVector(value, index, id, dimension, batch.vectors));
    } else if (key == "metadata") {
      LH_ASSIGN(metadata, ReadMetadata(value, index, id));
    } else {
      return Fail(ErrorKind::kInvalid, "{}: unknown field \"{}\"; an item has id, vector and metadata",
                  Named(index, id), key);
    }
  }
  if (!has_vector) return Fail(ErrorKind::kInvalid, "{}: field \"vector\" is missing", Named(index, id));
  batch.ids.push_back(std::move(id));
  batch.metadata.push_back(std::move(metadata));
  return {};
}

Status ReadItems(ondemand::array items, uint32_t dimension, Batch& batch) {
  size_t index = 0;
  for (auto element : items) {
    ondemand::object item;
    if (element.get_object().get(item) != simdjson::SUCCESS) {
      return Fail(ErrorKind::kInvalid, "{} must be an object", Named(index, {}));
    }
    LH_TRY(ReadItem(item, index++, dimension, batch));
  }
  return {};
}

Result<double> ReadNumber(ondemand::value value, std::string_view name) {
  double number = 0;
  if (value.get_double().get(number) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"{}\" must be a number", name);
  }
  return number;
}

Result<uint64_t> ReadCount(ondemand::value value, std::string_view name, uint64_t low, uint64_t high) {
  uint64_t number = 0;
  if (value.get_uint64().get(number) != simdjson::SUCCESS || number < low || number > high) {
    return Fail(ErrorKind::kInvalid, "field \"{}\" must be a whole number from {} to {}", name, low, high);
  }
  return number;
}

Status ReadQueryVector(ondemand::value value, std::vector<float>& vector) {
  ondemand::array array;
  if (!vector.empty()) return Fail(ErrorKind::kInvalid, "field \"vector\" stands twice");
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"vector\" must be an array of numbers");
  }
  for (auto element : array) {
    double number = 0;
    if (element.get_double().get(number) != simdjson::SUCCESS ||
        !(std::abs(number) <= double{std::numeric_limits<float>::max()})) {
      return Fail(ErrorKind::kInvalid, "vector[{}] is not a number that a 32-bit float can hold", vector.size());
    }
    if (vector.size() == kMaxDimension) {
      return Fail(ErrorKind::kInvalid, "field \"vector\" has more than {} dimensions", kMaxDimension);
    }
    vector.push_back(static_cast<float>(number));
  }
  return {};
}

Status ReadInclude(ondemand::value value, SearchRequest& request) {
  const auto wrong = [] {
    return Fail(ErrorKind::kInvalid, "field \"include\" must be an array of \"metadata\" and \"vector\"");
  };
  ondemand::array include;
  if (value.get_array().get(include) != simdjson::SUCCESS) return wrong();
  request.include_metadata = false;
  for (auto entry : include) {
    std::string_view name;
    if (entry.get_string().get(name) != simdjson::SUCCESS) return wrong();
    if (name == "metadata") {
      request.include_metadata = true;
    } else if (name == "vector") {
      request.include_vector = true;
    } else {
      return wrong();
    }
  }
  return {};
}

Status ReadFilter(ondemand::value value, SearchRequest& request) {
  bool null = false;
  if (value.is_null().get(null) == simdjson::SUCCESS && null) return {};
  ondemand::object object;
  std::string_view text;
  if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(text) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"filter\" must be an object");
  }
  LH_ASSIGN(request.filter, Filter::Parse(text));
  return {};
}

Status ReadSearchField(std::string_view key, ondemand::value value, SearchRequest& request) {
  constexpr uint64_t kMaxK = 10'000, kMaxEf = 100'000;
  if (key == "vector") return ReadQueryVector(value, request.vector);
  if (key == "include") return ReadInclude(value, request);
  if (key == "filter") return ReadFilter(value, request);
  if (key == "text" || key == "fusion") {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return Fail(ErrorKind::kInvalid, "field \"{}\" must be a string", key);
    }
    if (key == "text") {
      request.text = std::string(text);
    } else if (text != "rrf") {
      return Fail(ErrorKind::kInvalid, "field \"fusion\" must be \"rrf\"");
    }
    return {};
  }
  if (key == "k") {
    LH_ASSIGN(request.k, ReadCount(value, key, 1, kMaxK));
  } else if (key == "ef") {
    LH_ASSIGN(request.ef, ReadCount(value, key, 1, kMaxEf));
  } else if (key == "min_version") {
    LH_ASSIGN(const uint64_t version, ReadCount(value, key, 0, ~uint64_t{0}));
    request.min_version = IndexVersion(version);
  } else if (key == "recall_target") {
    LH_ASSIGN(request.recall_target, ReadNumber(value, key));
    if (!(*request.recall_target > 0 && *request.recall_target <= 1)) {
      return Fail(ErrorKind::kInvalid, "field \"recall_target\" must be above 0 and at most 1");
    }
  } else if (key == "max_distance") {
    LH_ASSIGN(const double distance, ReadNumber(value, key));
    constexpr double kLargest = std::numeric_limits<float>::max();
    request.max_distance = static_cast<float>(std::clamp(distance, -kLargest, kLargest));
  } else if (key == "exact") {
    if (value.get_bool().get(request.exact) != simdjson::SUCCESS) {
      return Fail(ErrorKind::kInvalid, "field \"exact\" must be true or false");
    }
  } else {
    return Fail(ErrorKind::kInvalid,
                "unknown field \"{}\"; a search has vector, text, fusion, k, ef, recall_target, filter, include, "
                "max_distance, min_version and exact",
                key);
  }
  return {};
}

Status ReadSearchFields(ondemand::object body, SearchRequest& request) {
  for (auto field : body) {
    std::string_view key;
    ondemand::value value;
    if (auto error = field.unescaped_key().get(key)) return Malformed(error);
    if (auto error = field.value().get(value)) return Malformed(error);
    LH_TRY(ReadSearchField(key, value, request));
  }
  return {};
}

Result<SearchRequest> ReadSearch(ondemand::object body) {
  SearchRequest request;
  LH_TRY(ReadSearchFields(body, request));
  if (request.vector.empty() && !request.text) return Fail(ErrorKind::kInvalid, "field \"vector\" is missing or empty");
  return request;
}

constexpr size_t kMaxSearches = 1000;

Status ReadSearches(ondemand::value value, std::vector<SearchRequest>& requests) {
  const auto wrong = [] {
    return Fail(ErrorKind::kInvalid, "field \"searches\" must be an array of at most {} objects", kMaxSearches);
  };
  ondemand::array batch;
  if (value.get_array().get(batch) != simdjson::SUCCESS) return wrong();
  for (auto element : batch) {
    ondemand::object one;
    if (element.get_object().get(one) != simdjson::SUCCESS || requests.size() == kMaxSearches) return wrong();
    auto request = ReadSearch(one);
    if (!request) return Fail(std::move(request.error()).In(fmt::format("searches[{}]", requests.size())));
    requests.push_back(*std::move(request));
  }
  return {};
}

Status CheckEnd(ondemand::document& document) {
  const char* rest = nullptr;
  if (document.current_location().get(rest) == simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "the request body goes on after its end");
  }
  return {};
}

}  // namespace

Status CheckId(std::string_view id) {
  if (id.empty()) return Fail(ErrorKind::kInvalid, "an id must not be empty");
  if (id.size() > kMaxIdBytes) {
    return Fail(ErrorKind::kInvalid, "an id has {} bytes; at most {} are allowed", id.size(), kMaxIdBytes);
  }
  for (const char c : id) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return Fail(ErrorKind::kInvalid, "an id must not hold control characters");
    }
  }
  if (FindInvalidUtf8(id)) return Fail(ErrorKind::kInvalid, "an id must be valid UTF-8");
  return {};
}

Status CheckRequestSize(const Batch& batch) {
  if (batch.ids.size() <= kMaxBatchItems) return {};
  return Fail(ErrorKind::kTooLarge, "a batch of {} items is too large; at most {} are taken at once", batch.ids.size(),
              kMaxBatchItems);
}

Status CheckBatch(const IndexOptions& options, const Batch& batch) {
  // An index may have been dropped and made anew with other options since the batch was read for it.
  if (batch.metadata.size() != batch.ids.size() || batch.vectors.size() != batch.ids.size() * options.dimension) {
    return Fail(ErrorKind::kInvalid, "the batch's vectors do not have the index's {} dimensions", options.dimension);
  }
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    if (auto checked = CheckId(batch.ids[i]); !checked) return Fail(std::move(checked.error()).In(Named(i, {})));
    if (!seen.insert(batch.ids[i]).second) {
      return Fail(ErrorKind::kInvalid, "{} stands twice in the batch", Named(i, batch.ids[i]));
    }
    if (batch.metadata[i] && batch.metadata[i]->size() >= kMaxMetadataBytes) {
      return Fail(ErrorKind::kTooLarge, "{}: the metadata has {} bytes; it must be smaller than {}",
                  Named(i, batch.ids[i]), batch.metadata[i]->size(), kMaxMetadataBytes);
    }
    double squares = 0;
    for (size_t d = 0; d < options.dimension; ++d) {
      const float value = batch.vectors[i * options.dimension + d];
      if (!std::isfinite(value)) return BadNumber(i, batch.ids[i], d);
      squares += double{value} * double{value};
    }
    if (options.metric == Metric::kCosine && !(squares > 1e-30)) {
      return Fail(ErrorKind::kInvalid, "{}: the vector is zero, which has no direction for the cosine metric",
                  Named(i, batch.ids[i]));
    }
    if (squares > 1e30) {
      return Fail(ErrorKind::kInvalid, "{}: the vector is too long: distances would not fit a 32-bit float",
                  Named(i, batch.ids[i]));
    }
  }
  for (const std::string& id : batch.removed) {
    if (!seen.insert(id).second) {
      return Fail(ErrorKind::kInvalid, "the id \"{}\" is removed and stands elsewhere in the batch too", id);
    }
  }
  return {};
}

Result<Batch> ParseBatch(const IndexOptions& options, std::string_view json) {
  const simdjson::padded_string padded(json);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object body;
  if (auto error = parser.iterate(padded).get(document)) return Malformed(error);
  if (document.get_object().get(body) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "the request body must be an object with a field \"items\"");
  }
  Batch batch;
  bool has_items = false;
  for (auto field : body) {
    std::string_view key;
    if (auto error = field.unescaped_key().get(key)) return Malformed(error);
    if (key != "items") return Fail(ErrorKind::kInvalid, "unknown field \"{}\"; the body has items", key);
    ondemand::array items;
    if (has_items || field.value().get_array().get(items) != simdjson::SUCCESS) {
      return Fail(ErrorKind::kInvalid, "field \"items\" must be one array");
    }
    has_items = true;
    LH_TRY(ReadItems(items, options.dimension, batch));
  }
  if (!has_items) return Fail(ErrorKind::kInvalid, "field \"items\" is missing");
  LH_TRY(CheckEnd(document));
  LH_TRY(CheckRequestSize(batch));
  LH_TRY(CheckBatch(options, batch));
  return batch;
}

Status CheckSearchCount(size_t count) {
  if (count <= kMaxSearches) return {};
  return Fail(ErrorKind::kInvalid, "{} searches in one request; at most {} are answered at once", count, kMaxSearches);
}

Result<SearchRequest> ParseSearchOptions(std::string_view json) {
  const simdjson::padded_string padded(json);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object body;
  if (auto error = parser.iterate(padded).get(document)) return Malformed(error);
  if (document.get_object().get(body) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "the options of a search must be an object");
  }
  SearchRequest request;
  LH_TRY(ReadSearchFields(body, request));
  LH_TRY(CheckEnd(document));
  if (request.vector.empty() && !request.text) return request;
  return Fail(ErrorKind::kInvalid,
              "the options of a search have no \"vector\" and no \"text\": the body has the vectors");
}

Result<SearchesRequest> ParseSearch(std::string_view json) {
  const simdjson::padded_string padded(json);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object body;
  if (auto error = parser.iterate(padded).get(document)) return Malformed(error);
  if (document.get_object().get(body) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "the request body must be an object with a field \"vector\"");
  }
  SearchesRequest searches;
  SearchRequest single;
  bool one = false;
  for (auto field : body) {
    std::string_view key;
    ondemand::value value;
    if (auto error = field.unescaped_key().get(key)) return Malformed(error);
    if (auto error = field.value().get(value)) return Malformed(error);
    const bool many = key == "searches";
    if (searches.batch || (many && one)) {
      return Fail(ErrorKind::kInvalid, "field \"searches\" must be the body's only field, and stand once");
    }
    (many ? searches.batch : one) = true;
    LH_TRY(many ? ReadSearches(value, searches.requests) : ReadSearchField(key, value, single));
  }
  LH_TRY(CheckEnd(document));
  if (searches.batch) return searches;
  if (single.vector.empty() && !single.text) {
    return Fail(ErrorKind::kInvalid, "field \"vector\" is missing or empty");
  }
  searches.requests.push_back(std::move(single));
  return searches;
}

}  // namespace lakehouse::vector
