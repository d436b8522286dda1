#include "vector/slot_set.h"

#include <algorithm>

namespace lakehouse::vector {
namespace {

uint64_t CountWords(const uint64_t* words, size_t size) {
  uint64_t count = 0;
  for (size_t i = 0; i < size; ++i) count += static_cast<uint64_t>(std::popcount(words[i]));
  return count;
}

#if defined(__x86_64__)
// The same loop with the machine's own instruction, where the build may not assume it.
__attribute__((target("popcnt"))) uint64_t CountWordsPopcnt(const uint64_t* words, size_t size) {
  uint64_t count = 0;
  for (size_t i = 0; i < size; ++i) count += static_cast<uint64_t>(__builtin_popcountll(words[i]));
  return count;
}
#endif

}  // namespace

void SlotSet::Grow(size_t words) {
  if (words > words_.capacity()) words_.reserve(std::max(words, words_.capacity() + words_.capacity() / 2));
  words_.resize(words);
}

void SlotSet::SetAll(std::span<const Slot> slots) {
  if (slots.empty()) return;
  const size_t needed = WordsFor(size_t{*std::max_element(slots.begin(), slots.end())} + 1);
  if (needed > words_.size()) Grow(needed);
  uint64_t* words = words_.data();
  for (const Slot slot : slots) words[slot / 64] |= Bit(slot);
  Changed();
}

size_t SlotSet::Count() const {
  const uint64_t known = CachedCount();
  if (known != kUnknown) return known;
#if defined(__x86_64__)
  const uint64_t count = __builtin_cpu_supports("popcnt") != 0 ? CountWordsPopcnt(words_.data(), words_.size())
                                                               : CountWords(words_.data(), words_.size());
#else
  const uint64_t count = CountWords(words_.data(), words_.size());
#endif
  count_.store(count, std::memory_order_relaxed);
  return count;
}

void SlotSet::And(const SlotSet& other) {
  if (words_.size() > other.words_.size()) words_.resize(other.words_.size());
  const uint64_t* theirs = other.words_.data();
  uint64_t* ours = words_.data();
  for (size_t i = 0, size = words_.size(); i < size; ++i) ours[i] &= theirs[i];
  Changed();
}

void SlotSet::Or(const SlotSet& other) {
  if (words_.size() < other.words_.size()) Grow(other.words_.size());
  const uint64_t* theirs = other.words_.data();
  uint64_t* ours = words_.data();
  for (size_t i = 0, size = other.words_.size(); i < size; ++i) ours[i] |= theirs[i];
  Changed();
}

void SlotSet::AndNot(const SlotSet& other) {
  const uint64_t* theirs = other.words_.data();
  uint64_t* ours = words_.data();
  for (size_t i = 0, size = std::min(words_.size(), other.words_.size()); i < size; ++i) ours[i] &= ~theirs[i];
  Changed();
}

bool operator==(const SlotSet& a, const SlotSet& b) {
  const std::span<const uint64_t> shorter = a.words_.size() < b.words_.size() ? a.words() : b.words();
  const std::span<const uint64_t> longer = a.words_.size() < b.words_.size() ? b.words() : a.words();
  if (!std::equal(shorter.begin(), shorter.end(), longer.begin())) return false;
  return std::all_of(longer.begin() + static_cast<ptrdiff_t>(shorter.size()), longer.end(),
                     [](uint64_t word) { return word == 0; });
}

}  // namespace lakehouse::vector
