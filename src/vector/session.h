// What a search or an insert holds while it runs: room to work in, and the promise that what it may still look at is
// not used again meanwhile (epoch-based reclamation: Fraser, 2004).
//
// Thread-safe: SessionPool from any thread; a session belongs to one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "vector/codec.h"
#include "vector/slot_set.h"

namespace lakehouse::vector {

inline constexpr Slot kNoSlot = ~Slot{0};

struct Candidate {
  float distance = 0;
  Slot slot = kNoSlot;
};
// A total order: of what is equally far, the one with the lower slot.
inline bool Nearer(const Candidate& a, const Candidate& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.slot < b.slot);
}

// What one search or insert needs; reused, so that a search allocates nothing.
class SearchScratch {
 public:
  // What was seen since Clear. A view for tight loops. Slots that MakeRoom was not called for count as seen: nodes
  // that came after the search began may lie there, and none is owed to it; nor does a damaged link lead there.
  class Seen {
   public:
    explicit Seen(SearchScratch& scratch)
        : words_(scratch.visited_.data()),
          word_count_(scratch.words_),
          touched_(scratch.touched_.data()),
          count_(scratch.touched_count_) {}
    // True the first time.
    bool Visit(Slot slot) {
      if (slot / 64 >= word_count_) return false;
      uint64_t& word = words_[slot / 64];
      const uint64_t before = word, bit = uint64_t{1} << (slot % 64);
      if ((before & bit) != 0) return false;
      word = before | bit;
      // Written always, kept when the word was clean: no branch to mispredict.
      touched_[count_] = slot / 64;
      count_ += before == 0 ? 1 : 0;
      return true;
    }

   private:
    uint64_t* words_;
    size_t word_count_;
    uint32_t* touched_;
    size_t& count_;
  };
  // REQUIRES: slots is a multiple of 64.
  void MakeRoom(size_t slots) {
    words_ = slots / 64;
    if (visited_.size() >= words_) return;
    visited_.resize((slots + 63) / 64 * 3 / 2 + 1);
    touched_.resize(visited_.size() + 1);
  }
  void Clear() {
    for (size_t i = 0; i < touched_count_; ++i) visited_[touched_[i]] = 0;
    touched_count_ = 0;
  }

  PreparedQuery query, other;
  std::vector<Candidate> beam, kept, heap, merged, spare;
  std::vector<std::vector<Candidate>> chosen;  // links of the node being added, by level

 private:
  friend class SessionPool;
  std::vector<uint64_t> visited_;
  std::vector<uint32_t> touched_;
  size_t touched_count_ = 0, words_ = 0;
  std::atomic<uint64_t> epoch_{0};  // 0: idle; else the pool's epoch when its session began
};

class SessionPool {
 public:
  class Session {
   public:
    explicit Session(SessionPool& pool);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    SearchScratch& operator*() const { return *scratch_; }
    SearchScratch* operator->() const { return scratch_; }

   private:
    SessionPool& pool_;
    SearchScratch* scratch_;
  };

  // Returns once every session that had begun before is over. REQUIRES: the caller holds none.
  void WaitForSessions() LH_EXCLUDES(mutex_);
  // The same without waiting: a mark now, and later whether every session that had begun before it is over.
  uint64_t Mark() LH_EXCLUDES(mutex_);
  bool IsOver(uint64_t mark) const LH_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<SearchScratch>> scratches_ LH_GUARDED_BY(mutex_);
  std::vector<SearchScratch*> idle_ LH_GUARDED_BY(mutex_);
  std::atomic<uint64_t> epoch_{1};
};

}  // namespace lakehouse::vector
