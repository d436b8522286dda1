#include "vector/index.h"

#include <algorithm>
#include <cmath>
#include <system_error>
#include <thread>

namespace lakehouse::vector {
namespace {

constexpr size_t kItemsForThread = 16;

}  // namespace

Result<std::unique_ptr<Index>> Index::Make(const IndexOptions& options, std::optional<std::filesystem::path> folder,
                                           unsigned threads) {
  LH_TRY(CheckOptions(options));
  std::unique_ptr<Index> index(new Index(options, std::max(1U, threads)));
  LH_ASSIGN(index->items_, ItemTable::Make(options.dimension, std::move(folder)));
  if (!options.text_field.empty()) index->text_ = std::make_unique<TextIndex>();
  return index;
}

std::shared_ptr<Graph> Index::graph() const {
  const MutexLock lock(graph_mutex_);
  return graph_;
}

void Index::SetGraph(std::shared_ptr<Graph> graph) {
  const MutexLock lock(graph_mutex_);
  if (graph) {
    made_with_.quantization = graph->options().quantization;
    made_with_.m = graph->options().m;
    made_with_.ef_construction = graph->options().ef_construction;
  }
  graph_.swap(graph);
}

uint64_t Index::bytes() const {
  const auto held = graph();
  return items_->bytes() + fields_.bytes() + (held ? held->bytes() : 0);
}

size_t Index::dead() const {
  const auto held = graph();
  return held ? held->dead() : 0;
}

const float* Index::Normalised(Slot slot, std::vector<float>& room) const {
  const float* vector = items_->Vector(slot);
  if (options_.metric != Metric::kCosine) return vector;
  room.resize(options_.dimension);
  const float scale = items_->InverseLength(slot);
  for (size_t i = 0; i < room.size(); ++i) room[i] = vector[i] * scale;
  return room.data();
}

Status Index::LinkSlots(Graph& graph, std::span<const Slot> slots, const std::atomic<bool>* given_up) {
  LH_TRY(graph.Reserve(items_->slots()));
  std::atomic<size_t> next{0};
  const auto work = [&] {
    std::vector<float> room;
    for (size_t i = next.fetch_add(1); i < slots.size(); i = next.fetch_add(1)) {
      const SessionPool::Session session(sessions_);
      // Looked at within the session: whoever gives up may use the slots again once the sessions before are over.
      if (given_up != nullptr && *given_up) return;
      graph.Insert(slots[i], Normalised(slots[i], room), *session);
    }
  };
  const size_t helpers = std::min<size_t>(threads_, slots.size() / kItemsForThread);
  std::vector<std::jthread> threads;
  try {
    for (size_t i = 1; i < helpers; ++i) threads.emplace_back(work);
  } catch (const std::system_error&) {
    // As many threads as the system gives; this one alone does it too.
  }
  work();
  return {};
}

Result<std::shared_ptr<Graph>> Index::EmptyGraph(const IndexOptions& options, std::span<const Slot> slots) {
  constexpr size_t kSample = 10'000;
  std::vector<float> sample, room;
  for (size_t i = 0; i < std::min(kSample, slots.size()); ++i) {
    const float* vector = Normalised(slots[i * slots.size() / std::min(kSample, slots.size())], room);
    sample.insert(sample.end(), vector, vector + options_.dimension);
  }
  auto codec = std::make_shared<const Codec>(options, Codec::MeanOf(options, sample), 0x5eed);
  LH_ASSIGN(std::shared_ptr<Graph> graph, Graph::Make(options, std::move(codec), sessions_));
  return graph;
}

Result<std::shared_ptr<Graph>> Index::BuildGraph(std::span<const Slot> slots) {
  LH_ASSIGN(auto graph, EmptyGraph(options(), slots));
  LH_TRY(LinkSlots(*graph, slots));
  return graph;
}

// Copies the items into their slots, and says which slots come and go.
Status Index::FillSlots(const Batch& batch, std::span<const Slot> slots, ItemTable::Change& change, Applied& applied) {
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    const auto before = items_->Find(batch.ids[i]);
    std::optional<std::string_view> metadata;
    if (batch.metadata[i]) {
      metadata = *batch.metadata[i];
    } else if (before) {
      metadata = items_->Metadata(*before);
    }
    LH_TRY(items_->Fill(slots[i], batch.ids[i], batch.vectors.data() + i * options_.dimension, metadata));
    if (before) change.go.push_back(*before);
    ++(before ? applied.updated : applied.added);
  }
  for (const std::string& id : batch.removed) {
    if (const auto slot = items_->Find(id)) {
      change.go.push_back(*slot);
      ++applied.removed;
    }
  }
  return {};
}

