// Arrow arrays on their way from the threads that make them to the one that reads, in the order of the scan's batches
// and within a bound of memory. A batch is DuckDB's: a number that rises along the result; many threads work on one
// each. Thread-safe.
#pragma once

#include <arrow/c/abi.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace lakehouse::query {

// Rows of one batch; releases them unless they were taken.
class BatchPiece {
 public:
  BatchPiece(ArrowArray array, uint64_t rows, uint64_t bytes) : rows_(rows), bytes_(bytes), array_(array) {}
  ~BatchPiece() {
    if (array_.release != nullptr) array_.release(&array_);
  }
  BatchPiece(BatchPiece&& other) noexcept
      : rows_(other.rows_), bytes_(other.bytes_), array_(std::exchange(other.array_, {})) {}
  BatchPiece& operator=(BatchPiece&& other) noexcept {
    std::swap(rows_, other.rows_);
    std::swap(bytes_, other.bytes_);
    std::swap(array_, other.array_);
    return *this;
  }
  BatchPiece(const BatchPiece&) = delete;
  BatchPiece& operator=(const BatchPiece&) = delete;

  uint64_t rows() const { return rows_; }
  uint64_t bytes() const { return bytes_; }
  ArrowArray Take() { return std::exchange(array_, {}); }

 private:
  uint64_t rows_, bytes_;
  ArrowArray array_;
};

class BatchQueue {
 public:
  // `limit_bytes`: what may lie here readable, and again what may lie here ahead of its turn, before writers must wait.
  explicit BatchQueue(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  // Whether a writer at `batch` may make more. False: `wake` is called, once, when it may; asking again is then right.
  // The writer of the first batch that is not complete waits for the reader alone, so there is always somebody who goes
  // on.
  bool Admit(uint64_t batch, std::function<void()> wake) LH_EXCLUDES(mutex_);
  // Every batch before `first_incomplete` is complete: all its pieces were pushed.
  void Advance(uint64_t first_incomplete) LH_EXCLUDES(mutex_);
  void Push(uint64_t batch, BatchPiece piece) LH_EXCLUDES(mutex_);
  // All batches are complete.
  void Finish() LH_EXCLUDES(mutex_) { Advance(UINT64_MAX); }
  // Wakes the reader: there may be something to do.
  void Wake() LH_EXCLUDES(mutex_);

  // The next piece in order; nothing: none is readable yet, or, after Finish, none is left.
  std::optional<BatchPiece> Pop() LH_EXCLUDES(mutex_);
  // Until a piece is readable, Wake is called, or the time is up.
  void Wait(std::chrono::milliseconds longest) LH_EXCLUDES(mutex_);

 private:
  struct Waiting {
    uint64_t batch;
    std::function<void()> wake;
  };
  bool HasRoom(uint64_t batch) const LH_REQUIRES(mutex_);
  bool Readable() const LH_REQUIRES(mutex_);
  void WakeWriters() LH_REQUIRES(mutex_);

  const uint64_t limit_bytes_;
  Mutex mutex_;
  CondVar changed_;
  std::map<uint64_t, std::deque<BatchPiece>> pieces_ LH_GUARDED_BY(mutex_);
  uint64_t first_incomplete_ LH_GUARDED_BY(mutex_) = 0;
  uint64_t readable_bytes_ LH_GUARDED_BY(mutex_) = 0;  // of batches up to the first incomplete one
  uint64_t ahead_bytes_ LH_GUARDED_BY(mutex_) = 0;     // of those behind it
  bool woken_ LH_GUARDED_BY(mutex_) = false;
  std::vector<Waiting> writers_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::query
