#include "vector/slot_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lakehouse::vector {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

Mapping::~Mapping() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    if (data_ != nullptr) munmap(data_, bytes_);
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = other.bytes_;
    file_ = std::move(other.file_);
  }
  return *this;
}

Result<Mapping> Mapping::OfFile(FileDescriptor file, size_t bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
  if (data == MAP_FAILED) return Fail(ErrnoError(errno, "mapping a segment of a vector index"));
  Mapping mapping(static_cast<char*>(data), bytes);
  mapping.file_ = std::move(file);
  return mapping;
}

bool Mapping::MapAgain(size_t offset, size_t bytes, char* at) const {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (!file_.valid() || offset % page != 0) return false;
  const size_t whole = (bytes + page - 1) / page * page;
  if (mmap(at, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, file_.get(),
           static_cast<off_t>(offset)) == MAP_FAILED) {
    return false;
  }
  std::memset(at + bytes, 0, whole - bytes);
  return true;
}

Result<Mapping> Mapping::Anonymous(size_t bytes) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return Fail(ErrorKind::kExhausted, "no memory for {} bytes of a vector index", bytes);
  // Random access over hundreds of megabytes: fewer, larger pages save a TLB miss a node.
  if (bytes >= kHugePage) madvise(data, bytes, MADV_HUGEPAGE);
  return Mapping(static_cast<char*>(data), bytes);
}

Result<std::unique_ptr<SlotMemory>> SlotMemory::Make(size_t stride_bytes, std::optional<std::filesystem::path> folder) {
  std::unique_ptr<SlotMemory> memory(new SlotMemory(stride_bytes));
  LH_ASSIGN(memory->chunk_table_, Mapping::Anonymous(kMaxSlots / kChunkSlots * sizeof(std::atomic<char*>)));
  memory->chunks_ = reinterpret_cast<std::atomic<char*>*>(memory->chunk_table_.data());
  if (folder) {
    const MutexLock lock(memory->mutex_);
    LH_ASSIGN(memory->file_, OpenTemporaryFile(*folder));
  }
  return memory;
}

Result<Mapping> SlotMemory::NewChunk() {
  const size_t bytes = kChunkSlots * stride_;
  if (!file_.valid()) return Mapping::Anonymous(bytes);
  const off_t offset = lseek(file_.get(), 0, SEEK_END);
  if (offset < 0) return Fail(ErrnoError(errno, "the file of a vector index"));
  // Allocated now, so that a full disk is an error here and not a signal when the page is written.
  if (const int error = posix_fallocate(file_.get(), offset, static_cast<off_t>(bytes)); error != 0) {
    return Fail(ErrnoError(error, "making room for vectors"));
  }
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), offset);
  if (data == MAP_FAILED) return Fail(ErrnoError(errno, "mapping the file of a vector index"));
  return Mapping(static_cast<char*>(data), bytes);
}

Status SlotMemory::Adopt(std::shared_ptr<Mapping> base, size_t offset, size_t slots) {
  const MutexLock lock(mutex_);
  const size_t whole = slots / kChunkSlots, rest = slots % kChunkSlots;
  for (size_t i = 0; i < whole; ++i) chunks_[i].store(base->data() + offset + i * kChunkSlots * stride_);
  if (rest != 0) {
    // The last chunk will grow, so it needs room behind it.
    LH_ASSIGN(Mapping chunk, NewChunk());
    const size_t from = offset + whole * kChunkSlots * stride_;
    if (!base->MapAgain(from, rest * stride_, chunk.data())) {
      std::memcpy(chunk.data(), base->data() + from, rest * stride_);
    }
    chunks_[whole].store(chunk.data());
    mappings_.push_back(std::move(chunk));
  }
  adopted_ = std::move(base);
  frozen_to_ = whole;
  reserved_.store((whole + (rest != 0 ? 1 : 0)) * kChunkSlots, std::memory_order_release);
  return {};
}

Result<bool> SlotMemory::ThawOne() {
  const MutexLock lock(mutex_);
  if (frozen_from_ == frozen_to_) return false;
  LH_ASSIGN(Mapping chunk, NewChunk());
  std::memcpy(chunk.data(), chunks_[frozen_from_].load(std::memory_order_relaxed), chunk.bytes());
  chunks_[frozen_from_++].store(chunk.data(), std::memory_order_release);
  mappings_.push_back(std::move(chunk));
  return true;
}

Status SlotMemory::Reserve(size_t slots) {
  if (slots <= reserved()) return {};
  if (slots > kMaxSlots) return Fail(ErrorKind::kExhausted, "a vector index holds at most {} items", kMaxSlots);
  const MutexLock lock(mutex_);
  if (slots <= reserved()) return {};
  const size_t count = (slots - reserved() + kChunkSlots - 1) / kChunkSlots;
  if (!file_.valid()) return AddChunks(count);
  for (size_t i = 0; i < count; ++i) LH_TRY(AddChunks(1));
  return {};
}

// Several at once lie together, which large pages like.
Status SlotMemory::AddChunks(size_t count) {
  const size_t chunk_bytes = kChunkSlots * stride_;
  LH_ASSIGN(Mapping chunks, count == 1 ? NewChunk() : Mapping::Anonymous(count * chunk_bytes));
  for (size_t i = 0; i < count; ++i) {
    chunks_[reserved() / kChunkSlots + i].store(chunks.data() + i * chunk_bytes, std::memory_order_release);
  }
  mappings_.push_back(std::move(chunks));
  reserved_.store(reserved() + count * kChunkSlots, std::memory_order_release);
  return {};
}

}  // namespace lakehouse::vector
