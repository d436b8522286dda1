#include "vector/text_index.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cmath>
#include <map>
#include <utility>

#include "vector/text_tokens.h"

namespace lakehouse::vector {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;

template <typename Map>
uint32_t CountTokens(std::string_view text, Map& counts) {
  uint32_t words = 0;
  ForEachToken(text, [&](std::string_view token) {
    ++words;
    const auto found = counts.find(token);
    if (found == counts.end()) {
      counts.emplace(std::string(token), 1U);
    } else {
      ++found->second;
    }
  });
  return words;
}

bool Better(const TextHit& a, const TextHit& b) { return a.score != b.score ? a.score > b.score : a.slot < b.slot; }

void KeepBest(std::vector<TextHit>& hits, size_t limit) {
  const size_t kept = std::min(limit, hits.size());
  std::partial_sort(hits.begin(), hits.begin() + static_cast<ptrdiff_t>(kept), hits.end(), Better);
  hits.resize(kept);
}

}  // namespace

uint32_t TextIndex::TermId(std::string_view text) {
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  uint32_t id = static_cast<uint32_t>(terms_.size());
  if (free_terms_.empty()) {
    terms_.emplace_back();
  } else {
    id = free_terms_.back();
    free_terms_.pop_back();
  }
  terms_[id].text = &ids_.emplace(std::string(text), id).first->first;
  return id;
}

void TextIndex::Add(Slot slot, std::string_view text) {
  std::map<std::string, uint32_t, std::less<>> counts;
  const uint32_t words = CountTokens(text, counts);

  const WriterLock lock(mutex_);
  RemoveLocked(slot);
  if (slot >= documents_.size()) documents_.resize(size_t{slot} + 1);
  Document& document = documents_[slot];
  document.present = true;
  document.words = words;
  document.terms.reserve(counts.size());
  for (const auto& [token, count] : counts) {
    const uint32_t id = TermId(token);
    document.terms.push_back(id);
    terms_[id].postings.push_back({slot, document.version, count});
    ++terms_[id].documents;
  }
  ++present_;
  words_ += words;
}

void TextIndex::Remove(Slot slot) {
  const WriterLock lock(mutex_);
  RemoveLocked(slot);
}

void TextIndex::RemoveLocked(Slot slot) {
  if (slot >= documents_.size() || !documents_[slot].present) return;
  Document& document = documents_[slot];
  const std::vector<uint32_t> terms = std::exchange(document.terms, {});
  document.present = false;
  ++document.version;
  --present_;
  words_ -= document.words;
  for (const uint32_t id : terms) {
    Term& term = terms_[id];
    if (--term.documents == 0) {
      ids_.erase(ids_.find(*term.text));
      term = {};
      free_terms_.push_back(id);
    } else if (term.postings.size() > 16 && term.documents < term.postings.size() / 2) {
      Sweep(term, documents_);
    }
  }
}

void TextIndex::Sweep(Term& term, const std::vector<Document>& documents) {
  std::erase_if(term.postings, [&documents](const Posting& posting) {
    const Document& document = documents[posting.slot];
    return !document.present || document.version != posting.version;
  });
}

std::vector<TextIndex::QueryTerm> TextIndex::TermsOf(std::string_view query) const {
  std::map<std::string, uint32_t, std::less<>> counts;
  CountTokens(query, counts);
  std::vector<QueryTerm> terms;
  const auto all = static_cast<double>(present_);
  for (const auto& [token, count] : counts) {
    const auto found = ids_.find(token);
    if (found == ids_.end()) continue;
    const Term& term = terms_[found->second];
    const double idf = std::log(1 + (all - term.documents + 0.5) / (term.documents + 0.5));
    terms.push_back({&term, idf * count});
  }
  return terms;
}

template <typename AddScore>
void TextIndex::Score(const std::vector<QueryTerm>& terms, const SlotSet* allowed, AddScore add) const {
  const double mean = static_cast<double>(words_) / static_cast<double>(std::max<size_t>(present_, 1));
  for (const QueryTerm& query : terms) {
    for (const Posting& posting : query.term->postings) {
      const Document& document = documents_[posting.slot];
      if (!document.present || document.version != posting.version) continue;
      if (allowed != nullptr && !allowed->Test(posting.slot)) continue;
      const double count = posting.count;
      const double norm = kK1 * (1 - kB + kB * document.words / mean);
      add(posting.slot, query.weight * count * (kK1 + 1) / (count + norm));
    }
  }
}

std::vector<TextHit> TextIndex::Search(std::string_view query, size_t limit, const SlotSet* allowed) const {
  std::vector<TextHit> hits;
  const ReaderLock lock(mutex_);
  const std::vector<QueryTerm> terms = TermsOf(query);
  size_t postings = 0;
  for (const QueryTerm& term : terms) postings += term.term->postings.size();
  if (limit == 0 || postings == 0) return hits;

  // A table of all slots when many are touched, else a map of those that are. No score is 0.
  if (postings > documents_.size() / 16) {
    std::vector<double> scores(documents_.size());
    Score(terms, allowed, [&](Slot slot, double score) { scores[slot] += score; });
    for (size_t slot = 0; slot < scores.size(); ++slot) {
      if (scores[slot] > 0) hits.push_back({static_cast<Slot>(slot), static_cast<float>(scores[slot])});
    }
  } else {
    boost::unordered_flat_map<Slot, double> scores;
    Score(terms, allowed, [&](Slot slot, double score) { scores[slot] += score; });
    for (const auto& [slot, score] : scores) hits.push_back({slot, static_cast<float>(score)});
  }
  KeepBest(hits, limit);
  return hits;
}

size_t TextIndex::size() const {
  const ReaderLock lock(mutex_);
  return present_;
}

uint64_t TextIndex::bytes() const {
  const ReaderLock lock(mutex_);
  constexpr uint64_t kMapNode = 80;  // a key short enough to need no memory of its own, its number and its links
  uint64_t total = sizeof(*this) + ids_.size() * kMapNode + terms_.capacity() * sizeof(Term) +
                   documents_.capacity() * sizeof(Document);
  for (const Term& term : terms_) total += term.postings.capacity() * sizeof(Posting);
  for (const Document& document : documents_) total += document.terms.capacity() * sizeof(uint32_t);
  return total;
}

std::vector<TextHit> ReciprocalRankFusion(std::span<const std::vector<Slot>> rankings, double k0) {
  boost::unordered_flat_map<Slot, double> scores;
  for (const std::vector<Slot>& ranking : rankings) {
    SlotSet seen;
    for (size_t i = 0; i < ranking.size(); ++i) {
      if (seen.Test(ranking[i])) continue;
      seen.Set(ranking[i]);
      scores[ranking[i]] += 1 / (k0 + static_cast<double>(i + 1));
    }
  }
  std::vector<TextHit> fused;
  fused.reserve(scores.size());
  for (const auto& [slot, score] : scores) fused.push_back({slot, static_cast<float>(score)});
  KeepBest(fused, fused.size());
  return fused;
}

}  // namespace lakehouse::vector
