// Automatic indexes of the metadata fields that filters name. The first filter that names a field has it indexed by one
// scan over all metadata; from then on additions and removals keep it up to date. Agrees with Filter::Matches.
//
// Callable from any thread. Evaluate takes a shared lock (an exclusive one to put a new index in place), changes take
// an exclusive one. While a scan runs no lock is held that changes need: they go on, and are repeated on the new index
// before it is used. Two Evaluates that need new indexes take turns.
//
// Metadata that is not valid JSON, or empty, counts as {}.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "vector/filter.h"
#include "vector/slot_set.h"

namespace lakehouse::vector {

class FieldPostings;
class MetadataParser;

class FieldIndexes {
 public:
  // Calls back for every slot added and not removed. Called by Evaluate, on its thread, at most once in a call.
  // REQUIRES: what was handed to Add or Remove was changed in the scanned place before, so that a scan which starts
  // after such a call sees it; and the caller of Evaluate holds no lock that the scan or a pending change needs.
  using Scan = std::function<void(const std::function<void(Slot, std::string_view metadata_json)>&)>;
  struct Item {
    Slot slot;
    std::string_view metadata_json;
  };

  FieldIndexes();
  ~FieldIndexes();

  // Adding a slot that is there replaces its metadata; removing one that is not does nothing.
  void Add(Slot slot, std::string_view metadata_json);
  void Add(std::span<const Item> items);
  // `metadata_json` is not needed: a slot's entries are found by the slot.
  void Remove(Slot slot, std::string_view metadata_json = {});
  void Remove(std::span<const Slot> slots);

  // The slots that match. Results are remembered until the next change.
  std::shared_ptr<const SlotSet> Evaluate(const Filter& filter, const Scan& scan);

  // Indexed fields, sorted.
  std::vector<std::string> fields() const;
  // Memory held, nearly.
  uint64_t bytes() const;

 private:
  class Evaluation;
  class Journal;
  // A field's name, and whether whole arrays and objects are indexed (apart, as few filters ask for them) or scalars.
  using FieldKey = std::pair<std::string, bool>;
  using FieldMap = std::map<FieldKey, std::unique_ptr<FieldPostings>>;
  struct Change {
    Slot slot;
    bool added;
    std::string metadata_json;
  };
  struct Cached {
    std::string filter;
    uint64_t generation = 0;
    uint64_t used = 0;
    std::shared_ptr<const SlotSet> slots;
  };

  static std::set<FieldKey> FieldsOf(const Filter& filter);
  bool HasAll(const std::set<FieldKey>& needed) const LH_REQUIRES_SHARED(mutex_);
  std::shared_ptr<const SlotSet> EvaluateLocked(const Filter& filter, const std::set<FieldKey>& needed)
      LH_REQUIRES_SHARED(mutex_);
  std::shared_ptr<const SlotSet> Build(const Filter& filter, const std::set<FieldKey>& needed, const Scan& scan);
  void AddLocked(Slot slot, std::string_view metadata_json) LH_REQUIRES(mutex_);
  void RemoveLocked(Slot slot) LH_REQUIRES(mutex_);
  void RemoveLiveLocked(Slot slot) LH_REQUIRES(mutex_);
  void Evict(const std::set<FieldKey>& needed) LH_REQUIRES(mutex_);
  std::shared_ptr<const SlotSet> FindCached(const Filter& filter, uint64_t generation);
  void Remember(const Filter& filter, uint64_t generation, std::shared_ptr<const SlotSet> slots);

  mutable SharedMutex mutex_;
  FieldMap fields_ LH_GUARDED_BY(mutex_);
  // Every slot there is. Known from the first scan on; changes before it need nothing done.
  SlotSet live_ LH_GUARDED_BY(mutex_);
  bool live_known_ LH_GUARDED_BY(mutex_) = false;
  size_t slot_bound_ LH_GUARDED_BY(mutex_) = 0;  // all slots are below
  uint64_t generation_ LH_GUARDED_BY(mutex_) = 0;
  const std::unique_ptr<MetadataParser> parser_ LH_PT_GUARDED_BY(mutex_);
  // Changes since the scan that is under way began.
  bool scanning_ LH_GUARDED_BY(mutex_) = false;
  std::vector<Change> journal_ LH_GUARDED_BY(mutex_);

  Mutex build_mutex_;  // taken before mutex_

  Mutex cache_mutex_;  // taken after mutex_
  std::vector<Cached> cache_ LH_GUARDED_BY(cache_mutex_);
  uint64_t cache_clock_ LH_GUARDED_BY(cache_mutex_) = 0;
};

}  // namespace lakehouse::vector
