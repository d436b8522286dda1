#include "query/batch_collector.h"

namespace lakehouse::query {
namespace {

// How a plan's rows may be gathered without changing their order.
enum class Order {
  kAny,          // many threads, each piece as it comes
  kByBatch,      // many threads; pieces are put in order by their batch
  kOneAfterOne,  // one thread
};

Order OrderOf(duckdb::ClientContext& context, duckdb::PhysicalOperator& plan) {
  if (!duckdb::PhysicalPlanGenerator::PreserveInsertionOrder(context, plan)) return Order::kAny;
  return duckdb::PhysicalPlanGenerator::UseBatchIndex(context, plan) ? Order::kByBatch : Order::kOneAfterOne;
}

[[noreturn]] void ThrowError(const Error& error) {
  if (error.kind == ErrorKind::kExhausted) throw duckdb::OutOfMemoryException(error.detail);
  throw duckdb::InvalidInputException(error.detail);
}

class CollectorGlobalState final : public duckdb::GlobalSinkState {
 public:
  // Copied for each thread: asking the session for its Arrow types is not for many at once.
  std::unique_ptr<ArrowBatcher> pattern;
};

class CollectorLocalState final : public duckdb::LocalSinkState {
 public:
  explicit CollectorLocalState(const ArrowBatcher& pattern) : batcher(pattern.Another()) {}
  std::unique_ptr<ArrowBatcher> batcher;
  duckdb::idx_t batch = 0;  // of the rows that come next
  duckdb::idx_t first = 0;  // of the rows that the batcher holds
};

class BatchCollector final : public duckdb::PhysicalResultCollector {
 public:
  BatchCollector(duckdb::PreparedStatementData& data, Order order, std::shared_ptr<BatchQueue> queue,
                 BatchLimits limits)
      : PhysicalResultCollector(*data.physical_plan, data), order_(order), queue_(std::move(queue)), limits_(limits) {}

  duckdb::SinkResultType Sink(duckdb::ExecutionContext&, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override {
    auto& local = input.local_state.Cast<CollectorLocalState>();
    if (order_ == Order::kByBatch) {
      queue_->Advance(local.partition_info.min_batch_index.GetIndex());
      local.batch = local.partition_info.batch_index.GetIndex();
    }
    ArrowBatcher& batcher = *local.batcher;
    if (batcher.rows() == 0) {
      if (!queue_->Admit(local.batch, [wake = input.interrupt_state] { wake.Callback(); })) {
        return duckdb::SinkResultType::BLOCKED;
      }
      local.first = local.batch;
    }
    if (const auto appended = batcher.Append(chunk); !appended) ThrowError(appended.error());
    if (batcher.rows() >= limits_.rows || batcher.bytes() >= limits_.bytes) Flush(local);
    return duckdb::SinkResultType::NEED_MORE_INPUT;
  }

  // Called before the thread's batch counts as complete.
  duckdb::SinkNextBatchType NextBatch(duckdb::ExecutionContext&,
                                      duckdb::OperatorSinkNextBatchInput& input) const override {
    auto& local = input.local_state.Cast<CollectorLocalState>();
    // Rows of the batch that follows go on in the same piece: nobody else's come between.
    if (local.partition_info.batch_index.GetIndex() != local.batch + 1) Flush(local);
    return duckdb::SinkNextBatchType::READY;
  }

  duckdb::SinkCombineResultType Combine(duckdb::ExecutionContext&,
                                        duckdb::OperatorSinkCombineInput& input) const override {
    auto& local = input.local_state.Cast<CollectorLocalState>();
    Flush(local);
    if (order_ == Order::kByBatch) queue_->Advance(local.partition_info.min_batch_index.GetIndex());
    return duckdb::SinkCombineResultType::FINISHED;
  }

  duckdb::SinkFinalizeType Finalize(duckdb::Pipeline&, duckdb::Event&, duckdb::ClientContext&,
                                    duckdb::OperatorSinkFinalizeInput&) const override {
    queue_->Wake();
    return duckdb::SinkFinalizeType::READY;
  }

  duckdb::unique_ptr<duckdb::QueryResult> GetResult(duckdb::GlobalSinkState&) const override {
    auto none = duckdb::make_uniq<duckdb::ColumnDataCollection>(duckdb::Allocator::DefaultAllocator(), types);
    return duckdb::make_uniq<duckdb::MaterializedQueryResult>(statement_type, properties, names, std::move(none),
                                                              duckdb::ClientProperties());
  }

  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(duckdb::ClientContext& context) const override {
    auto state = duckdb::make_uniq<CollectorGlobalState>();
    auto pattern = ArrowBatcher::Make(names, types, context.GetClientProperties(), limits_);
    if (!pattern) ThrowError(pattern.error());
    state->pattern = *std::move(pattern);
    return state;
  }
  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(duckdb::ExecutionContext&) const override {
    return duckdb::make_uniq<CollectorLocalState>(*sink_state->Cast<CollectorGlobalState>().pattern);
  }

  bool ParallelSink() const override { return order_ != Order::kOneAfterOne; }
  bool SinkOrderDependent() const override { return order_ != Order::kAny; }
  duckdb::OperatorPartitionInfo RequiredPartitionInfo() const override {
    return order_ == Order::kByBatch ? duckdb::OperatorPartitionInfo::BatchIndex()
                                     : duckdb::OperatorPartitionInfo::NoPartitionInfo();
  }

 private:
  void Flush(CollectorLocalState& local) const {
    ArrowBatcher& batcher = *local.batcher;
    if (batcher.rows() == 0) return;
    const uint64_t rows = batcher.rows(), bytes = batcher.bytes();
    ArrowArray array;
    if (const auto taken = batcher.Take(&array); !taken) ThrowError(taken.error());
    queue_->Push(local.first, BatchPiece(array, rows, bytes));
  }

  const Order order_;
  const std::shared_ptr<BatchQueue> queue_;
  const BatchLimits limits_;
};

}  // namespace

duckdb::get_result_collector_t CollectInto(std::shared_ptr<BatchQueue> queue, BatchLimits limits) {
  return [queue = std::move(queue), limits](
             duckdb::ClientContext& context,
             duckdb::PreparedStatementData& data) -> duckdb::unique_ptr<duckdb::PhysicalOperator> {
    return duckdb::make_uniq<BatchCollector>(data, OrderOf(context, data.physical_plan->Root()), queue, limits);
  };
}

}  // namespace lakehouse::query
