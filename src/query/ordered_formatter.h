// Turns chunks into text on several threads and gives the pieces back in order: what a large result is written with.
// Small results never start a thread. Used by one thread; that thread formats too, while it would wait.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "base/stream.h"
#include "query/duckdb_internal.h"
#include "query/text_buffer.h"

namespace lakehouse::query {

// Writes the rows of chunks as text. One thread at a time.
class RowFormatter {
 public:
  virtual ~RowFormatter() = default;
  virtual void Format(duckdb::DataChunk& chunk, TextBuffer& out) = 0;
};

class OrderedFormatter {
 public:
  using MakeFormatter = std::function<std::unique_ptr<RowFormatter>()>;
  // Up to `helpers` further threads. REQUIRES: the sink outlives this.
  OrderedFormatter(MakeFormatter make, uint32_t helpers, ByteSink& sink);
  ~OrderedFormatter();
  OrderedFormatter(const OrderedFormatter&) = delete;
  OrderedFormatter& operator=(const OrderedFormatter&) = delete;

  // REQUIRES: the chunk owns its values.
  Status Add(duckdb::unique_ptr<duckdb::DataChunk> chunk) LH_EXCLUDES(mutex_);
  // Everything added is in the sink once this succeeds.
  Status Finish() LH_EXCLUDES(mutex_);

 private:
  struct Batch;

  Status Submit() LH_EXCLUDES(mutex_);
  // Writes what is ready, in order; waits (and helps) while more than `ahead` batches are under way.
  Status Drain(size_t ahead) LH_EXCLUDES(mutex_);
  Status WriteOut(const Batch& batch);
  std::shared_ptr<Batch> TakeWaiting() LH_REQUIRES(mutex_);
  void Help() LH_EXCLUDES(mutex_);

  const MakeFormatter make_;
  const uint32_t helpers_;
  ByteSink& sink_;
  const std::unique_ptr<RowFormatter> own_;
  std::shared_ptr<Batch> filling_;
  std::vector<std::thread> threads_;

  Mutex mutex_;
  CondVar work_, done_;
  std::deque<std::shared_ptr<Batch>> order_ LH_GUARDED_BY(mutex_);
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
};

}  // namespace lakehouse::query
