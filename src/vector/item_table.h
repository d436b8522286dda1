// The items of an index beside their codes: id, metadata, full vector, whether they live; and ids to slots.
//
// A slot's item never changes while it lives: adding an id again takes a new slot. So readers that hold a session need
// no lock for what they see. Thread-safety: changes by one thread at a time; reads from any thread, where said so with
// a session of the pool (vector/session.h).
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "vector/slot_memory.h"
#include "vector/types.h"

namespace lakehouse::vector {

class ItemTable {
 public:
  // `folder`: where full vectors lie on disk; none: in memory.
  static Result<std::unique_ptr<ItemTable>> Make(uint32_t dimension, std::optional<std::filesystem::path> folder);
  ~ItemTable();
  ItemTable(const ItemTable&) = delete;
  ItemTable& operator=(const ItemTable&) = delete;

  // Any thread.
  std::optional<Slot> Find(std::string_view id) const LH_EXCLUDES(ids_mutex_);
  size_t live() const { return live_.load(std::memory_order_acquire); }
  // Above every slot ever used.
  size_t slots() const { return slots_.load(std::memory_order_acquire); }
  // Memory held; vectors that lie in a file are the kernel's to keep or drop and do not count.
  uint64_t bytes() const;

  // With a session, of slots that were live in it.
  bool IsLive(Slot slot) const { return EntryOf(slot).live.load(std::memory_order_acquire) != 0; }
  std::string_view Id(Slot slot) const;
  // nullopt: never given any.
  std::optional<std::string_view> Metadata(Slot slot) const;
  const float* Vector(Slot slot) const { return reinterpret_cast<const float*>(vectors_->At(slot)); }
  // 1 / length, as cosine needs it; 0 for the zero vector.
  float InverseLength(Slot slot) const { return EntryOf(slot).inverse_length; }
  void Prefetch(Slot slot) const { __builtin_prefetch(&EntryOf(slot)); }
  void PrefetchRecord(Slot slot) const { __builtin_prefetch(EntryOf(slot).record.load(std::memory_order_relaxed)); }
  std::vector<Slot> LiveSlots() const;
  // Id and metadata as a segment keeps them.
  std::string_view Record(Slot slot) const;

  // The one writer. Place fills free slots, which nobody sees yet; Publish makes them live and others dead.
  Result<std::vector<Slot>> Place(size_t count);
  // kExhausted when memory is short.
  Status Fill(Slot slot, std::string_view id, const float* vector, std::optional<std::string_view> metadata);
  // Slots of placed items that will not be published.
  void GiveBack(std::span<const Slot> slots);
  struct Change {
    std::vector<Slot> come, go;
  };
  // Between these, what searches see is changing; see publications().
  void BeginPublication() { publications_.fetch_add(1, std::memory_order_acq_rel); }
  void EndPublication() { publications_.fetch_add(1, std::memory_order_acq_rel); }
  // Ids of `come` lead to them from now on; ids of `go` whose slot that still is lead nowhere.
  void Publish(const Change& change) LH_EXCLUDES(ids_mutex_);
  // Even when nothing is being published; odd meanwhile. What was read between two equal even numbers belongs together.
  uint64_t publications() const { return publications_.load(std::memory_order_acquire); }
  // Makes an empty table that of a segment, whose mapping it keeps. Slots without item and node are free; with a graph
  // every item has a node. kInternal naming what is wrong when an offset or a slot points where nothing is.
  struct Parts {
    std::shared_ptr<Mapping> mapping;  // what the spans lie in
    size_t vectors_offset = 0;
    std::span<const float> lengths;
    std::span<const uint64_t> offsets;
    std::string_view records;
    std::span<const Slot> ids;
  };
  Status Adopt(Parts parts, const std::function<bool(Slot)>& holds_node, bool has_graph, unsigned threads);
  // Every id leads to its own item. Until this has passed, an adopted table may be read but not changed.
  Status CheckIds() const LH_EXCLUDES(ids_mutex_);
  // Slots that went and that no session can see any more.
  void Free(std::span<const Slot> slots);

 private:
  struct Entry {
    std::atomic<const char*> record;  // id and metadata, see item_table.cc
    float inverse_length;
    std::atomic<uint8_t> live;
    uint8_t owned;  // the record is ours to free
  };
  explicit ItemTable(uint32_t dimension) : dimension_(dimension) {}
  Entry& EntryOf(Slot slot) const { return *reinterpret_cast<Entry*>(entries_->At(slot)); }
  void DropRecord(Entry& entry);
  Status AdoptEntries(const Parts& parts, const std::function<bool(Slot)>& holds_node, bool has_graph,
                      unsigned threads);
  bool HasId(Slot slot, std::string_view id) const;
  size_t PlaceOf(std::string_view id) const LH_REQUIRES_SHARED(ids_mutex_);
  void GrowIds(size_t ids) LH_REQUIRES(ids_mutex_);
  void EraseId(size_t place) LH_REQUIRES(ids_mutex_);

  const uint32_t dimension_;
  std::unique_ptr<SlotMemory> vectors_, entries_;
  bool vectors_in_file_ = false;
  std::vector<Slot> free_;
  std::shared_ptr<const void> keeps_;  // where records that are not ours lie
  std::atomic<size_t> live_{0}, slots_{0};
  std::atomic<uint64_t> publications_{0}, record_bytes_{0};

  mutable SharedMutex ids_mutex_;
  // Open addressing, linear probing; kNoId where nothing is. At most half full.
  std::vector<Slot> ids_ LH_GUARDED_BY(ids_mutex_);
  size_t id_count_ LH_GUARDED_BY(ids_mutex_) = 0;
};

}  // namespace lakehouse::vector
