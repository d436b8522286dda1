// The ordered dictionary of one field: value → slots. A sorted run holds almost everything: distinct values in order,
// the slots of each behind one another, frequent values as bitsets. What changed since stands in a small unsorted list
// of additions and a set of dead slots; both are merged into the run before they cost more than the run's own search.
// A million distinct numbers take about 20 MB and no node is allocated for any of them.
//
// Private to this folder; its user locks.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "vector/filter.h"
#include "vector/slot_set.h"

namespace lakehouse::vector {

// Rising numbers. Most fields have no integer past 2^53, and then `rest` stays empty.
class NumberKeys {
 public:
  using View = ExactNumber;
  using Owned = ExactNumber;
  static constexpr bool kSortsFast = true;
  size_t size() const { return nearest_.size(); }
  View operator[](size_t i) const { return {nearest_[i], rest_.empty() ? int16_t{0} : rest_[i]}; }
  void Append(View key) {
    if (key.rest != 0) rest_.resize(nearest_.size());
    nearest_.push_back(key.nearest);
    if (key.rest != 0 || !rest_.empty()) rest_.push_back(key.rest);
  }
  void Reserve(size_t keys) { nearest_.reserve(keys); }
  uint64_t bytes() const { return nearest_.capacity() * sizeof(double) + rest_.capacity() * sizeof(int16_t); }
  static uint64_t HeapBytes(const Owned&) { return 0; }

 private:
  std::vector<double> nearest_;
  std::vector<int16_t> rest_;
};

// Rising strings, end to end.
class StringKeys {
 public:
  using View = std::string_view;
  using Owned = std::string;
  static constexpr bool kSortsFast = false;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  size_t size() const { return ends_.size(); }
  View operator[](size_t i) const {
    const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(chars_).substr(begin, ends_[i] - begin);
  }
  void Append(View key) {
    chars_.append(key);
    ends_.push_back(chars_.size());
  }
  void Reserve(size_t keys) { ends_.reserve(keys); }
  uint64_t bytes() const { return chars_.capacity() + ends_.capacity() * sizeof(uint64_t); }
  static uint64_t HeapBytes(const Owned& key) { return key.size(); }

 private:
  std::string chars_;
  std::vector<uint64_t> ends_;
};

// Many (key, slot) pairs in any order, given back by rising keys. For keys that sort faster than they hash.
template <typename Keys>
class SortedBulk {
 public:
  void Add(typename Keys::View key, Slot slot) { pairs_.emplace_back(key, slot); }
  // Calls `callback(key, slots)` for each key.
  template <typename Callback>
  void ForEachKey(Callback callback) {
    std::sort(pairs_.begin(), pairs_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Slot> slots;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      slots.push_back(pairs_[i].second);
      if (i + 1 < pairs_.size() && pairs_[i + 1].first == pairs_[i].first) continue;
      callback(pairs_[i].first, std::span<const Slot>(slots));
      slots.clear();
    }
  }

 private:
  std::vector<std::pair<typename Keys::Owned, Slot>> pairs_;
};

// The same for keys that are long: each is kept once.
template <typename Keys>
class InternedBulk {
 public:
  void Add(typename Keys::View key, Slot slot) {
    auto found = ids_.find(key);
    if (found == ids_.end()) {
      found = ids_.emplace(typename Keys::Owned(key), static_cast<uint32_t>(ids_.size())).first;
    }
    entries_.emplace_back(found->second, slot);
  }
  template <typename Callback>
  void ForEachKey(Callback callback) {
    std::vector<std::pair<typename Keys::View, uint32_t>> order;
    order.reserve(ids_.size());
    for (const auto& [key, id] : ids_) order.emplace_back(key, id);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });

