// Owned file descriptors and the few file operations that two modules share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/stream.h"

namespace lakehouse {

// Closes its descriptor when it ends. Moves, never copies.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() { Reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      Reset();
      descriptor_ = other.Release();
    }
    return *this;
  }
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }
  int Release() {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return descriptor;
  }
  void Reset();

 private:
  int descriptor_ = -1;
};

// errno as an Error: ENOSPC and EDQUOT are kExhausted, ENOENT kNotFound, EACCES and EROFS kForbidden, the rest
// kInternal.
Error ErrnoError(int error_number, std::string_view what);

// Writes all of `bytes` at the descriptor's position, or at `offset`.
Status WriteFully(int descriptor, std::string_view bytes);
Status WriteFullyAt(int descriptor, std::string_view bytes, uint64_t offset);
// Exactly `size` bytes or kInternal ("file is shorter").
Status ReadFullyAt(int descriptor, char* out, size_t size, uint64_t offset);

// Makes the names in a folder durable. `what` names it in the error: "the journal's folder".
Status SyncFolder(const std::filesystem::path& folder, std::string_view what);

// A file without a name in `folder` (O_TMPFILE, or unlinked at once): gone with its descriptor, whatever happens.
Result<FileDescriptor> OpenTemporaryFile(const std::filesystem::path& folder);

// Reads `length` bytes of a file from `offset`; AsFile() offers them for sendfile.
class FileSource final : public ByteSource {
 public:
  // REQUIRES: `descriptor` stays open as long as this is read.
  FileSource(int descriptor, uint64_t offset, uint64_t length)
      : descriptor_(descriptor), offset_(offset), left_(length) {}
  Result<size_t> Read(std::span<char> out) override;
  std::optional<FileRange> AsFile() const override { return FileRange{descriptor_, offset_, left_}; }

 private:
  int descriptor_;
  uint64_t offset_;
  uint64_t left_;
};

}  // namespace lakehouse
