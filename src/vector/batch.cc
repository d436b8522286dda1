#include "vector/batch.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <unordered_set>

#include "base/json.h"
#include "base/json_value.h"
#include "base/utf8.h"

namespace lakehouse::vector {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kMaxSearches = 1000;
constexpr size_t kMaxVectorBytes = size_t{512} << 20;  // of one request

std::string Named(size_t index, std::string_view id) {
  return id.empty() ? fmt::format("items[{}]", index) : fmt::format("items[{}] (id \"{}\")", index, id);
}

std::unexpected<Error> Malformed(simdjson::error_code code) {
  return Fail(ErrorKind::kInvalid, "the request body is not valid JSON: {}", simdjson::error_message(code));
}

// Calls visit(key, value) for each field; stops at the first that fails.
template <typename Visit>
Status ForEachField(ondemand::object object, Visit visit) {
  for (auto field : object) {
    std::string_view key;
    ondemand::value value;
    if (auto error = field.unescaped_key().get(key)) return Malformed(error);
    if (auto error = field.value().get(value)) return Malformed(error);
    LH_TRY(visit(key, value));
  }
  return {};
}

// What is wrong with one element of "vector".
std::unexpected<Error> BadNumber(size_t position) {
  return Fail(ErrorKind::kInvalid, "vector[{}] is not a number that a 32-bit float can hold", position);
}

// Appends at most `limit` numbers; `whose` limit it is stands in the message.
Status ReadFloats(ondemand::value value, size_t limit, std::string_view whose, std::vector<float>& out) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"vector\" must be an array of numbers");
  }
  const size_t before = out.size();
  for (auto element : array) {
    double number = 0;
    const size_t position = out.size() - before;
    if (element.get_double().get(number) != simdjson::SUCCESS ||
        !(std::abs(number) <= double{std::numeric_limits<float>::max()})) {
      return BadNumber(position);
    }
    if (position == limit) {
      return Fail(ErrorKind::kInvalid, "field \"vector\" has more than {} {} dimensions", whose, limit);
    }
    out.push_back(static_cast<float>(number));
  }
  return {};
}

Status ReadVector(ondemand::value value, uint32_t dimension, std::vector<float>& out) {
  const size_t before = out.size();
  LH_TRY(ReadFloats(value, dimension, "the index's", out));
  if (out.size() - before == dimension) return {};
  return Fail(ErrorKind::kInvalid, "the vector has {} dimensions; the index has {}", out.size() - before, dimension);
}

// The object's text as it came, checked to be JSON, or none for null.
Result<std::optional<std::string>> ReadMetadata(ondemand::value value) {
  bool null = false;
  if (value.is_null().get(null) == simdjson::SUCCESS && null) return std::nullopt;
  ondemand::object object;
  std::string_view text;
  if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(text) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"metadata\" must be an object or null");
  }
  // On demand parsing skips over what nobody asks for, so the whole is read once more here.
  if (const auto parsed = ParseJson(text); !parsed) return Fail(Error(parsed.error()).In("field \"metadata\""));
  return std::string(text);
}

// One item while it is read.
struct ItemFields {
  std::string id;
  std::optional<std::string> metadata, text;
  bool has_vector = false;
};

Status ReadItemField(std::string_view key, ondemand::value value, uint32_t dimension, ItemFields& item,
                     std::vector<float>& vectors) {
  if (key == "vector") {
    if (item.has_vector) return Fail(ErrorKind::kInvalid, "field \"vector\" stands twice");
    item.has_vector = true;
    return ReadVector(value, dimension, vectors);
  }
  if (key == "metadata") {
    LH_ASSIGN(item.metadata, ReadMetadata(value));
    return {};
  }
  if (key != "id" && key != "text") {
    return Fail(ErrorKind::kInvalid, "unknown field \"{}\"; an item has id, vector or text, and metadata", key);
  }
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"{}\" must be a string", key);
  }
  if (key == "id") {
    item.id = text;
  } else {
    item.text = std::string(text);
  }
  return {};
}

Status CheckItemFields(const IndexOptions& options, const ItemFields& item) {
  if (!item.has_vector && !item.text) {
    return Fail(ErrorKind::kInvalid, "field \"vector\" is missing, and so is \"text\"");
  }
  if (item.text) LH_TRY(CheckText(*item.text));
  if (item.has_vector && item.text && options.text_field.empty()) {
    return Fail(ErrorKind::kInvalid,
                "an item has a vector or a text; both only where the index has a text_field to keep the text in");
  }
  return {};
}

