// A durable index gets other codes or links: when, and what is stored of it in which order.
#include "vector/durable_index.h"

namespace lakehouse::vector {
namespace {

constexpr std::chrono::seconds kRebuildAfterFailure{60};

// False when another rebuild is under way; ends its own when it goes.
class OneRebuild {
 public:
  explicit OneRebuild(std::atomic<bool>& flag) : flag_(flag), mine_(!flag.exchange(true)) {}
  ~OneRebuild() {
    if (mine_) flag_ = false;
  }
  OneRebuild(const OneRebuild&) = delete;
  OneRebuild& operator=(const OneRebuild&) = delete;
  bool mine() const { return mine_; }

 private:
  std::atomic<bool>& flag_;
  const bool mine_;
};

}  // namespace

bool DurableIndex::IsLost() {
  const MutexLock lock(mutex_);
  while (writing_) turn_.Wait(mutex_);
  return log_.lost();
}

Status DurableIndex::Rebuild(const RequestContext& context, const IndexOptions& wanted) {
  const OneRebuild rebuild(rebuilding_);
  if (!rebuild.mine()) return Fail(ErrorKind::kConflict, "the vector index \"{}\" is being rebuilt", name_);
  const auto store_definition = [&]() -> Status {
    if (IsLost()) {
      return Fail(ErrorKind::kConflict, "another vectord has taken the index over; this one has stopped writing to it");
    }
    const IndexDefinition before = definition();
    IndexDefinition after = before;
    after.options = wanted;
    LH_TRY(ReplaceDefinition(environment_.store, context, before, after));
    const MutexLock lock(definition_mutex_);
    definition_ = std::move(after);
    return {};
  };
  LH_TRY(index_->Rebuild(context, wanted, store_definition));
  graph_is_new_ = true;
  environment_.log.Info("a vector index was rebuilt",
                        {{"index", name_}, {"quantization", std::string(QuantizationName(wanted.quantization))}});
  return {};
}

// After a stop between the new definition and a snapshot with the new graph, the segment still has the old one.
void DurableIndex::RebuildAsDefined() {
  const IndexOptions wanted = definition().options;
  if (rebuilding_ || SameGraph(wanted, index_->options()) || std::chrono::steady_clock::now() < no_rebuild_before_) {
    return;
  }
  no_rebuild_before_ = std::chrono::steady_clock::now() + kRebuildAfterFailure;
  rebuilder_ = std::jthread([this, wanted](const std::stop_token& stop) {
    const OneRebuild rebuild(rebuilding_);
    if (!rebuild.mine()) return;
    environment_.log.Info("a vector index is rebuilt as its definition says", {{"index", name_}});
    RequestContext context;
    context.internal = true;
    context.cancelled = stop;
    const Status rebuilt = index_->Rebuild(context, wanted, [] { return Status(); });
    if (rebuilt) graph_is_new_ = true;
    if (!rebuilt && !stop.stop_requested()) {
      environment_.log.Warn("a vector index was not rebuilt; its old graph serves on",
                            {{"index", name_}, {"reason", rebuilt.error().detail}});
    }
  });
}

}  // namespace lakehouse::vector
