// Searching: exact scan, walk, or walk among what a filter leaves; then the full vectors decide.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "vector/index.h"

namespace lakehouse::vector {
namespace {

// Times a search starts again because a batch replaced what it had found.
constexpr int kAttempts = 4;

// Candidates kept while walking when nothing is said of them.
size_t UsualEf(size_t k) { return std::max<size_t>(80, 2 * k); }

// How many of the walk's candidates the full vectors are asked about.
size_t RerankOf(Quantization quantization, size_t k, size_t found) {
  switch (quantization) {
    case Quantization::kNone:
      return std::min(found, k + 4);
    case Quantization::kBf16:
    case Quantization::kSq8:
      return std::min(found, k + k / 2 + 4);
    case Quantization::kRabitq4:
      return std::min(found, 4 * k + 16);
    case Quantization::kRabitq1:
      return found;
  }
  return found;
}

// Between an item's old vector and its new one, the nearer is kept.
void DropRepeats(std::vector<Hit>& hits) {
  std::unordered_set<std::string> seen;
  std::erase_if(hits, [&](const Hit& hit) { return !seen.insert(hit.id).second; });
}

}  // namespace

Status Index::CheckQuery(const SearchRequest& request) const {
  if (request.text && !text_) {
    return Fail(ErrorKind::kInvalid, "the index has no text_field, so no text can be searched in it");
  }
  if (request.text && request.vector.empty()) return {};
  if (request.vector.size() != options_.dimension) {
    return Fail(ErrorKind::kInvalid, "the query vector has {} dimensions; the index has {}", request.vector.size(),
                options_.dimension);
  }
  // The bounds of items (vector/batch.cc): within them no distance overflows to infinity or NaN, which cannot be
  // sorted.
  double squares = 0;
  for (const float value : request.vector) {
    if (!std::isfinite(value)) return Fail(ErrorKind::kInvalid, "the query vector holds a value that is not finite");
    squares += double{value} * double{value};
  }
  if (options_.metric == Metric::kCosine && !(squares > 1e-30)) {
    return Fail(ErrorKind::kInvalid, "the query vector is zero, which has no direction for the cosine metric");
  }
  if (squares > 1e30) {
    return Fail(ErrorKind::kInvalid, "the query vector is too long: distances would not fit a 32-bit float");
  }
  if (request.min_version && version() < *request.min_version) {
    return Fail(ErrorKind::kConflict, "the index is at version {}; the search asks for at least {}", version().value,
                request.min_version->value);
  }
  return {};
}

// REQUIRES: the query is normalised for cosine.
float Index::Distance(const float* query, Slot slot) const {
  const Kernels& kernels = BestKernels();
  const float* vector = items_->Vector(slot);
  switch (options_.metric) {
    case Metric::kCosine:
      // Rounding must not make the nearest distance there can be a little less than that.
      return std::max(0.0F, 1 - kernels.dot(query, vector, options_.dimension) * items_->InverseLength(slot));
    case Metric::kL2:
      return Sortable(kernels.l2(query, vector, options_.dimension));
    case Metric::kDot:
      return Sortable(-kernels.dot(query, vector, options_.dimension));
  }
  return 0;
}

// Every live item that is allowed; false when the caller's time was up.
bool Index::CollectExact(const RequestContext& context, const float* query, const SlotSet* allowed, size_t k,
                         std::vector<Candidate>& out) const {
  constexpr size_t kBetweenChecks = 4096;
  out.clear();
  size_t seen = 0;
  bool in_time = true;
  const auto look = [&](Slot slot) {
    if (!in_time || !items_->IsLive(slot)) return;
    if (++seen % kBetweenChecks == 0 && !context.Check("the search")) in_time = false;
    const Candidate candidate{Distance(query, slot), slot};
    if (out.size() < k) {
      out.push_back(candidate);
      std::push_heap(out.begin(), out.end(), Nearer);
    } else if (Nearer(candidate, out.front())) {
      std::pop_heap(out.begin(), out.end(), Nearer);
      out.back() = candidate;
      std::push_heap(out.begin(), out.end(), Nearer);
    }
  };
  if (allowed != nullptr) {
    allowed->ForEach([&](Slot slot) {
      if (slot < items_->slots()) look(slot);
    });
  } else {
    for (Slot slot = 0; slot < items_->slots(); ++slot) look(slot);
  }
  std::sort_heap(out.begin(), out.end(), Nearer);
  return in_time;
}

// The first `rerank` candidates that live, by the distance of their full vectors.
void Index::KeepNearest(const float* query, size_t rerank, std::vector<Candidate>& candidates) const {
  constexpr size_t kAhead = 4, kLines = 8;
  const size_t bytes = std::min(options_.dimension * sizeof(float), kLines * 64);
  const auto prefetch = [&](size_t i) {
    if (i >= candidates.size()) return;
    items_->Prefetch(candidates[i].slot);
    const auto* vector = reinterpret_cast<const char*>(items_->Vector(candidates[i].slot));
    for (size_t at = 0; at < bytes; at += 64) __builtin_prefetch(vector + at);
  };
  for (size_t i = 0; i < kAhead; ++i) prefetch(i);
  size_t kept = 0;
  for (size_t i = 0; i < candidates.size() && kept < rerank; ++i) {
    prefetch(i + kAhead);
    const Slot slot = candidates[i].slot;
    if (!items_->IsLive(slot)) continue;
    candidates[kept++] = {Distance(query, slot), slot};
  }
  candidates.resize(kept);
  std::sort(candidates.begin(), candidates.end(), Nearer);
}

size_t Index::EfFor(const SearchRequest& request, const Graph& graph) {
  if (!request.recall_target || request.ef) return std::max(request.k, request.ef.value_or(UsualEf(request.k)));
  const MutexLock lock(calibration_mutex_);
  if (calibration_.empty() || items_->live() > 2 * calibrated_at_) {
    // Items ask for their own neighbours: what a wide beam finds is the truth that narrower ones are held against.
    constexpr size_t kQueries = 48, kWide = 1000, kNearest = 10;
    calibration_.clear();
    calibrated_at_ = items_->live();
    const std::vector<Slot> live = items_->LiveSlots();
    std::vector<float> room;
    std::vector<Candidate> wide, narrow;
    const SessionPool::Session session(sessions_);
    for (const size_t ef : {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}) {
      size_t same = 0, of = 0;
      for (size_t i = 0; i < std::min(kQueries, live.size()); ++i) {
        const float* query = Normalised(live[i * live.size() / std::min(kQueries, live.size())], room);
        graph.Search(query, kWide, *session, wide);
        graph.Search(query, ef, *session, narrow);
        for (size_t j = 0; j < std::min(kNearest, wide.size()); ++j, ++of) {
          same += std::ranges::any_of(narrow, [&](const Candidate& c) { return c.slot == wide[j].slot; }) ? 1 : 0;
        }
      }
      calibration_.emplace_back(ef, static_cast<double>(same) / static_cast<double>(std::max<size_t>(1, of)));
    }
  }
  for (const auto& [ef, recall] : calibration_) {
    if (recall >= *request.recall_target) return std::max(ef, request.k * ef / 10);
  }
  return std::max<size_t>(1000, 4 * request.k);
}

void Index::CollectFromGraph(const Graph& graph, const float* query, const SearchRequest& request,
                             const SlotSet* allowed, SearchScratch& scratch, std::vector<Candidate>& out) {
  const size_t live = std::max<size_t>(1, items_->live());
  size_t ef = EfFor(request, graph);
  // Room for dead nodes among the candidates.
  ef += ef * std::min(graph.dead(), 4 * live) / live;
  if (allowed == nullptr) {
    graph.Search(query, ef, scratch, out);
  } else {
    graph.SearchAmong(query, ef, *allowed, live, scratch, out);
  }
  KeepNearest(query, RerankOf(graph.options().quantization, request.k, out.size()), out);
}

// Every live item that is allowed, by codes first and by full vectors then.
void Index::CollectByCodes(const Graph& graph, const float* query, size_t k, const SlotSet& allowed,
                           SearchScratch& scratch, std::vector<Candidate>& out) const {
  constexpr size_t kStretch = 512;
  const size_t rerank = 2 * RerankOf(graph.options().quantization, k, 8 * k + 64);
  std::vector<Slot> slots;
  slots.reserve(kStretch);
  std::vector<Candidate> measured;
  float farthest = std::numeric_limits<float>::infinity();  // of the `rerank` nearest so far, once there are as many
  out.clear();
  const auto keep_nearest = [&] {
    if (out.size() <= rerank) return;
    std::nth_element(out.begin(), out.begin() + static_cast<ptrdiff_t>(rerank - 1), out.end(), Nearer);
    out.resize(rerank);
    farthest = out.back().distance;
  };
  const auto measure = [&] {
    graph.Distances(slots, scratch, measured);
    slots.clear();
    for (const Candidate& candidate : measured) {
      if (candidate.distance <= farthest) out.push_back(candidate);
    }
    if (out.size() >= 4 * rerank) keep_nearest();
  };
  graph.Prepare(query, scratch);
  allowed.ForEach([&](Slot slot) {
    // Filters know live items only, and these have nodes; one that went meanwhile falls out below.
    slots.push_back(slot);
    if (slots.size() == kStretch) measure();
  });
  measure();
  keep_nearest();
  KeepNearest(query, rerank, out);
}

// What a filter leaves is either looked at whole, or walked among. For each of ef matches a walk follows the links of
// live/matching nodes, and each time measures about twenty; that takes as long as looking at kStep matches in a scan,
// which waits for nothing and misses nothing.
Index::Way Index::Choose(const SearchRequest& request, bool has_graph, size_t live, size_t matching) const {
  if (!has_graph || request.exact || live < kExactBelow || matching <= 16 * request.k) return Way::kExact;
  if (matching == live) return Way::kWalk;
  constexpr double kStep = 60;
  const size_t ef = request.ef.value_or(UsualEf(request.k));
  const auto squared = static_cast<double>(matching) * static_cast<double>(matching);
  return squared < kStep * static_cast<double>(ef) * static_cast<double>(live) ? Way::kCodes : Way::kWalk;
}

std::shared_ptr<const SlotSet> Index::Allowed(const SearchRequest& request) {
  if (!request.filter) return nullptr;
  return fields_.Evaluate(*request.filter, [this](const auto& visit) {
    for (const Slot slot : items_->LiveSlots()) visit(slot, items_->Metadata(slot).value_or(std::string_view()));
  });
}

// Both rankings, deeper than asked for, in one; by text alone when there is no vector.
Status Index::CollectHybrid(const RequestContext& context, const SearchRequest& request, const float* query,
                            SearchScratch& scratch, std::vector<Candidate>& out, std::vector<TextHit>& ranked) {
  const size_t depth = std::max<size_t>(100, 4 * request.k);
  const auto allowed = Allowed(request);
  ranked = text_->Search(*request.text, depth, allowed.get());
  out.clear();
  if (!request.vector.empty()) {
    SearchRequest deeper = request;
    deeper.k = depth;
    LH_TRY(Collect(context, deeper, query, scratch, out));
    std::vector<std::vector<Slot>> rankings(2);
    for (const Candidate& candidate : out) rankings[0].push_back(candidate.slot);
    for (const TextHit& hit : ranked) rankings[1].push_back(hit.slot);
    ranked = ReciprocalRankFusion(rankings);
  }
  std::erase_if(ranked, [&](const TextHit& hit) { return !items_->IsLive(hit.slot); });
  out.clear();
  for (const TextHit& hit : ranked) out.push_back({request.vector.empty() ? 0 : Distance(query, hit.slot), hit.slot});
  return {};
}

Status Index::Collect(const RequestContext& context, const SearchRequest& request, const float* query,
                      SearchScratch& scratch, std::vector<Candidate>& out) {
  const std::shared_ptr<const SlotSet> allowed = Allowed(request);
  const size_t live = items_->live(), matching = allowed ? allowed->Count() : live;
  const auto held = graph();
  const Way way = Choose(request, held != nullptr, live, matching);
  if (way == Way::kCodes && allowed) {
    CollectByCodes(*held, query, request.k, *allowed, scratch, out);
    return {};
  }
  if (way == Way::kWalk) {
    CollectFromGraph(*held, query, request, allowed.get(), scratch, out);
    if (out.size() >= std::min(request.k, matching)) return {};
  }
  if (!CollectExact(context, query, allowed.get(), request.k, out)) return context.Check("the search");
  return {};
}

Hit Index::MakeHit(const Candidate& candidate, const SearchRequest& request) const {
  Hit hit{std::string(items_->Id(candidate.slot)), candidate.distance, 0, std::nullopt, {}};
  if (request.include_metadata) {
    if (const auto metadata = items_->Metadata(candidate.slot)) hit.metadata = std::string(*metadata);
  }
  if (request.include_vector) {
    const float* vector = items_->Vector(candidate.slot);
    hit.vector.assign(vector, vector + options_.dimension);
  }
  return hit;
}

Result<SearchAnswer> Index::Search(const RequestContext& context, const SearchRequest& request) {
  LH_TRY(CheckUndamaged());
  LH_TRY(CheckQuery(request));
  std::vector<float> query = request.vector;
  if (options_.metric == Metric::kCosine && !query.empty()) {
    const float scale = 1 / std::sqrt(BestKernels().dot(query.data(), query.data(), query.size()));
    for (float& value : query) value *= scale;
  }
  const SessionPool::Session session(sessions_);
  std::vector<Candidate>& found = session->merged;
  SearchAnswer answer;
  std::vector<TextHit> ranked;
  bool settled = false;
  for (int attempt = 0; attempt < kAttempts && !settled; ++attempt) {
    const uint64_t before = items_->publications();
    answer.version = version();
    LH_TRY(request.text ? CollectHybrid(context, request, query.data(), *session, found, ranked)
                        : Collect(context, request, query.data(), *session, found));
    // A batch that came meanwhile may have replaced an item under us: its old vector is dead, its new one not looked
    // at.
    settled = before % 2 == 0 && items_->publications() == before;
  }
  std::erase_if(found, [&](const Candidate& candidate) {
    return !items_->IsLive(candidate.slot) || (request.max_distance && candidate.distance > *request.max_distance);
  });
  if (found.size() > request.k) found.resize(request.k);
  for (const Candidate& candidate : found) items_->PrefetchRecord(candidate.slot);
  answer.hits.reserve(found.size());
  for (const Candidate& candidate : found) answer.hits.push_back(MakeHit(candidate, request));
  for (size_t i = 0, j = 0; request.text && i < found.size(); ++i, ++j) {
    while (ranked[j].slot != found[i].slot) ++j;
    answer.hits[i].score = ranked[j].score;
  }
  if (!settled) DropRepeats(answer.hits);
  return answer;
}

}  // namespace lakehouse::vector
