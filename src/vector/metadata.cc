#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/json_value.h"
#include "vector/metadata_internal.h"

namespace lakehouse::vector {

namespace json = boost::json;
namespace dom = simdjson::dom;

namespace {

Result<json::value> ToBoost(dom::element element) {
  switch (element.type()) {
    case dom::element_type::ARRAY: {
      json::array array;
      for (const dom::element item : element.get_array().value_unsafe()) {
        LH_ASSIGN(json::value value, ToBoost(item));
        array.push_back(std::move(value));
      }
      return array;
    }
    case dom::element_type::OBJECT: {
      json::object object;
      for (const dom::key_value_pair field : element.get_object().value_unsafe()) {
        LH_ASSIGN(json::value value, ToBoost(field.value));
        object.insert_or_assign(field.key, std::move(value));
      }
      return object;
    }
    case dom::element_type::INT64:
      return json::value(element.get_int64().value_unsafe());
    case dom::element_type::UINT64:
      return json::value(element.get_uint64().value_unsafe());
    case dom::element_type::DOUBLE:
      return json::value(element.get_double().value_unsafe());
    case dom::element_type::STRING:
      return json::value(json::string(element.get_string().value_unsafe()));
    case dom::element_type::BOOL:
      return json::value(element.get_bool().value_unsafe());
    case dom::element_type::NULL_VALUE:
      break;
  }
  return json::value(nullptr);
}

// The last field of that name, as in ToBoost.
bool FindKey(dom::object object, std::string_view key, dom::element& found) {
  bool has = false;
  for (const dom::key_value_pair field : object) {
    if (field.key != key) continue;
    found = field.value;
    has = true;
  }
  return has;
}

// {"key":value,...} of members sorted by key; `append` writes a value.
template <typename Members, typename Append>
void AppendObject(std::string& out, const Members& members, Append append) {
  out.push_back('{');
  for (size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out.push_back(',');
    AppendJsonString(out, members[i].first);
    out.push_back(':');
    append(out, members[i].second);
  }
  out.push_back('}');
}

struct KeyBefore {
  bool operator()(const auto& a, const auto& b) const { return a.first < b.first; }
};

}  // namespace

simdjson::simdjson_result<dom::element> MetadataParser::Parse(std::string_view text) {
  if (parser_.max_depth() != kMaxMetadataDepth || parser_.capacity() < text.size()) {
    if (const auto error = parser_.allocate(std::max<size_t>(text.size(), 1024), kMaxMetadataDepth)) return error;
  }
  return parser_.parse(text.data(), text.size());
}

ExactNumber ExactNumber::Of(int64_t value) {
  const auto nearest = static_cast<double>(value);
  return {nearest, static_cast<int16_t>(static_cast<__int128>(value) - static_cast<__int128>(nearest))};
}

ExactNumber ExactNumber::Of(uint64_t value) {
  const auto nearest = static_cast<double>(value);
  return {nearest, static_cast<int16_t>(static_cast<__int128>(value) - static_cast<__int128>(nearest))};
}

Result<json::value> ParseMetadata(std::string_view text) {
  MetadataParser parser;
  dom::element element;
  if (parser.Parse(text).get(element) == simdjson::SUCCESS) return ToBoost(element);
  // Says what is wrong, or reads what only it can (integers of 20 digits and more, as doubles).
  return ParseJson(text);
}

const json::value* FindField(const json::value& metadata, std::string_view field) {
  const json::value* at = &metadata;
  while (at->is_object()) {
    const json::object& object = at->get_object();
    if (const json::value* whole = object.if_contains(field)) return whole;
    const size_t dot = field.find('.');
    if (dot == std::string_view::npos) return nullptr;
    at = object.if_contains(field.substr(0, dot));
    if (at == nullptr) return nullptr;
    field.remove_prefix(dot + 1);
  }
  return nullptr;
}

bool FindField(dom::element metadata, std::string_view field, dom::element& found) {
  dom::element at = metadata;
  dom::object object;
  while (at.get_object().get(object) == simdjson::SUCCESS) {
    if (FindKey(object, field, found)) return true;
    const size_t dot = field.find('.');
    if (dot == std::string_view::npos || !FindKey(object, field.substr(0, dot), at)) return false;
    field.remove_prefix(dot + 1);
  }
  return false;
}

void AppendCanonicalNumber(std::string& out, ExactNumber number) {
  constexpr double kPastUint64 = 18446744073709551616.0;
  constexpr double kMinInt64 = -9223372036854775808.0;
  if (number.nearest >= kMinInt64 && number.nearest <= kPastUint64 && std::trunc(number.nearest) == number.nearest) {
    const __int128 value = static_cast<__int128>(number.nearest) + number.rest;
    if (value < 0) return AppendInt(out, static_cast<int64_t>(value));
    if (value <= static_cast<__int128>(UINT64_MAX)) return AppendUint(out, static_cast<uint64_t>(value));
  }
  AppendJsonDouble(out, number.nearest);
}

void AppendCanonicalJson(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::array: {
      out.push_back('[');
      bool first = true;
      for (const json::value& item : value.get_array()) {
        if (!std::exchange(first, false)) out.push_back(',');
        AppendCanonicalJson(out, item);
      }
      out.push_back(']');
      return;
    }
    case json::kind::object: {
      std::vector<std::pair<std::string_view, const json::value*>> members;
      for (const auto& member : value.get_object()) members.emplace_back(member.key(), &member.value());
      std::sort(members.begin(), members.end(), KeyBefore{});
      return AppendObject(out, members,
                          [](std::string& to, const json::value* member) { AppendCanonicalJson(to, *member); });
    }
    case json::kind::int64:
      return AppendCanonicalNumber(out, ExactNumber::Of(value.get_int64()));
    case json::kind::uint64:
      return AppendCanonicalNumber(out, ExactNumber::Of(value.get_uint64()));
    case json::kind::double_:
      return AppendCanonicalNumber(out, ExactNumber::Of(value.get_double()));
    case json::kind::string:
      return AppendJsonString(out, value.get_string());
    case json::kind::bool_:
      out.append(value.get_bool() ? "true" : "false");
      return;
    case json::kind::null:
      out.append("null");
      return;
  }
}

