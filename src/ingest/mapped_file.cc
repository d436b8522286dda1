#include "ingest/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace lakehouse::ingest {
namespace {
constexpr size_t kPageBytes = 4096;
}

Result<MappedFile> MappedFile::Map(int descriptor) {
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0) return Fail(ErrnoError(errno, "cannot look at the file"));
  if (info.st_size == 0) return MappedFile({});
  void* at = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_SHARED, descriptor, 0);
  if (at == MAP_FAILED) return Fail(ErrnoError(errno, "cannot map the file"));
  return MappedFile({static_cast<const char*>(at), static_cast<size_t>(info.st_size)});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

void MappedFile::Release(size_t from, size_t to) const {
  from = (from + kPageBytes - 1) / kPageBytes * kPageBytes;
  to = to / kPageBytes * kPageBytes;
  if (from < to) ::madvise(const_cast<char*>(bytes_.data()) + from, to - from, MADV_DONTNEED);
}

}  // namespace lakehouse::ingest
