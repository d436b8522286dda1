#include "vector/field_index.h"

#include <algorithm>
#include <optional>

#include "base/json_value.h"
#include "vector/field_internal.h"

namespace lakehouse::vector {

namespace {

// Fields that filters no longer name make room past this number, oldest use first.
constexpr size_t kMaxFields = 256;
constexpr size_t kMaxCached = 32;
constexpr size_t kMaxCachedText = size_t{64} << 10;

bool IsLow(FilterOp op) { return op == FilterOp::kGt || op == FilterOp::kGte; }
bool IsHigh(FilterOp op) { return op == FilterOp::kLt || op == FilterOp::kLte; }
bool IsCompound(const FilterValue& value) { return std::holds_alternative<CompoundText>(value); }

void ForEachCondition(const FilterNode& node, const std::function<void(const FilterCondition&)>& callback) {
  const auto each = [&](const std::vector<FilterNode>& parts) {
    for (const FilterNode& part : parts) ForEachCondition(part, callback);
  };
  if (const auto* all = std::get_if<FilterAnd>(&node.node)) return each(all->parts);
  if (const auto* any = std::get_if<FilterOr>(&node.node)) return each(any->parts);
  if (const auto* negated = std::get_if<FilterNot>(&node.node)) return ForEachCondition(*negated->part, callback);
  callback(std::get<FilterCondition>(node.node));
}

// One item's metadata into every field of `fields`.
template <typename Fields>
void IndexInto(Fields& fields, MetadataParser& parser, Slot slot, std::string_view text, size_t slot_bound, bool bulk) {
  if (text.empty() || fields.empty()) return;
  simdjson::dom::element element;
  if (parser.Parse(text).get(element) == simdjson::SUCCESS) {
    for (auto& [key, field] : fields) field->Add(slot, element, slot_bound, bulk);
  } else if (const auto value = ParseMetadata(text)) {
    for (auto& [key, field] : fields) field->Add(slot, *value, slot_bound, bulk);
  }
}

}  // namespace

// Walks a filter's tree over indexes that are all there.
class FieldIndexes::Evaluation {
 public:
  Evaluation(const FieldMap& fields, const SlotSet& live, size_t slot_bound)
      : fields_(fields), live_(live), slot_bound_(slot_bound) {}

  SlotSet Node(const FilterNode& node) const {
    if (const auto* all = std::get_if<FilterAnd>(&node.node)) return All(all->parts);
    if (const auto* any = std::get_if<FilterOr>(&node.node)) return Any(any->parts);
    if (const auto* negated = std::get_if<FilterNot>(&node.node)) return Without(live_, Node(*negated->part));
    return Condition(std::get<FilterCondition>(node.node));
  }

 private:
  static SlotSet Without(SlotSet from, const SlotSet& removed) {
    from.AndNot(removed);
    return from;
  }

  SlotSet Any(const std::vector<FilterNode>& parts) const {
    SlotSet result(slot_bound_);
    for (const FilterNode& part : parts) {
      if (const auto* condition = std::get_if<FilterCondition>(&part.node);
          condition != nullptr && IsDirect(*condition)) {
        Match(*condition, result);
      } else {
        result.Or(Node(part));
      }
    }
    return result;
  }

