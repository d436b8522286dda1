#include <algorithm>

#include "base/hash.h"
#include "vector/field_internal.h"

namespace lakehouse::vector {

namespace json = boost::json;
namespace dom = simdjson::dom;

namespace {

// Equal for equal compounds alone. Canonical texts begin with a bracket, digests do not.
std::string CompoundKey(std::string_view text) {
  constexpr size_t kLongest = 64;
  if (text.size() <= kLongest) return std::string(text);
  const Sha256Digest digest = Sha256Of(text);
  return "#" + std::string(digest.begin(), digest.end());
}

bool IsRange(FilterOp op) { return op != FilterOp::kEq && op != FilterOp::kNe && op != FilterOp::kIn; }

template <typename View>
KeyRange<View> RangeOf(View key, FilterOp op) {
  using Bound = typename KeyRange<View>::Bound;
  switch (op) {
    case FilterOp::kGt:
      return {Bound{key, false}, std::nullopt};
    case FilterOp::kGte:
      return {Bound{key, true}, std::nullopt};
    case FilterOp::kLt:
      return {std::nullopt, Bound{key, false}};
    case FilterOp::kLte:
      return {std::nullopt, Bound{key, true}};
    default:
      return {Bound{key, true}, Bound{key, true}};
  }
}

bool BoolInRange(bool found, bool wanted, FilterOp op) {
  return RangeOf<int>(static_cast<int>(wanted), op).Contains(static_cast<int>(found));
}

}  // namespace

// Takes one slot's values apart.
struct FieldPostings::Adder {
  FieldPostings& field;
  Slot slot;
  size_t slot_bound;
  bool bulk;

  void Number(ExactNumber number) {
    if (bulk) {
      field.numbers_.AddBulk(number, slot);
    } else {
      field.numbers_.Add(number, slot, slot_bound);
    }
  }
  void Text(std::string_view text) {
    if (bulk) {
      field.strings_.AddBulk(text, slot);
    } else {
      field.strings_.Add(text, slot, slot_bound);
    }
  }
  void Compound(const auto& value) {
    std::string text;
    AppendCanonicalJson(text, value);
    Text(CompoundKey(text));
  }

  void Value(dom::element value) {
    if ((value.is_array() || value.is_object()) != field.compounds_only_) return;
    switch (value.type()) {
      case dom::element_type::INT64:
        return Number(ExactNumber::Of(value.get_int64().value_unsafe()));
      case dom::element_type::UINT64:
        return Number(ExactNumber::Of(value.get_uint64().value_unsafe()));
      case dom::element_type::DOUBLE:
        return Number(ExactNumber::Of(value.get_double().value_unsafe()));
      case dom::element_type::STRING:
        return Text(value.get_string().value_unsafe());
      case dom::element_type::BOOL:
        return (value.get_bool().value_unsafe() ? field.trues_ : field.falses_).Set(slot);
      case dom::element_type::NULL_VALUE:
        return field.nulls_.Set(slot);
      case dom::element_type::ARRAY:
      case dom::element_type::OBJECT:
        return Compound(value);
    }
  }
  void Value(const json::value& value) {
    if (value.is_structured() != field.compounds_only_) return;
    switch (value.kind()) {
      case json::kind::int64:
        return Number(ExactNumber::Of(value.get_int64()));
      case json::kind::uint64:
        return Number(ExactNumber::Of(value.get_uint64()));
      case json::kind::double_:
        return Number(ExactNumber::Of(value.get_double()));
      case json::kind::string:
        return Text(value.get_string());
      case json::kind::bool_:
        return (value.get_bool() ? field.trues_ : field.falses_).Set(slot);
      case json::kind::null:
        return field.nulls_.Set(slot);
      case json::kind::array:
      case json::kind::object:
        return Compound(value);
    }
  }
};

void FieldPostings::Add(Slot slot, dom::element metadata, size_t slot_bound, bool bulk) {
  dom::element found;
  if (!FindField(metadata, name_, found)) return;
  exists_.Set(slot);
  Adder adder{*this, slot, slot_bound, bulk};
  adder.Value(found);
  dom::array items;
  if (found.get_array().get(items) != simdjson::SUCCESS) return;
  arrays_.Set(slot);
  for (const dom::element item : items) adder.Value(item);
}

void FieldPostings::Add(Slot slot, const json::value& metadata, size_t slot_bound, bool bulk) {
  const json::value* found = FindField(metadata, name_);
  if (found == nullptr) return;
  exists_.Set(slot);
  Adder adder{*this, slot, slot_bound, bulk};
  adder.Value(*found);
  if (!found->is_array()) return;
  arrays_.Set(slot);
  for (const json::value& item : found->get_array()) adder.Value(item);
}

void FieldPostings::FinishBulk(size_t slot_bound) {
  numbers_.FinishBulk(slot_bound);
  strings_.FinishBulk(slot_bound);
}

void FieldPostings::Remove(Slot slot, size_t slot_bound) {
  if (!exists_.Test(slot)) return;
  for (SlotSet* set : {&exists_, &nulls_, &trues_, &falses_, &arrays_}) set->Clear(slot);
  numbers_.Remove(slot, slot_bound);
  strings_.Remove(slot, slot_bound);
}

void FieldPostings::MatchValue(const FilterValue& value, FilterOp op, SlotSet& out) const {
  if (const auto* compound = std::get_if<CompoundText>(&value)) {
    if (compounds_only_) strings_.Union(CompoundKey(compound->text), out);
    return;
  }
  if (compounds_only_) return;
  if (const auto* number = std::get_if<ExactNumber>(&value)) {
    numbers_.Union(RangeOf(*number, op), out);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    strings_.Union(RangeOf(std::string_view(*text), op), out);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    if (BoolInRange(true, *flag, op)) out.Or(trues_);
    if (BoolInRange(false, *flag, op)) out.Or(falses_);
  } else if (!IsRange(op)) {
    out.Or(nulls_);
  }
}

void FieldPostings::Match(const FilterCondition& condition, SlotSet& out) const {
  for (const FilterValue& value : condition.values) MatchValue(value, condition.op, out);
}

bool FieldPostings::MatchBetween(const FilterCondition& low, const FilterCondition& high, SlotSet& out) const {
  const FilterValue& from = low.values[0];
  const FilterValue& to = high.values[0];
  if (compounds_only_ || from.index() != to.index() || !arrays_.Empty()) return false;
  if (const auto* number = std::get_if<ExactNumber>(&from)) {
    numbers_.Union({RangeOf(*number, low.op).low, RangeOf(std::get<ExactNumber>(to), high.op).high}, out);
    return true;
  }
  if (const auto* text = std::get_if<std::string>(&from)) {
    const std::string_view end = std::get<std::string>(to);
    strings_.Union({RangeOf(std::string_view(*text), low.op).low, RangeOf(end, high.op).high}, out);
    return true;
  }
  return false;
}

uint64_t FieldPostings::bytes() const {
  uint64_t total = sizeof(*this) + name_.capacity() + numbers_.bytes() + strings_.bytes();
  for (const SlotSet* set : {&exists_, &nulls_, &trues_, &falses_, &arrays_}) total += set->bytes();
  return total;
}

}  // namespace lakehouse::vector
