#include "query/batch_queue.h"

#include <algorithm>

namespace lakehouse::query {

bool BatchQueue::Admit(uint64_t batch, std::function<void()> wake) {
  const MutexLock lock(mutex_);
  if (HasRoom(batch)) return true;
  writers_.push_back({batch, std::move(wake)});
  return false;
}

void BatchQueue::Advance(uint64_t first_incomplete) {
  const MutexLock lock(mutex_);
  if (first_incomplete <= first_incomplete_) return;
  for (auto at = pieces_.upper_bound(first_incomplete_); at != pieces_.end() && at->first <= first_incomplete; ++at) {
    for (const BatchPiece& piece : at->second) {
      ahead_bytes_ -= piece.bytes();
      readable_bytes_ += piece.bytes();
    }
  }
  first_incomplete_ = first_incomplete;
  WakeWriters();
  if (Readable()) changed_.NotifyOne();
}

void BatchQueue::Push(uint64_t batch, BatchPiece piece) {
  const MutexLock lock(mutex_);
  (batch <= first_incomplete_ ? readable_bytes_ : ahead_bytes_) += piece.bytes();
  pieces_[batch].push_back(std::move(piece));
  if (Readable()) changed_.NotifyOne();
}

void BatchQueue::Wake() {
  const MutexLock lock(mutex_);
  woken_ = true;
  changed_.NotifyOne();
}

std::optional<BatchPiece> BatchQueue::Pop() {
  const MutexLock lock(mutex_);
  if (!Readable()) return std::nullopt;
  const auto first = pieces_.begin();
  std::optional<BatchPiece> piece(std::move(first->second.front()));
  first->second.pop_front();
  if (first->second.empty()) pieces_.erase(first);
  readable_bytes_ -= piece->bytes();
  WakeWriters();
  return piece;
}

void BatchQueue::Wait(std::chrono::milliseconds longest) {
  const auto until = std::chrono::steady_clock::now() + longest;
  const MutexLock lock(mutex_);
  while (!Readable() && !woken_) {
    if (!changed_.WaitUntil(mutex_, until)) break;
  }
  woken_ = false;
}

bool BatchQueue::HasRoom(uint64_t batch) const {
  return (batch <= first_incomplete_ ? readable_bytes_ : ahead_bytes_) < limit_bytes_;
}

bool BatchQueue::Readable() const { return !pieces_.empty() && pieces_.begin()->first <= first_incomplete_; }

void BatchQueue::WakeWriters() {
  std::erase_if(writers_, [this](const Waiting& writer) LH_REQUIRES(mutex_) {
    if (!HasRoom(writer.batch)) return false;
    writer.wake();
    return true;
  });
}

}  // namespace lakehouse::query