void AppendCanonicalJson(std::string& out, dom::element value) {
  switch (value.type()) {
    case dom::element_type::ARRAY: {
      out.push_back('[');
      bool first = true;
      for (const dom::element item : value.get_array().value_unsafe()) {
        if (!std::exchange(first, false)) out.push_back(',');
        AppendCanonicalJson(out, item);
      }
      out.push_back(']');
      return;
    }
    case dom::element_type::OBJECT: {
      std::map<std::string_view, dom::element> last;
      for (const dom::key_value_pair field : value.get_object().value_unsafe()) {
        last.insert_or_assign(field.key, field.value);
      }
      const std::vector<std::pair<std::string_view, dom::element>> members(last.begin(), last.end());
      return AppendObject(out, members, [](std::string& to, dom::element member) { AppendCanonicalJson(to, member); });
    }
    case dom::element_type::INT64:
      return AppendCanonicalNumber(out, ExactNumber::Of(value.get_int64().value_unsafe()));
    case dom::element_type::UINT64:
      return AppendCanonicalNumber(out, ExactNumber::Of(value.get_uint64().value_unsafe()));
    case dom::element_type::DOUBLE:
      return AppendCanonicalNumber(out, ExactNumber::Of(value.get_double().value_unsafe()));
    case dom::element_type::STRING:
      return AppendJsonString(out, value.get_string().value_unsafe());
    case dom::element_type::BOOL:
      out.append(value.get_bool().value_unsafe() ? "true" : "false");
      return;
    case dom::element_type::NULL_VALUE:
      out.append("null");
      return;
  }
}

std::string CanonicalJson(const json::value& value) {
  std::string out;
  AppendCanonicalJson(out, value);
  return out;
}

}  // namespace lakehouse::vector
