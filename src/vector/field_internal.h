// One indexed field: who has it, and which values. Private to this folder; its user locks.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "vector/metadata_internal.h"
#include "vector/postings_internal.h"

namespace lakehouse::vector {

class FieldPostings {
 public:
  // `compounds`: indexes whole arrays and objects; else scalars, those inside an array too.
  FieldPostings(std::string name, bool compounds) : name_(std::move(name)), compounds_only_(compounds) {}

  // `bulk` additions become visible with FinishBulk. REQUIRES: all slots are below `slot_bound`.
  void Add(Slot slot, simdjson::dom::element metadata, size_t slot_bound, bool bulk);
  void Add(Slot slot, const boost::json::value& metadata, size_t slot_bound, bool bulk);
  void FinishBulk(size_t slot_bound);
  void Remove(Slot slot, size_t slot_bound);

  const SlotSet& exists() const { return exists_; }
  // Adds the slots that match to `out`. REQUIRES: the operator is no $exists and no $ne (which is taken as $eq); the
  // condition's values of the kind indexed here count, others are passed over.
  void Match(const FilterCondition& condition, SlotSet& out) const;
  // Both ranges at once, which for a field that may hold several values is not the same as one after the other.
  // False when it is such a field, or the bounds are of different kinds; then nothing was added.
  bool MatchBetween(const FilterCondition& low, const FilterCondition& high, SlotSet& out) const;

  uint64_t bytes() const;
  mutable std::atomic<uint64_t> last_used{0};

 private:
  struct Adder;
  void MatchValue(const FilterValue& value, FilterOp op, SlotSet& out) const;

  std::string name_;
  bool compounds_only_;
  SlotSet exists_, nulls_, trues_, falses_;
  SlotSet arrays_;
  Postings<NumberKeys> numbers_;
  Postings<StringKeys> strings_;  // of compounds: their canonical texts, long ones by digest
};

}  // namespace lakehouse::vector