  SlotSet All(const std::vector<FilterNode>& parts) const {
    std::optional<SlotSet> result;
    const auto keep = [&](SlotSet set) {
      if (result) {
        result->And(set);
      } else {
        result = std::move(set);
      }
    };
    std::vector<bool> done(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      if (done[i]) continue;
      for (size_t j = 0; j < parts.size(); ++j) {
        SlotSet between(slot_bound_);
        if (done[j] || !Between(parts[i], parts[j], between)) continue;
        keep(std::move(between));
        done[i] = done[j] = true;
        break;
      }
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!done[i] && !IsNegative(parts[i])) keep(Node(parts[i]));
    }
    if (!result) result = live_;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!done[i] && IsNegative(parts[i])) result->AndNot(Negated(parts[i]));
    }
    return std::move(*result);
  }

  bool Between(const FilterNode& a, const FilterNode& b, SlotSet& out) const {
    const auto* low = std::get_if<FilterCondition>(&a.node);
    const auto* high = std::get_if<FilterCondition>(&b.node);
    if (low == nullptr || high == nullptr || !IsLow(low->op) || !IsHigh(high->op) || low->field != high->field) {
      return false;
    }
    return fields_.at({low->field, false})->MatchBetween(*low, *high, out);
  }

  // Better taken away from what is left than taken from all slots.
  static bool IsNegative(const FilterNode& node) {
    const auto* condition = std::get_if<FilterCondition>(&node.node);
    return std::holds_alternative<FilterNot>(node.node) || (condition != nullptr && !IsDirect(*condition));
  }
  SlotSet Negated(const FilterNode& node) const {
    if (const auto* negated = std::get_if<FilterNot>(&node.node)) return Node(*negated->part);
    SlotSet result(slot_bound_);
    Match(std::get<FilterCondition>(node.node), result);
    return result;
  }

  // Not told by what is absent.
  static bool IsDirect(const FilterCondition& condition) {
    if (condition.op == FilterOp::kExists) return std::get<bool>(condition.values[0]);
    return condition.op != FilterOp::kNe;
  }
  SlotSet Condition(const FilterCondition& condition) const {
    SlotSet result(slot_bound_);
    Match(condition, result);
    return IsDirect(condition) ? result : Without(live_, result);
  }
  // What the condition matches, of $ne and {"$exists": false} what it does not.
  void Match(const FilterCondition& condition, SlotSet& out) const {
    if (condition.op == FilterOp::kExists) return out.Or(fields_.at({condition.field, false})->exists());
    const auto compounds = std::count_if(condition.values.begin(), condition.values.end(), IsCompound);
    if (compounds > 0) fields_.at({condition.field, true})->Match(condition, out);
    if (static_cast<size_t>(compounds) < condition.values.size()) {
      fields_.at({condition.field, false})->Match(condition, out);
    }
  }

  const FieldMap& fields_;
  const SlotSet& live_;
  size_t slot_bound_;
};

