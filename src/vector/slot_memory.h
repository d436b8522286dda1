// Fixed-size records by slot, in chunks that never move: readers keep their pointers while other threads make room.
//
// Memory is anonymous, or a file without a name (full vectors: the kernel writes them out under pressure), or begins
// with records of a mapped file. Thread-safe: At from any thread for slots reserved before; Reserve from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"
#include "vector/slot_set.h"

namespace lakehouse::vector {

// Closes its mapping when it ends. Moves, never copies.
class Mapping {
 public:
  Mapping() = default;
  Mapping(char* data, size_t bytes) : data_(data), bytes_(bytes) {}
  ~Mapping();
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_), file_(std::move(other.file_)) {}
  Mapping& operator=(Mapping&& other) noexcept;
  char* data() const { return data_; }
  size_t bytes() const { return bytes_; }

  // A copy-on-write view of a file: changes are this process's own. REQUIRES: bytes > 0.
  static Result<Mapping> OfFile(FileDescriptor file, size_t bytes);
  // The file's bytes from `offset` once more, copy-on-write, in the place of what lies at `at`, which becomes whole
  // pages of it: zeros follow. False, and nothing done, where they do not begin with a page.
  bool MapAgain(size_t offset, size_t bytes, char* at) const;
  static Result<Mapping> Anonymous(size_t bytes);

 private:
  char* data_ = nullptr;
  size_t bytes_ = 0;
  FileDescriptor file_;
};

class SlotMemory {
 public:
  static constexpr size_t kChunkSlots = 8192;
  static constexpr size_t kMaxSlots = size_t{1} << 31;

  // `folder`: where the file without a name lies; none: anonymous memory.
  static Result<std::unique_ptr<SlotMemory>> Make(size_t stride_bytes, std::optional<std::filesystem::path> folder);
  // The first `slots` records are `base`'s bytes from `offset` (a multiple of 64), in order. REQUIRES: nothing
  // reserved.
  Status Adopt(std::shared_ptr<Mapping> base, size_t offset, size_t slots);

  // Copies the next adopted chunk into memory of large pages, which random reads like better than a file's small ones;
  // false when there is none left. REQUIRES: nobody writes meanwhile; readers may.
  Result<bool> ThawOne();

  // Makes records below `slots` usable, filled with zeros. kExhausted when there is no room.
  Status Reserve(size_t slots);
  char* At(Slot slot) const {
    return chunks_[slot / kChunkSlots].load(std::memory_order_acquire) + (slot % kChunkSlots) * stride_;
  }
  size_t stride() const { return stride_; }
  size_t reserved() const { return reserved_.load(std::memory_order_acquire); }
  uint64_t bytes() const { return reserved() * stride_; }

 private:
  explicit SlotMemory(size_t stride) : stride_(stride) {}
  Result<Mapping> NewChunk() LH_REQUIRES(mutex_);
  Status AddChunks(size_t count) LH_REQUIRES(mutex_);

  const size_t stride_;
  std::atomic<char*>* chunks_ = nullptr;  // in chunk_table_, which the kernel fills with zeros as it is touched
  Mapping chunk_table_;
  std::atomic<size_t> reserved_{0};
  Mutex mutex_;
  FileDescriptor file_ LH_GUARDED_BY(mutex_);
  std::vector<Mapping> mappings_ LH_GUARDED_BY(mutex_);
  std::shared_ptr<Mapping> adopted_ LH_GUARDED_BY(mutex_);
  size_t frozen_from_ LH_GUARDED_BY(mutex_) = 0, frozen_to_ LH_GUARDED_BY(mutex_) = 0;  // chunks still in the mapping
};

}  // namespace lakehouse::vector