    // Entries by id in one counting pass; then ends[id] is where the next id begins.
    std::vector<uint64_t> ends(order.size());
    for (const auto& [id, slot] : entries_) ++ends[id];
    std::exclusive_scan(ends.begin(), ends.end(), ends.begin(), uint64_t{0});
    std::vector<Slot> by_id(entries_.size());
    for (const auto& [id, slot] : entries_) by_id[ends[id]++] = slot;
    for (const auto& [key, id] : order) {
      const uint64_t begin = id == 0 ? 0 : ends[id - 1];
      callback(key, std::span<const Slot>(by_id).subspan(begin, ends[id] - begin));
    }
  }

 private:
  boost::unordered_flat_map<typename Keys::Owned, uint32_t, typename Keys::Hash, std::equal_to<>> ids_;
  std::vector<std::pair<uint32_t, Slot>> entries_;
};

// Values between two bounds; a missing bound is open.
template <typename View>
struct KeyRange {
  struct Bound {
    View key;
    bool inclusive;
  };
  std::optional<Bound> low, high;

  bool Contains(View key) const {
    if (low && (low->inclusive ? key < low->key : !(low->key < key))) return false;
    return !high || (high->inclusive ? !(high->key < key) : key < high->key);
  }
};

template <typename Keys>
class Postings {
 public:
  using View = typename Keys::View;
  using Range = KeyRange<View>;

  // Many additions before the first search: cheap each, sorted once by FinishBulk. REQUIRES: nothing was added yet.
  void AddBulk(View key, Slot slot) {
    if (!bulk_) bulk_.emplace();
    bulk_->Add(key, slot);
  }
  // `slots` bounds the slots there are; it decides from when a value is frequent.
  void FinishBulk(size_t slots);

  void Add(View key, Slot slot, size_t slots) {
    added_.push_back({typename Keys::Owned(key), slot});
    added_slots_.Set(slot);
    if (added_.size() > std::max<size_t>(kSmallDelta, run_.slots.size() / 64)) Merge(slots);
  }
  // Removes all that `slot` has.
  void Remove(Slot slot, size_t slots) {
    if (added_slots_.Test(slot)) {
      std::erase_if(added_, [slot](const Added& added) { return added.slot == slot; });
      added_slots_.Clear(slot);
    }
    if (run_.keys.size() == 0 || dead_.Test(slot)) return;
    dead_.Set(slot);
    if (++dead_count_ > std::max<size_t>(kSmallDelta, slots / 4)) Merge(slots);
  }

  // Adds the slots of all values in `range` to `out`.
  void Union(const Range& range, SlotSet& out) const;
  void Union(View key, SlotSet& out) const {
    Union(Range{typename Range::Bound{key, true}, typename Range::Bound{key, true}}, out);
  }

  uint64_t bytes() const;

 private:
  static constexpr size_t kSmallDelta = 2'048;
  // A value in every 32nd slot takes as much as a list as it takes as a bitset.
  static constexpr size_t kDenseShare = 32;

  struct Added {
    typename Keys::Owned key;
    Slot slot;
  };
  using Bulk = std::conditional_t<Keys::kSortsFast, SortedBulk<Keys>, InternedBulk<Keys>>;
  struct Dense {
    size_t key;
    SlotSet set;
  };
  struct Run {
    Keys keys;
    std::vector<uint64_t> ends;  // of each key's slots in `slots`
    std::vector<Slot> slots;
    std::vector<Dense> dense;  // keys without slots in `slots`, rising

    uint64_t BeginOf(size_t key) const { return key == 0 ? 0 : ends[key - 1]; }
    // Ends a key whose slots have just been appended to `slots`; drops it when it has none.
    void Close(View key, size_t slot_bound) {
      const uint64_t begin = ends.empty() ? 0 : ends.back();
      const size_t count = slots.size() - begin;
      if (count == 0) return;
      if (count >= std::max<size_t>(kDenseShare, slot_bound / kDenseShare)) {
        SlotSet set(slot_bound);
        set.SetAll(std::span<const Slot>(slots).subspan(begin));
        dense.push_back({keys.size(), std::move(set)});
        slots.resize(begin);
      }
      keys.Append(key);
      ends.push_back(slots.size());
    }
  };

  void Merge(size_t slots);

  Run run_;
  std::vector<Added> added_;  // since the last merge
  SlotSet added_slots_;
  SlotSet dead_;  // what these have in the run no longer counts
  size_t dead_count_ = 0;
  std::optional<Bulk> bulk_;
};

