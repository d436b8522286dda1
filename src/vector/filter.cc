#include "vector/filter.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/json.h"
#include "vector/metadata_internal.h"

namespace lakehouse::vector {

namespace json = boost::json;

namespace {

constexpr int kMaxValueDepth = 64;

struct OpName {
  FilterOp op;
  std::string_view name;
};
constexpr OpName kOps[] = {{FilterOp::kEq, "$eq"},   {FilterOp::kNe, "$ne"},        {FilterOp::kIn, "$in"},
                           {FilterOp::kGt, "$gt"},   {FilterOp::kGte, "$gte"},      {FilterOp::kLt, "$lt"},
                           {FilterOp::kLte, "$lte"}, {FilterOp::kExists, "$exists"}};

std::string_view NameOf(FilterOp op) { return kOps[static_cast<size_t>(op)].name; }

std::string_view KindName(const json::value& value) {
  switch (value.kind()) {
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    case json::kind::string:
      return "a string";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::null:
      return "null";
    default:
      return "a number";
  }
}

// ---- Text

void AppendValue(std::string& out, const FilterValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    out.append(*flag ? "true" : "false");
  } else if (const auto* number = std::get_if<ExactNumber>(&value)) {
    AppendCanonicalNumber(out, *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    AppendJsonString(out, *text);
  } else if (const auto* compound = std::get_if<CompoundText>(&value)) {
    out.append(compound->text);
  } else {
    out.append("null");
  }
}

std::string TextOf(const FilterNode& node);

std::string TextOfList(std::string_view op, const std::vector<FilterNode>& parts) {
  std::string out = "{\"" + std::string(op) + "\":[";
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.append(TextOf(parts[i]));
  }
  return out + "]}";
}

std::string TextOf(const FilterCondition& condition) {
  std::string out = "{";
  AppendJsonString(out, condition.field);
  out.append(":{\"").append(NameOf(condition.op)).append("\":");
  if (condition.op == FilterOp::kIn) out.push_back('[');
  for (size_t i = 0; i < condition.values.size(); ++i) {
    if (i > 0) out.push_back(',');
    AppendValue(out, condition.values[i]);
  }
  if (condition.op == FilterOp::kIn) out.push_back(']');
  return out + "}}";
}

std::string TextOf(const FilterNode& node) {
  if (const auto* all = std::get_if<FilterAnd>(&node.node)) {
    return all->parts.empty() ? "{}" : TextOfList("$and", all->parts);
  }
  if (const auto* any = std::get_if<FilterOr>(&node.node)) return TextOfList("$or", any->parts);
  if (const auto* negated = std::get_if<FilterNot>(&node.node)) return "{\"$not\":" + TextOf(*negated->part) + "}";
  return TextOf(std::get<FilterCondition>(node.node));
}

// ---- Tree

// One Kind (FilterAnd, FilterOr) of all parts: those of the same kind opened up, sorted by their texts, without
// repeats.
template <typename Kind>
FilterNode Join(std::vector<FilterNode> parts) {
  std::vector<std::pair<std::string, FilterNode>> sorted;
  for (FilterNode& part : parts) {
    if (auto* same = std::get_if<Kind>(&part.node)) {
      for (FilterNode& inner : same->parts) {
        std::string text = TextOf(inner);
        sorted.emplace_back(std::move(text), std::move(inner));
      }
    } else {
      std::string text = TextOf(part);
      sorted.emplace_back(std::move(text), std::move(part));
    }
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Kind joined;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i == 0 || sorted[i].first != sorted[i - 1].first) joined.parts.push_back(std::move(sorted[i].second));
  }
  if (joined.parts.size() == 1) return std::move(joined.parts[0]);
  return {std::move(joined)};
}

int DepthOf(const FilterNode& node) {
  const auto deepest = [](const std::vector<FilterNode>& parts) {
    int depth = 0;
    for (const FilterNode& part : parts) depth = std::max(depth, DepthOf(part));
    return depth;
  };
  if (const auto* all = std::get_if<FilterAnd>(&node.node)) return all->parts.empty() ? 0 : 1 + deepest(all->parts);
  if (const auto* any = std::get_if<FilterOr>(&node.node)) return 1 + deepest(any->parts);
  if (const auto* negated = std::get_if<FilterNot>(&node.node)) return 1 + DepthOf(*negated->part);
  return 0;
}