Status ReadItem(ondemand::object object, const IndexOptions& options, NewItems& items) {
  ItemFields item;
  auto read = ForEachField(object, [&](std::string_view key, ondemand::value value) {
    return ReadItemField(key, value, options.dimension, item, items.vectors);
  });
  if (read) read = CheckItemFields(options, item);
  const size_t index = items.ids.size();
  if (!read) return Fail(std::move(read).error().In(Named(index, item.id)));
  if (!item.has_vector) items.vectors.resize(items.vectors.size() + options.dimension);
  if (items.vectors.size() * sizeof(float) > kMaxVectorBytes) {
    return Fail(ErrorKind::kTooLarge, "the vectors of these items take more than {} bytes; send fewer items at once",
                kMaxVectorBytes);
  }
  if (item.text) items.texts.push_back({index, *std::move(item.text), item.has_vector});
  items.ids.push_back(std::move(item.id));
  items.metadata.push_back(std::move(item.metadata));
  return {};
}

Status ReadItems(ondemand::value value, const IndexOptions& options, NewItems& items) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"items\" must be one array");
  }
  for (auto element : array) {
    ondemand::object item;
    if (element.get_object().get(item) != simdjson::SUCCESS) {
      return Fail(ErrorKind::kInvalid, "{} must be an object", Named(items.ids.size(), {}));
    }
    LH_TRY(ReadItem(item, options, items));
  }
  return {};
}

Status ReadFrom(ondemand::value value, NewItems& items) {
  ondemand::object object;
  std::string_view text;
  if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(text) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "field \"from\" must be an object");
  }
  items.from = text;
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
  if (!vector.empty()) return Fail(ErrorKind::kInvalid, "field \"vector\" stands twice");
  return ReadFloats(value, kMaxDimension, "the allowed", vector);
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

// A search while it is read.
struct SearchFields {
  SearchRequest request;
  bool fuse = false;
};

Status ReadSearchField(std::string_view key, ondemand::value value, SearchFields& fields) {
  SearchRequest& request = fields.request;
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
      return {};
    }
    if (text != "rrf") return Fail(ErrorKind::kInvalid, "field \"fusion\" must be \"rrf\"");
    fields.fuse = true;
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

Status TakeSearch(SearchFields fields, SearchesRequest& searches) {
  if (fields.request.vector.empty() && !fields.request.text) {
    return Fail(ErrorKind::kInvalid, "field \"vector\" is missing or empty, and there is no \"text\"");
  }
  searches.requests.push_back(std::move(fields.request));
  searches.fuse.push_back(fields.fuse);
  return {};
}

Status ReadSearchFields(ondemand::object body, SearchFields& fields) {
  return ForEachField(body,
                      [&](std::string_view key, ondemand::value value) { return ReadSearchField(key, value, fields); });
}

Status ReadSearches(ondemand::value value, SearchesRequest& searches) {
  const auto wrong = [] {
    return Fail(ErrorKind::kInvalid, "field \"searches\" must be an array of at most {} objects", kMaxSearches);
  };
  ondemand::array batch;
  if (value.get_array().get(batch) != simdjson::SUCCESS) return wrong();
  for (auto element : batch) {
    ondemand::object one;
    if (element.get_object().get(one) != simdjson::SUCCESS || searches.requests.size() == kMaxSearches) return wrong();
    SearchFields fields;
    auto read = ReadSearchFields(one, fields);
    if (read) read = TakeSearch(std::move(fields), searches);
    if (!read) return Fail(std::move(read.error()).In(fmt::format("searches[{}]", searches.requests.size())));
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

Status CheckText(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Fail(ErrorKind::kInvalid, "field \"text\" must not be empty");
  }
  if (text.size() < kMaxMetadataBytes) return {};
  return Fail(ErrorKind::kTooLarge, "field \"text\" has {} bytes; it must be smaller than {}", text.size(),
              kMaxMetadataBytes);
}

Status CheckVector(const IndexOptions& options, std::span<const float> vector) {
  if (vector.size() != options.dimension) {
    return Fail(ErrorKind::kInvalid, "the vector has {} dimensions; the index has {}", vector.size(),
                options.dimension);
  }
  double squares = 0;
  for (size_t d = 0; d < vector.size(); ++d) {
    if (!std::isfinite(vector[d])) return BadNumber(d);
    squares += double{vector[d]} * double{vector[d]};
  }
  if (options.metric == Metric::kCosine && !(squares > 1e-30)) {
    return Fail(ErrorKind::kInvalid, "the vector is zero, which has no direction for the cosine metric");
  }
  if (squares > 1e30) {
    return Fail(ErrorKind::kInvalid, "the vector is too long: distances would not fit a 32-bit float");
  }
  return {};
}

namespace {

// Every rule but those of vectors.
Status CheckItems(const IndexOptions& options, const Batch& batch) {
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
  }
  for (const std::string& id : batch.removed) {
    if (!seen.insert(id).second) {
      return Fail(ErrorKind::kInvalid, "the id \"{}\" is removed and stands elsewhere in the batch too", id);
    }
  }
  return {};
}

}  // namespace

