// A regular file's bytes mapped for reading. Moves, never copies.
#pragma once

#include <string_view>

#include "base/result.h"

namespace lakehouse::ingest {

class MappedFile {
 public:
  // The descriptor may be closed afterwards. An empty file maps to nothing.
  static Result<MappedFile> Map(int descriptor);
  MappedFile(MappedFile&& other) noexcept : bytes_(other.bytes_) { other.bytes_ = {}; }
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  std::string_view bytes() const { return bytes_; }
  // The pages up to `offset` will not be needed again soon: they leave this process's memory, not the page cache.
  void Release(size_t from, size_t to) const;

 private:
  explicit MappedFile(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

}  // namespace lakehouse::ingest