// ---- Parsing

class FilterParser {
 public:
  Result<FilterNode> ParseObject(const json::value& value, int depth) {
    if (depth > Filter::kMaxDepth) return Error("$and, $or and $not may be nested at most {} deep", Filter::kMaxDepth);
    if (!value.is_object()) return Error("expected an object of conditions, not {}", KindName(value));
    std::vector<FilterNode> parts;
    for (const auto& member : value.get_object()) {
      const std::string_view key = member.key();
      const Place place(path_, key);
      if (key == "$and" || key == "$or") {
        LH_ASSIGN(FilterNode list, ParseList(key, member.value(), depth));
        parts.push_back(std::move(list));
      } else if (key == "$not") {
        LH_ASSIGN(FilterNode part, ParseObject(member.value(), depth + 1));
        parts.push_back(Negate(std::move(part)));
      } else if (key.starts_with('$')) {
        return Error("unknown operator; expected a field's name, $and, $or or $not");
      } else {
        LH_TRY(ParseField(key, member.value(), parts));
      }
    }
    return Join<FilterAnd>(std::move(parts));
  }

 private:
  // Adds a step to the path for as long as it lives.
  class Place {
   public:
    Place(std::string& path, std::string_view step) : path_(path), size_(path.size()) {
      // Field names come from outside: messages stay short.
      constexpr size_t kMaxStep = 64;
      if (!path.empty()) path.push_back('.');
      path.append(step.substr(0, kMaxStep)).append(step.size() > kMaxStep ? "..." : "");
    }
    Place(std::string& path, size_t index) : path_(path), size_(path.size()) {
      path.append("[").append(std::to_string(index)).append("]");
    }
    ~Place() { path_.resize(size_); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    std::string& path_;
    size_t size_;
  };

  template <typename... Args>
  std::unexpected<lakehouse::Error> Error(fmt::format_string<Args...> format, Args&&... args) const {
    const std::string what = fmt::format(format, std::forward<Args>(args)...);
    if (path_.empty()) return Fail(ErrorKind::kInvalid, "filter: {}", what);
    return Fail(ErrorKind::kInvalid, "filter: at {}: {}", path_, what);
  }

  static FilterNode Negate(FilterNode part) {
    if (auto* negated = std::get_if<FilterNot>(&part.node)) return *negated->part;
    return {FilterNot{std::make_shared<const FilterNode>(std::move(part))}};
  }

  Result<FilterNode> ParseList(std::string_view op, const json::value& value, int depth) {
    if (!value.is_array() || value.get_array().empty()) {
      return Error("expected an array of at least one filter{}{}", value.is_array() ? "" : ", not ",
                   value.is_array() ? "" : KindName(value));
    }
    std::vector<FilterNode> parts;
    for (size_t i = 0; i < value.get_array().size(); ++i) {
      const Place place(path_, i);
      LH_ASSIGN(FilterNode part, ParseObject(value.get_array()[i], depth + 1));
      parts.push_back(std::move(part));
    }
    return op == "$and" ? Join<FilterAnd>(std::move(parts)) : Join<FilterOr>(std::move(parts));
  }

  Status ParseField(std::string_view field, const json::value& value, std::vector<FilterNode>& parts) {
    if (!value.is_object()) return AddCondition(field, FilterOp::kEq, value, parts);
    const json::object& object = value.get_object();
    if (object.empty()) return Error("expected at least one operator, or {{\"$eq\": {{}}}} for an empty object");
    const auto is_operator = [](const auto& member) { return member.key().starts_with('$'); };
    if (std::none_of(object.begin(), object.end(), is_operator)) {
      return AddCondition(field, FilterOp::kEq, value, parts);
    }
    for (const auto& member : object) {
      const Place place(path_, std::string_view(member.key()));
      const auto* known = std::find_if(std::begin(kOps), std::end(kOps),
                                       [&](const OpName& op) { return op.name == std::string_view(member.key()); });
      if (known == std::end(kOps)) {
        return Error("unknown operator; expected $eq, $ne, $in, $gt, $gte, $lt, $lte or $exists");
      }
      LH_TRY(AddCondition(field, known->op, member.value(), parts));
    }
    return {};
  }

