// An index to a segment and back.
#include "vector/index.h"

namespace lakehouse::vector {

std::unique_ptr<Index::Pinned> Index::Capture(LogPosition log) {
  auto pinned = std::make_unique<Pinned>(sessions_);
  IndexCapture& capture = pinned->capture;
  const MutexLock lock(apply_mutex_);
  capture.options = options();
  capture.version = version_.load();
  capture.log = log;
  capture.items = items_.get();
  capture.slots = items_->slots();
  capture.live = SlotSet(capture.slots);
  capture.live.SetAll(items_->LiveSlots());
  capture.graph = graph();
  if (!capture.graph) return pinned;
  capture.entry = capture.graph->entry();
  capture.nodes = SlotSet(capture.slots);
  for (Slot slot = 0; slot < capture.graph->slots(); ++slot) {
    if (capture.graph->Holds(slot)) capture.nodes.Set(slot);
  }
  return pinned;
}

Result<std::unique_ptr<Index>> Index::Adopt(const OpenSegment& segment, std::optional<std::filesystem::path> folder,
                                            unsigned threads, std::string text_field) {
  const SegmentHeader& header = segment.header;
  IndexOptions options = header.options;
  options.text_field = std::move(text_field);
  LH_ASSIGN(auto index, Make(options, std::move(folder), threads));
  std::shared_ptr<Graph> graph;
  if (header.of(Section::kNodes).bytes != 0) {
    const auto mean = segment.Of<float>(Section::kMean);
    auto codec =
        std::make_shared<const Codec>(header.options, std::vector<float>(mean.begin(), mean.end()), header.seed);
    LH_ASSIGN(graph, Graph::Make(header.options, std::move(codec), index->sessions_));
    if (graph->layout().stride != header.node_stride) {
      return Fail(ErrorKind::kInternal, "the vector segment is damaged: its nodes have {} bytes, not {}",
                  header.node_stride, graph->layout().stride);
    }
    LH_TRY(graph->Adopt({header.entry, segment.mapping, header.of(Section::kNodes).offset,
                         header.of(Section::kHeaders).offset, segment.Of<uint64_t>(Section::kInfos),
                         header.of(Section::kUpper).offset, segment.Of<uint32_t>(Section::kUpper)},
                        threads));
  }
  const auto records = segment.Of<char>(Section::kRecords);
  LH_TRY(index->items_->Adopt(
      {segment.mapping, header.of(Section::kVectors).offset, segment.Of<float>(Section::kLengths),
       segment.Of<uint64_t>(Section::kOffsets), std::string_view(records.data(), records.size()),
       segment.Of<Slot>(Section::kIds)},
      [&](Slot slot) { return graph && graph->Holds(slot); }, graph != nullptr, threads));
  if (index->text_) {
    for (const Slot slot : index->items_->LiveSlots()) index->AddText(slot);
  }
  index->SetGraph(std::move(graph));
  {
    const MutexLock lock(index->verify_mutex_);
    index->unverified_ = segment;
    index->is_verified_ = false;
  }
  index->SetVersion(IndexVersion(header.version));
  return index;
}

Status Index::Verify() {
  if (is_verified_.load(std::memory_order_acquire)) return {};
  const MutexLock lock(verify_mutex_);
  if (!unverified_) return verdict_;
  verdict_ = VerifyLargeSections(*unverified_, threads_);
  if (const auto held = graph(); held && verdict_) verdict_ = held->CheckLinks(threads_);
  if (verdict_) verdict_ = items_->CheckIds();
  unverified_.reset();
  is_damaged_ = !verdict_;
  is_verified_.store(verdict_.has_value(), std::memory_order_release);
  return verdict_;
}

Status Index::CheckUndamaged() const {
  if (!is_damaged_.load(std::memory_order_relaxed)) return {};
  const MutexLock lock(verify_mutex_);
  return verdict_;
}

}  // namespace lakehouse::vector