// Changes are noted from its beginning to its end.
class FieldIndexes::Journal {
 public:
  explicit Journal(FieldIndexes& indexes) : indexes_(indexes) {
    const WriterLock lock(indexes_.mutex_);
    indexes_.scanning_ = true;
  }
  ~Journal() {
    const WriterLock lock(indexes_.mutex_);
    indexes_.scanning_ = false;
    indexes_.journal_ = {};
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

 private:
  FieldIndexes& indexes_;
};

FieldIndexes::FieldIndexes() : parser_(std::make_unique<MetadataParser>()) {}
FieldIndexes::~FieldIndexes() = default;

void FieldIndexes::Add(Slot slot, std::string_view metadata_json) {
  const WriterLock lock(mutex_);
  AddLocked(slot, metadata_json);
}

void FieldIndexes::Add(std::span<const Item> items) {
  const WriterLock lock(mutex_);
  for (const Item& item : items) AddLocked(item.slot, item.metadata_json);
}

void FieldIndexes::Remove(Slot slot, std::string_view) {
  const WriterLock lock(mutex_);
  RemoveLocked(slot);
}

void FieldIndexes::Remove(std::span<const Slot> slots) {
  const WriterLock lock(mutex_);
  for (const Slot slot : slots) RemoveLocked(slot);
}

void FieldIndexes::AddLocked(Slot slot, std::string_view metadata_json) {
  if (scanning_) journal_.push_back({slot, true, std::string(metadata_json)});
  if (!live_known_) return;
  RemoveLiveLocked(slot);
  slot_bound_ = std::max(slot_bound_, size_t{slot} + 1);
  live_.Set(slot);
  ++generation_;
  IndexInto(fields_, *parser_, slot, metadata_json, slot_bound_, false);
}

void FieldIndexes::RemoveLocked(Slot slot) {
  if (scanning_) journal_.push_back({slot, false, {}});
  RemoveLiveLocked(slot);
}

void FieldIndexes::RemoveLiveLocked(Slot slot) {
  if (!live_known_ || !live_.Test(slot)) return;
  for (auto& [key, field] : fields_) field->Remove(slot, slot_bound_);
  live_.Clear(slot);
  ++generation_;
}

std::set<FieldIndexes::FieldKey> FieldIndexes::FieldsOf(const Filter& filter) {
  std::set<FieldKey> needed;
  ForEachCondition(filter.root(), [&](const FilterCondition& condition) {
    const auto& values = condition.values;
    if (std::any_of(values.begin(), values.end(), IsCompound)) needed.emplace(condition.field, true);
    if (!std::all_of(values.begin(), values.end(), IsCompound)) needed.emplace(condition.field, false);
  });
  return needed;
}

bool FieldIndexes::HasAll(const std::set<FieldKey>& needed) const {
  if (!live_known_) return false;
  for (const FieldKey& key : needed) {
    if (!fields_.contains(key)) return false;
  }
  return true;
}

std::shared_ptr<const SlotSet> FieldIndexes::Evaluate(const Filter& filter, const Scan& scan) {
  const std::set<FieldKey> needed = FieldsOf(filter);
  {
    const ReaderLock lock(mutex_);
    if (HasAll(needed)) return EvaluateLocked(filter, needed);
  }
  return Build(filter, needed, scan);
}

std::shared_ptr<const SlotSet> FieldIndexes::EvaluateLocked(const Filter& filter, const std::set<FieldKey>& needed) {
  if (auto known = FindCached(filter, generation_)) return known;
  for (const FieldKey& key : needed) fields_.at(key)->last_used.store(generation_, std::memory_order_relaxed);
  const auto result = std::make_shared<const SlotSet>(Evaluation(fields_, live_, slot_bound_).Node(filter.root()));
  result->Count();
  Remember(filter, generation_, result);
  return result;
}

std::shared_ptr<const SlotSet> FieldIndexes::Build(const Filter& filter, const std::set<FieldKey>& needed,
                                                   const Scan& scan) {
  const MutexLock build(build_mutex_);
  FieldMap fresh;
  bool first = false;
  {
    const ReaderLock lock(mutex_);
    if (HasAll(needed)) return EvaluateLocked(filter, needed);  // built while we waited
    first = !live_known_;
    for (const FieldKey& key : needed) {
      if (!fields_.contains(key)) fresh.emplace(key, std::make_unique<FieldPostings>(key.first, key.second));
    }
  }
  const Journal journal(*this);
  SlotSet live;
  size_t bound = 0;
  MetadataParser parser;
  scan([&](Slot slot, std::string_view metadata_json) {
    if (live.Test(slot)) return;  // seen before it was replaced; the journal has the rest
    live.Set(slot);
    bound = std::max(bound, size_t{slot} + 1);
    IndexInto(fresh, parser, slot, metadata_json, bound, true);
  });
  for (auto& [key, field] : fresh) field->FinishBulk(bound);

  const WriterLock lock(mutex_);
  slot_bound_ = std::max(slot_bound_, bound);
  for (const Change& change : journal_) {
    slot_bound_ = std::max(slot_bound_, size_t{change.slot} + 1);
    for (auto& [key, field] : fresh) field->Remove(change.slot, slot_bound_);
    live.Clear(change.slot);
    if (!change.added) continue;
    live.Set(change.slot);
    IndexInto(fresh, parser, change.slot, change.metadata_json, slot_bound_, false);
  }
  if (first) live_ = std::move(live);
  live_known_ = true;
  fields_.merge(fresh);
  Evict(needed);
  ++generation_;
  return EvaluateLocked(filter, needed);
}

void FieldIndexes::Evict(const std::set<FieldKey>& needed) {
  while (fields_.size() > std::max(kMaxFields, needed.size())) {
    auto oldest = fields_.end();
    for (auto at = fields_.begin(); at != fields_.end(); ++at) {
      if (needed.contains(at->first)) continue;
      if (oldest == fields_.end() || at->second->last_used < oldest->second->last_used) oldest = at;
    }
    if (oldest == fields_.end()) return;
    fields_.erase(oldest);
  }
}

std::shared_ptr<const SlotSet> FieldIndexes::FindCached(const Filter& filter, uint64_t generation) {
  const MutexLock lock(cache_mutex_);
  for (Cached& cached : cache_) {
    if (cached.generation != generation || cached.filter != filter.Canonical()) continue;
    cached.used = ++cache_clock_;
    return cached.slots;
  }
  return nullptr;
}

void FieldIndexes::Remember(const Filter& filter, uint64_t generation, std::shared_ptr<const SlotSet> slots) {
  if (filter.Canonical().size() > kMaxCachedText) return;
  const MutexLock lock(cache_mutex_);
  std::erase_if(cache_, [generation](const Cached& cached) { return cached.generation != generation; });
  if (cache_.size() >= kMaxCached) {
    cache_.erase(std::min_element(cache_.begin(), cache_.end(),
                                  [](const Cached& a, const Cached& b) { return a.used < b.used; }));
  }
  cache_.push_back({filter.Canonical(), generation, ++cache_clock_, std::move(slots)});
}

std::vector<std::string> FieldIndexes::fields() const {
  const ReaderLock lock(mutex_);
  std::set<std::string> names;
  for (const auto& [key, field] : fields_) names.insert(key.first);
  return {names.begin(), names.end()};
}

uint64_t FieldIndexes::bytes() const {
  const ReaderLock lock(mutex_);
  uint64_t total = sizeof(*this) + live_.bytes();
  for (const auto& [key, field] : fields_) total += field->bytes();
  for (const Change& change : journal_) total += sizeof(Change) + change.metadata_json.capacity();
  return total;
}

}  // namespace lakehouse::vector