  Status AddCondition(std::string_view field, FilterOp op, const json::value& value, std::vector<FilterNode>& parts) {
    if (++conditions_ > Filter::kMaxConditions) {
      return Error("more than {} conditions; split the search", Filter::kMaxConditions);
    }
    FilterCondition condition{std::string(field), op, {}};
    if (op == FilterOp::kIn) {
      LH_ASSIGN(condition.values, ParseInValues(value));
    } else {
      if (op == FilterOp::kExists && !value.is_bool()) return Error("expected true or false, not {}", KindName(value));
      LH_ASSIGN(FilterValue parsed, ParseValue(value));
      const bool is_range = op == FilterOp::kGt || op == FilterOp::kGte || op == FilterOp::kLt || op == FilterOp::kLte;
      if (is_range && (value.is_null() || value.is_structured())) {
        return Error("expected a number, a string or a boolean, not {}", KindName(value));
      }
      condition.values.push_back(std::move(parsed));
    }
    parts.push_back({std::move(condition)});
    return {};
  }

  Result<std::vector<FilterValue>> ParseInValues(const json::value& value) {
    if (!value.is_array()) return Error("expected an array of values, not {}", KindName(value));
    const json::array& array = value.get_array();
    if (array.size() > Filter::kMaxInValues) {
      return Error("at most {} values may be listed, not {}", Filter::kMaxInValues, array.size());
    }
    std::vector<FilterValue> values;
    values.reserve(array.size());
    for (size_t i = 0; i < array.size(); ++i) {
      const Place place(path_, i);
      LH_ASSIGN(FilterValue parsed, ParseValue(array[i]));
      values.push_back(std::move(parsed));
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
  }

  Result<FilterValue> ParseValue(const json::value& value) {
    LH_TRY(CheckValue(value, 0));
    switch (value.kind()) {
      case json::kind::int64:
        return ExactNumber::Of(value.get_int64());
      case json::kind::uint64:
        return ExactNumber::Of(value.get_uint64());
      case json::kind::double_:
        return ExactNumber::Of(value.get_double());
      case json::kind::string:
        return std::string(value.get_string());
      case json::kind::bool_:
        return value.get_bool();
      case json::kind::null:
        return std::monostate{};
      default:
        return CompoundText{CanonicalJson(value)};
    }
  }

  Status CheckValue(const json::value& value, int depth) {
    if (value.is_double() && !std::isfinite(value.get_double())) return Error("the number is out of range");
    if (depth > kMaxValueDepth) return Error("a value may be nested at most {} deep", kMaxValueDepth);
    if (value.is_array()) {
      for (const json::value& item : value.get_array()) LH_TRY(CheckValue(item, depth + 1));
    } else if (value.is_object()) {
      for (const auto& member : value.get_object()) LH_TRY(CheckValue(member.value(), depth + 1));
    }
    return {};
  }

  std::string path_;
  size_t conditions_ = 0;
};

// ---- Meaning

// How a value of metadata (no array, no object) stands to a filter's value of the same kind.
std::optional<std::weak_ordering> CompareScalar(const json::value& found, const FilterValue& wanted) {
  const auto number = [&](ExactNumber value) -> std::optional<std::weak_ordering> {
    const auto* other = std::get_if<ExactNumber>(&wanted);
    return other == nullptr ? std::nullopt : std::optional(value <=> *other);
  };
  switch (found.kind()) {
    case json::kind::int64:
      return number(ExactNumber::Of(found.get_int64()));
    case json::kind::uint64:
      return number(ExactNumber::Of(found.get_uint64()));
    case json::kind::double_:
      return number(ExactNumber::Of(found.get_double()));
    case json::kind::string:
      if (const auto* other = std::get_if<std::string>(&wanted)) {
        return std::string_view(found.get_string()) <=> std::string_view(*other);
      }
      return std::nullopt;
    case json::kind::bool_:
      if (const auto* other = std::get_if<bool>(&wanted)) return found.get_bool() <=> *other;
      return std::nullopt;
    case json::kind::null:
      if (std::holds_alternative<std::monostate>(wanted)) return std::weak_ordering::equivalent;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

bool HoldsFor(std::weak_ordering order, FilterOp op) {
  switch (op) {
    case FilterOp::kGt:
      return order > 0;
    case FilterOp::kGte:
      return order >= 0;
    case FilterOp::kLt:
      return order < 0;
    case FilterOp::kLte:
      return order <= 0;
    default:
      return order == 0;
  }
}

// `found` itself, not its elements.
bool ValueMatches(const FilterCondition& condition, const json::value& found) {
  const std::string compound = found.is_structured() && !condition.values.empty() &&
                                       std::holds_alternative<CompoundText>(condition.values.back())
                                   ? CanonicalJson(found)
                                   : std::string();
  for (const FilterValue& wanted : condition.values) {
    if (const auto* text = std::get_if<CompoundText>(&wanted)) {
      if (text->text == compound) return true;
    } else if (const auto order = CompareScalar(found, wanted); order && HoldsFor(*order, condition.op)) {
      return true;
    }
  }
  return false;
}

bool ConditionMatches(const FilterCondition& condition, const json::value& metadata) {
  const json::value* found = FindField(metadata, condition.field);
  if (condition.op == FilterOp::kExists) return (found != nullptr) == std::get<bool>(condition.values[0]);
  bool matches = found != nullptr && ValueMatches(condition, *found);
  if (!matches && found != nullptr && found->is_array()) {
    const json::array& items = found->get_array();
    matches =
        std::any_of(items.begin(), items.end(), [&](const json::value& item) { return ValueMatches(condition, item); });
  }
  return matches != (condition.op == FilterOp::kNe);
}

bool NodeMatches(const FilterNode& node, const json::value& metadata) {
  const auto matches = [&](const FilterNode& part) { return NodeMatches(part, metadata); };
  if (const auto* all = std::get_if<FilterAnd>(&node.node)) {
    return std::all_of(all->parts.begin(), all->parts.end(), matches);
  }
  if (const auto* any = std::get_if<FilterOr>(&node.node)) {
    return std::any_of(any->parts.begin(), any->parts.end(), matches);
  }
  if (const auto* negated = std::get_if<FilterNot>(&node.node)) return !NodeMatches(*negated->part, metadata);
  return ConditionMatches(std::get<FilterCondition>(node.node), metadata);
}

}  // namespace

Filter::Filter() : Filter(FilterNode{FilterAnd{}}) {}

Filter::Filter(FilterNode root) {
  std::string text = TextOf(root);
  tree_ = std::make_shared<const Tree>(Tree{std::move(root), std::move(text)});
}

Result<Filter> Filter::Parse(std::string_view text) {
  auto value = ParseMetadata(text);
  if (!value) return Fail(std::move(value).error().In("filter"));
  return FromJson(*value);
}

Result<Filter> Filter::FromJson(const json::value& value) {
  LH_ASSIGN(FilterNode root, FilterParser().ParseObject(value, 0));
  // Objects of several conditions are conjunctions too, so the tree may be deeper than what was written.
  if (DepthOf(root) > kMaxDepth) {
    return Fail(ErrorKind::kInvalid, "filter: conditions may be nested at most {} deep", kMaxDepth);
  }
  return Filter(std::move(root));
}

bool Filter::Matches(const json::value& metadata) const { return NodeMatches(tree_->root, metadata); }

bool Filter::MatchesEverything() const {
  const auto* all = std::get_if<FilterAnd>(&tree_->root.node);
  return all != nullptr && all->parts.empty();
}

}  // namespace lakehouse::vector
