// Full text over one text per slot, ranked by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework:
// BM25 and Beyond", 2009; k1 = 1.2, b = 0.75), and the fusion of several rankings into one. What a word is stands in
// text_tokens.h.
//
//   score(d, q) = sum over words t of q: ln(1 + (N - n_t + 0.5) / (n_t + 0.5)) * f * (k1 + 1) / (f + k1 * (1 - b + b *
//   |d| / avg))
//
// with N texts, n_t of them with t, f the count of t in d, |d| the words of d and avg their mean. A word that stands in
// the query twice counts twice. Callable from any thread; searches run side by side, changes one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "vector/slot_set.h"

namespace lakehouse::vector {

struct TextHit {
  Slot slot;
  float score;  // more is better
  bool operator==(const TextHit&) const = default;
};

class TextIndex {
 public:
  using Hit = TextHit;

  // Replaces what the slot had. A text without words counts as a text.
  void Add(Slot slot, std::string_view text);
  void Remove(Slot slot);

  // At most `limit` texts with at least one word of the query, best first, equal scores by slot. With `allowed`, of
  // these alone; the statistics are still those of all texts.
  std::vector<Hit> Search(std::string_view query, size_t limit, const SlotSet* allowed = nullptr) const;

  size_t size() const;
  // Memory held, nearly.
  uint64_t bytes() const;

 private:
  // A posting counts while its document still has the version it was written for; others are swept out later.
  struct Posting {
    Slot slot;
    uint32_t version;
    uint32_t count;
  };
  struct Term {
    const std::string* text = nullptr;  // the key in ids_
    std::vector<Posting> postings;
    uint32_t documents = 0;  // postings that count
  };
  struct Document {
    std::vector<uint32_t> terms;
    uint32_t words = 0;
    uint32_t version = 0;
    bool present = false;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct QueryTerm {
    const Term* term;
    double weight;
  };

  uint32_t TermId(std::string_view text) LH_REQUIRES(mutex_);
  void RemoveLocked(Slot slot) LH_REQUIRES(mutex_);
  static void Sweep(Term& term, const std::vector<Document>& documents);
  std::vector<QueryTerm> TermsOf(std::string_view query) const LH_REQUIRES_SHARED(mutex_);
  // Calls `add(slot, score)` for each posting of the query that counts.
  template <typename AddScore>
  void Score(const std::vector<QueryTerm>& terms, const SlotSet* allowed, AddScore add) const
      LH_REQUIRES_SHARED(mutex_);

  mutable SharedMutex mutex_;
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> ids_ LH_GUARDED_BY(mutex_);
  std::vector<Term> terms_ LH_GUARDED_BY(mutex_);
  std::vector<uint32_t> free_terms_ LH_GUARDED_BY(mutex_);
  std::vector<Document> documents_ LH_GUARDED_BY(mutex_);  // by slot
  size_t present_ LH_GUARDED_BY(mutex_) = 0;
  uint64_t words_ LH_GUARDED_BY(mutex_) = 0;  // of all present texts
};

// One ranking of several (best first): a slot's score is the sum of 1 / (k0 + rank) over the rankings it stands in,
// ranks counted from 1 (Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion", SIGIR 2009). Equal scores by slot; of a
// slot that repeats in one ranking the first place counts.
std::vector<TextHit> ReciprocalRankFusion(std::span<const std::vector<Slot>> rankings, double k0 = 60);

}  // namespace lakehouse::vector