Status CheckBatch(const IndexOptions& options, const Batch& batch) {
  LH_TRY(CheckItems(options, batch));
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    const auto vector = std::span(batch.vectors).subspan(i * options.dimension, options.dimension);
    if (auto checked = CheckVector(options, vector); !checked) {
      return Fail(std::move(checked.error()).In(Named(i, batch.ids[i])));
    }
  }
  return {};
}

Result<NewItems> ParseBatch(const IndexOptions& options, std::string_view json) {
  const simdjson::padded_string padded(json);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object body;
  if (auto error = parser.iterate(padded).get(document)) return Malformed(error);
  if (document.get_object().get(body) != simdjson::SUCCESS) {
    return Fail(ErrorKind::kInvalid, "the request body must be an object with a field \"items\"");
  }
  NewItems items;
  bool has_items = false;
  LH_TRY(ForEachField(body, [&](std::string_view key, ondemand::value value) -> Status {
    if (key == "from" && !has_items && items.from.empty()) return ReadFrom(value, items);
    if (key != "items") return Fail(ErrorKind::kInvalid, "unknown field \"{}\"; the body has items", key);
    if (has_items || !items.from.empty()) return Fail(ErrorKind::kInvalid, "field \"items\" must be one array");
    has_items = true;
    return ReadItems(value, options, items);
  }));
  if (!has_items && items.from.empty()) return Fail(ErrorKind::kInvalid, "field \"items\" is missing");
  LH_TRY(CheckEnd(document));
  LH_TRY(CheckRequestSize(items));
  LH_TRY(items.texts.empty() ? CheckBatch(options, items) : CheckItems(options, items));
  return items;
}

Status KeepTexts(const IndexOptions& options, NewItems& items) {
  for (const NewItems::Text& text : items.texts) {
    std::string& metadata =
        items.metadata[text.item] ? *items.metadata[text.item] : items.metadata[text.item].emplace("{}");
    LH_ASSIGN(const auto value, ParseMetadata(metadata));
    if (FindField(value, options.text_field) != nullptr) continue;
    std::string field;
    AppendJsonString(field, options.text_field);
    field.push_back(':');
    AppendJsonString(field, text.text);
    if (!value.get_object().empty()) field.push_back(',');
    // A dotted name as one key: a lookup tries the whole name first.
    metadata.insert(metadata.find('{') + 1, field);
  }
  return {};
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
  SearchFields fields;
  LH_TRY(ReadSearchFields(body, fields));
  LH_TRY(CheckEnd(document));
  if (fields.request.vector.empty() && !fields.request.text) return std::move(fields.request);
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
  SearchFields single;
  bool one = false;
  LH_TRY(ForEachField(body, [&](std::string_view key, ondemand::value value) -> Status {
    const bool many = key == "searches";
    if (searches.batch || (many && one)) {
      return Fail(ErrorKind::kInvalid, "field \"searches\" must be the body's only field, and stand once");
    }
    (many ? searches.batch : one) = true;
    return many ? ReadSearches(value, searches) : ReadSearchField(key, value, single);
  }));
  LH_TRY(CheckEnd(document));
  if (!searches.batch) LH_TRY(TakeSearch(std::move(single), searches));
  return searches;
}

}  // namespace lakehouse::vector