template <typename Keys>
void Postings<Keys>::FinishBulk(size_t slots) {
  if (!bulk_) return;
  bulk_->ForEachKey([&](View key, std::span<const Slot> found) {
    run_.slots.insert(run_.slots.end(), found.begin(), found.end());
    run_.Close(key, slots);
  });
  run_.slots.shrink_to_fit();
  bulk_.reset();
}

template <typename Keys>
void Postings<Keys>::Merge(size_t slots) {
  std::sort(added_.begin(), added_.end(), [](const Added& a, const Added& b) { return a.key < b.key; });
  Run merged;
  merged.keys.Reserve(run_.keys.size());
  merged.ends.reserve(run_.keys.size());
  merged.slots.reserve(run_.slots.size() + added_.size());
  auto next_dense = run_.dense.begin();
  auto next_added = added_.begin();
  const auto take_added = [&](View key) {
    for (; next_added != added_.end() && View(next_added->key) == key; ++next_added)
      merged.slots.push_back(next_added->slot);
  };
  for (size_t i = 0; i < run_.keys.size(); ++i) {
    const View key = run_.keys[i];
    while (next_added != added_.end() && View(next_added->key) < key) {
      const View before = next_added->key;
      take_added(before);
      merged.Close(before, slots);
    }
    for (uint64_t at = run_.BeginOf(i); at < run_.ends[i]; ++at) {
      if (!dead_.Test(run_.slots[at])) merged.slots.push_back(run_.slots[at]);
    }
    if (next_dense != run_.dense.end() && next_dense->key == i) {
      next_dense->set.AndNot(dead_);
      next_dense->set.ForEach([&](Slot slot) { merged.slots.push_back(slot); });
      ++next_dense;
    }
    take_added(key);
    merged.Close(key, slots);
  }
  while (next_added != added_.end()) {
    const View after = next_added->key;
    take_added(after);
    merged.Close(after, slots);
  }
  run_ = std::move(merged);
  added_.clear();
  added_slots_.Reset();
  dead_.Reset();
  dead_count_ = 0;
}

template <typename Keys>
void Postings<Keys>::Union(const Range& range, SlotSet& out) const {
  const auto bound = [&](auto before) {
    size_t low = 0, high = run_.keys.size();
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (before(run_.keys[middle])) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  const size_t first = !range.low ? 0 : bound([&](View key) {
    return range.low->inclusive ? key < range.low->key : !(range.low->key < key);
  });
  const size_t last = !range.high ? run_.keys.size() : bound([&](View key) {
    return range.high->inclusive ? !(range.high->key < key) : key < range.high->key;
  });
  if (first < last) {
    const uint64_t begin = run_.BeginOf(first);
    const auto slots = std::span<const Slot>(run_.slots).subspan(begin, run_.ends[last - 1] - begin);
    const auto dense = std::partition_point(run_.dense.begin(), run_.dense.end(),
                                            [&](const Dense& value) { return value.key < first; });
    if (dead_count_ == 0) {
      out.SetAll(slots);
      for (auto at = dense; at != run_.dense.end() && at->key < last; ++at) out.Or(at->set);
    } else {
      for (const Slot slot : slots) {
        if (!dead_.Test(slot)) out.Set(slot);
      }
      for (auto at = dense; at != run_.dense.end() && at->key < last; ++at) {
        SlotSet alive = at->set;
        alive.AndNot(dead_);
        out.Or(alive);
      }
    }
  }
  for (const Added& added : added_) {
    if (range.Contains(added.key)) out.Set(added.slot);
  }
}

template <typename Keys>
uint64_t Postings<Keys>::bytes() const {
  uint64_t total = run_.keys.bytes() + run_.ends.capacity() * sizeof(uint64_t) + run_.slots.capacity() * sizeof(Slot) +
                   added_.capacity() * sizeof(Added) + added_slots_.bytes() + dead_.bytes();
  for (const Dense& dense : run_.dense) total += sizeof(Dense) + dense.set.bytes();
  for (const Added& added : added_) total += Keys::HeapBytes(added.key);
  return total;
}

}  // namespace lakehouse::vector