Result<std::vector<Applied>> Index::Apply(std::span<const Batch* const> batches) {
  LH_TRY(Verify());
  const MutexLock lock(apply_mutex_);
  size_t count = 0;
  for (const Batch* batch : batches) count += batch->ids.size();
  std::vector<Applied> applied(batches.size());
  ItemTable::Change change;
  LH_ASSIGN(change.come, items_->Place(count));
  Status linked;
  std::span<const Slot> rest = change.come;
  for (size_t i = 0; i < batches.size() && linked; ++i) {
    linked = FillSlots(*batches[i], rest.first(batches[i]->ids.size()), change, applied[i]);
    rest = rest.subspan(batches[i]->ids.size());
  }
  if (const auto held = graph(); held && linked) linked = LinkSlots(*held, change.come);
  if (!linked) {
    // Nothing is linked half way: LinkSlots fails before it links the first.
    items_->GiveBack(change.come);
    return Fail(std::move(linked).error());
  }
  if (next_ && !LinkSlots(*next_->graph, change.come)) GiveUpNext();
  uint64_t length = items_->live();
  for (size_t i = 0; i < batches.size(); ++i) {
    length += applied[i].added - applied[i].removed;
    applied[i].length = length;
    applied[i].version = IndexVersion(version_.load() + i + 1);
  }
  Publish(change);
  version_.fetch_add(batches.size());
  AfterPublish(change);
  return applied;
}

Result<Applied> Index::Apply(const Batch& batch) {
  const Batch* one = &batch;
  LH_ASSIGN(const auto applied, Apply(std::span(&one, 1)));
  return applied.front();
}

void Index::AddText(Slot slot) {
  const auto metadata = items_->Metadata(slot);
  if (!metadata) return;
  const auto parsed = ParseMetadata(*metadata);
  const auto* text = parsed ? FindField(*parsed, options_.text_field) : nullptr;
  if (text != nullptr && text->is_string()) text_->Add(slot, std::string_view(text->get_string()));
}

void Index::Publish(const ItemTable::Change& change) {
  items_->BeginPublication();
  items_->Publish(change);
  std::vector<FieldIndexes::Item> come;
  come.reserve(change.come.size());
  for (const Slot slot : change.come) come.push_back({slot, items_->Metadata(slot).value_or(std::string_view())});
  fields_.Remove(change.go);
  fields_.Add(come);
  if (text_) {
    for (const Slot slot : change.go) text_->Remove(slot);
    for (const Slot slot : change.come) AddText(slot);
  }
  items_->EndPublication();
}

// Makes the graph when there are enough items for one, drops it when there are none, and takes note of dead slots.
void Index::AfterPublish(const ItemTable::Change& change) {
  const auto held = graph();
  if (!held) {
    gone_.insert(gone_.end(), change.go.begin(), change.go.end());
  } else {
    for (const Slot slot : change.go) {
      held->MarkDead(slot);
      if (next_) next_->graph->MarkDead(slot);
    }
    if (items_->live() == 0) DropGraph(*held);
  }
  FreeGone();
  if (held || items_->live() < kExactBelow) return;
  // Without memory for a graph, searches go on scanning; the next batch tries again.
  if (auto made = BuildGraph(items_->LiveSlots())) SetGraph(*std::move(made));
}

void Index::DropGraph(const Graph& held) {
  GiveUpNext();
  for (Slot slot = 0; slot < items_->slots(); ++slot) {
    if (held.Holds(slot)) gone_.push_back(slot);
  }
  SetGraph(nullptr);
}

// Batches never wait for a reader: what one may still see is given back by a later batch.
void Index::FreeGone() {
  if (leaving_.empty() && !gone_.empty()) {
    leaving_.swap(gone_);
    leaving_mark_ = sessions_.Mark();
  }
  if (leaving_.empty() || !sessions_.IsOver(leaving_mark_)) return;
  items_->Free(leaving_);
  leaving_.clear();
}

std::optional<StoredItem> Index::Get(std::string_view id) {
  const SessionPool::Session session(sessions_);
  const auto slot = items_->Find(id);
  if (!slot) return std::nullopt;
  StoredItem item{std::string(id), {}, std::nullopt};
  item.vector.assign(items_->Vector(*slot), items_->Vector(*slot) + options_.dimension);
  if (const auto metadata = items_->Metadata(*slot)) item.metadata = std::string(*metadata);
  return item;
}

void Index::Thaw() {
  for (bool more = true; more;) {
    // A piece at a time, so that no batch waits for longer than one copy of a few megabytes.
    const MutexLock lock(apply_mutex_);
    const auto held = graph();
    more = held && held->ThawOne().value_or(false);
  }
}

void Index::Maintain() {
  constexpr size_t kFewDead = 256;
  if (!Verify()) return;
  const Turn turn(*this, false);
  if (!turn.mine()) return;
  Thaw();
  const auto held = graph();
  if (!held || held->dead() < std::max(kFewDead, items_->live() / 10)) return;
  const std::vector<Slot> freed = held->Repair();
  const MutexLock lock(apply_mutex_);
  // A graph that was dropped meanwhile gave all of its slots back itself.
  if (graph() == held) items_->Free(freed);
}

}  // namespace lakehouse::vector
