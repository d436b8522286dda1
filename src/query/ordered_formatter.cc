#include "query/ordered_formatter.h"

#include "query/errors.h"

namespace lakehouse::query {
namespace {

// Enough rows that handing a batch to another thread costs nothing beside it.
constexpr duckdb::idx_t kBatchRows = duckdb::idx_t{8} * STANDARD_VECTOR_SIZE;

}  // namespace

struct OrderedFormatter::Batch {
  enum class State { kWaiting, kTaken, kDone };
  void Format(RowFormatter& formatter) {
    try {
      for (const auto& chunk : chunks) formatter.Format(*chunk, text);
    } catch (const std::exception& caught) {
      error = FromDuckDb(duckdb::ErrorData(caught), "", "");
    }
    chunks.clear();
  }

  std::vector<duckdb::unique_ptr<duckdb::DataChunk>> chunks;
  duckdb::idx_t rows = 0;
  TextBuffer text;
  std::optional<Error> error;
  State state = State::kWaiting;  // guarded by the formatter's mutex
};

OrderedFormatter::OrderedFormatter(MakeFormatter make, uint32_t helpers, ByteSink& sink)
    : make_(std::move(make)), helpers_(helpers), sink_(sink), own_(make_()), filling_(std::make_shared<Batch>()) {}

OrderedFormatter::~OrderedFormatter() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    work_.NotifyAll();
  }
  for (auto& thread : threads_) thread.join();
}

Status OrderedFormatter::Add(duckdb::unique_ptr<duckdb::DataChunk> chunk) {
  filling_->rows += chunk->size();
  filling_->chunks.push_back(std::move(chunk));
  return filling_->rows < kBatchRows ? Status() : Submit();
}

Status OrderedFormatter::Submit() {
  auto batch = std::exchange(filling_, std::make_shared<Batch>());
  if (helpers_ == 0) {
    batch->Format(*own_);
    return WriteOut(*batch);
  }
  while (threads_.size() < helpers_) threads_.emplace_back([this] { Help(); });
  {
    const MutexLock lock(mutex_);
    order_.push_back(std::move(batch));
    work_.NotifyOne();
  }
  return Drain(2 * helpers_ + 1);
}

Status OrderedFormatter::Finish() {
  LH_TRY(Drain(0));
  filling_->Format(*own_);
  return WriteOut(*std::exchange(filling_, std::make_shared<Batch>()));
}

Status OrderedFormatter::Drain(size_t ahead) {
  while (true) {
    std::shared_ptr<Batch> ready, waiting;
    {
      const MutexLock lock(mutex_);
      while (!order_.empty() && order_.front()->state != Batch::State::kDone) {
        if (order_.size() <= ahead) return {};
        waiting = TakeWaiting();
        if (waiting) break;
        done_.Wait(mutex_);
      }
      if (!waiting) {
        if (order_.empty()) return {};
        ready = std::move(order_.front());
        order_.pop_front();
      }
    }
    if (waiting) {
      waiting->Format(*own_);
      const MutexLock lock(mutex_);
      waiting->state = Batch::State::kDone;
    } else {
      LH_TRY(WriteOut(*ready));
    }
  }
}

Status OrderedFormatter::WriteOut(const Batch& batch) {
  if (batch.error) return Fail(*batch.error);
  return batch.text.size() == 0 ? Status() : sink_.Write(batch.text.view());
}

std::shared_ptr<OrderedFormatter::Batch> OrderedFormatter::TakeWaiting() {
  for (const auto& batch : order_) {
    if (batch->state != Batch::State::kWaiting) continue;
    batch->state = Batch::State::kTaken;
    return batch;
  }
  return nullptr;
}

void OrderedFormatter::Help() {
  const auto formatter = make_();
  while (true) {
    std::shared_ptr<Batch> batch;
    {
      const MutexLock lock(mutex_);
      while (!stopping_ && !(batch = TakeWaiting())) work_.Wait(mutex_);
      if (!batch) return;
    }
    batch->Format(*formatter);
    const MutexLock lock(mutex_);
    batch->state = Batch::State::kDone;
    done_.NotifyOne();
  }
}

}  // namespace lakehouse::query
