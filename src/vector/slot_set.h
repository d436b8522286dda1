// A set of slots as a plain bitset that grows as needed: what a filter leaves, which slots live, postings of frequent
// values. Slots are small and dense, so a million of them take 125 kB, and unions and intersections run at the speed of
// memory.
//
// Value type; copies freely. const calls from any number of threads, changes from one thread alone.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lakehouse::vector {

// The place of one item in an index. Slots of removed items are used again.
using Slot = uint32_t;

class SlotSet {
 public:
  SlotSet() = default;
  // Empty, with room for slots below `slots`.
  explicit SlotSet(size_t slots) : words_(WordsFor(slots)) {}
  SlotSet(const SlotSet& other) : words_(other.words_), count_(other.CachedCount()) {}
  SlotSet(SlotSet&& other) noexcept : words_(std::move(other.words_)), count_(other.CachedCount()) {
    other.words_.clear();
    other.Changed();
  }
  SlotSet& operator=(const SlotSet& other) {
    words_ = other.words_;
    count_.store(other.CachedCount(), std::memory_order_relaxed);
    return *this;
  }
  SlotSet& operator=(SlotSet&& other) noexcept {
    words_ = std::move(other.words_);
    count_.store(other.CachedCount(), std::memory_order_relaxed);
    other.words_.clear();
    other.Changed();
    return *this;
  }

  void Set(Slot slot) {
    const size_t word = slot / 64;
    if (word >= words_.size()) Grow(word + 1);
    words_[word] |= Bit(slot);
    Changed();
  }
  void Clear(Slot slot) {
    if (slot / 64 >= words_.size()) return;
    words_[slot / 64] &= ~Bit(slot);
    Changed();
  }
  bool Test(Slot slot) const { return slot / 64 < words_.size() && (words_[slot / 64] & Bit(slot)) != 0; }
  // Sets each of `slots`; the fast way for many.
  void SetAll(std::span<const Slot> slots);
  void Reset() {
    words_.clear();
    Changed();
  }

  // Counted once after a change, then remembered.
  size_t Count() const;
  bool Empty() const { return Count() == 0; }

  void And(const SlotSet& other);
  void Or(const SlotSet& other);
  void AndNot(const SlotSet& other);

  // Calls `callback(Slot)` for each slot, rising.
  template <typename Callback>
  void ForEach(Callback&& callback) const {
    for (size_t word = 0; word < words_.size(); ++word) {
      for (uint64_t bits = words_[word]; bits != 0; bits &= bits - 1) {
        callback(static_cast<Slot>(word * 64 + static_cast<size_t>(std::countr_zero(bits))));
      }
    }
  }

  // Bit i % 64 of word i / 64 is slot i; slots past the end are not in the set.
  std::span<const uint64_t> words() const { return words_; }
  uint64_t bytes() const { return words_.capacity() * sizeof(uint64_t); }

  // The same slots, whatever the room behind them.
  friend bool operator==(const SlotSet& a, const SlotSet& b);

 private:
  static constexpr uint64_t kUnknown = ~uint64_t{0};
  static size_t WordsFor(size_t slots) { return (slots + 63) / 64; }
  static uint64_t Bit(Slot slot) { return uint64_t{1} << (slot % 64); }
  uint64_t CachedCount() const { return count_.load(std::memory_order_relaxed); }
  void Changed() { count_.store(kUnknown, std::memory_order_relaxed); }
  void Grow(size_t words);

  std::vector<uint64_t> words_;
  // kUnknown until counted. Atomic because readers that count at once all write the same number.
  mutable std::atomic<uint64_t> count_{kUnknown};
};

}  // namespace lakehouse::vector
