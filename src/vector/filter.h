// Metadata filters: {"field": {"$gte": 3, "$lt": 9}, "$or": [{"tag": "a"}, {"author.name": {"$in": ["b", "c"]}}]}.
//
// What a filter means
//   - {"field": {operators}}: every operator must hold; several fields in one object must all hold; {"field": value} is
//     {"field": {"$eq": value}}; $and and $or take non-empty arrays of filters, $not takes one; {} matches everything.
//   - A name is looked up as it is; when the object has no such key, it is cut at its first dot and the rest is looked
//   up
//     in the object found there, by the same rule. So "author.name" means the key "author.name" when there is one, else
//     "name" in "author". Names do not reach into arrays.
//   - Types never compare across. Numbers compare by their exact values, whatever their JSON form (1 is 1.0, 2^53+1 is
//     not 2^53); strings by their bytes; false < true; null has no order, so ranges refuse it.
//   - A field that is an array matches $eq, $in and ranges when one of its elements does, or when the array as a whole
//     equals the value. Arrays and objects are equal when their values are; the order of keys is of no account.
//   - $ne is the opposite of $eq, so an absent field matches it. An absent field matches nothing else but
//     {"$exists": false}. A field that is null exists.
//   - When a key stands twice in an object, the last one counts.
//
// Filter is an immutable value; copies share one tree. Callable from any thread.
#pragma once

#include <boost/json/value.hpp>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace lakehouse::vector {

// A JSON number by its exact value: the nearest double, and what an integer past 2^53 is more than that (fits 16 bits:
// doubles below 2^64 lie at most 2,048 apart). Ordering the pair orders the values, as rounding keeps order.
struct ExactNumber {
  double nearest = 0;
  int16_t rest = 0;

  static ExactNumber Of(int64_t value);
  static ExactNumber Of(uint64_t value);
  static ExactNumber Of(double value) { return {value == 0 ? 0.0 : value, 0}; }  // -0 is 0
  bool operator==(const ExactNumber&) const = default;
  // REQUIRES: neither is NaN, which JSON has no form for.
  std::weak_ordering operator<=>(const ExactNumber& other) const {
    if (nearest != other.nearest)
      return nearest < other.nearest ? std::weak_ordering::less : std::weak_ordering::greater;
    return rest <=> other.rest;
  }
};

// An array or object by its canonical text: two are equal when their texts are.
struct CompoundText {
  std::string text;
  auto operator<=>(const CompoundText&) const = default;
};

// What a field is compared with (monostate is null). Ordered by kind, then by value.
using FilterValue = std::variant<std::monostate, bool, ExactNumber, std::string, CompoundText>;

enum class FilterOp { kEq, kNe, kIn, kGt, kGte, kLt, kLte, kExists };

struct FilterCondition {
  std::string field;
  FilterOp op = FilterOp::kEq;
  // One value; for $in any number, sorted and without repeats; for $exists a bool.
  std::vector<FilterValue> values;
};

struct FilterNode;
struct FilterAnd {
  std::vector<FilterNode> parts;  // none: matches everything
};
struct FilterOr {
  std::vector<FilterNode> parts;  // at least two
};
struct FilterNot {
  std::shared_ptr<const FilterNode> part;
};
struct FilterNode {
  std::variant<FilterCondition, FilterAnd, FilterOr, FilterNot> node;
};

class Filter {
 public:
  static constexpr int kMaxDepth = 32;  // of $and, $or and $not in each other
  static constexpr size_t kMaxConditions = 1'000;
  static constexpr size_t kMaxInValues = 10'000;  // in one $in

  // Matches everything.
  Filter();
  // kInvalid naming the place in the filter, what was found and what was expected.
  static Result<Filter> Parse(std::string_view json);
  static Result<Filter> FromJson(const boost::json::value& json);

  // `metadata` that is no object has no fields. For doubles to agree with the text they came from, read metadata with
  // ParseMetadata: Boost's own parser may be off by the last bit.
  bool Matches(const boost::json::value& metadata) const;

  // JSON that parses to the same filter. Filters that differ in the order of conditions, in repeats or in how numbers
  // are written have the same text.
  const std::string& Canonical() const { return tree_->canonical; }
  const FilterNode& root() const { return tree_->root; }
  bool MatchesEverything() const;

 private:
  struct Tree {
    FilterNode root;
    std::string canonical;
  };
  explicit Filter(FilterNode root);
  std::shared_ptr<const Tree> tree_;
};

// Reads JSON with every double being the one nearest to its text. kInvalid as ParseJson. Nesting is bounded (160).
Result<boost::json::value> ParseMetadata(std::string_view json);

// The value that the name `field` stands for (see above); nullptr when there is none.
const boost::json::value* FindField(const boost::json::value& metadata, std::string_view field);

// Canonical JSON: keys sorted by bytes, no spaces, each number in one form.
std::string CanonicalJson(const boost::json::value& value);

}  // namespace lakehouse::vector
