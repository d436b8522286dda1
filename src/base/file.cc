#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace lakehouse {

void FileDescriptor::Reset() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Error ErrnoError(int error_number, std::string_view what) {
  ErrorKind kind = ErrorKind::kInternal;
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) kind = ErrorKind::kExhausted;
  if (error_number == ENOENT) kind = ErrorKind::kNotFound;
  if (error_number == EACCES || error_number == EROFS || error_number == EPERM) kind = ErrorKind::kForbidden;
  return Error{kind, fmt::format("{}: {}", what, std::strerror(error_number)), std::nullopt, {}};
}

Status WriteFully(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return Fail(ErrnoError(errno, "cannot write"));
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status WriteFullyAt(int descriptor, std::string_view bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return Fail(ErrnoError(errno, "cannot write"));
    }
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

Status ReadFullyAt(int descriptor, char* out, size_t size, uint64_t offset) {
  while (size > 0) {
    const ssize_t taken = ::pread(descriptor, out, size, static_cast<off_t>(offset));
    if (taken < 0) {
      if (errno == EINTR) continue;
      return Fail(ErrnoError(errno, "cannot read"));
    }
    if (taken == 0) return Fail(ErrorKind::kInternal, "cannot read: the file is shorter than expected");
    out += taken;
    size -= static_cast<size_t>(taken);
    offset += static_cast<uint64_t>(taken);
  }
  return {};
}

Status SyncFolder(const std::filesystem::path& folder, std::string_view what) {
  const FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.valid() && ::fsync(descriptor.get()) == 0) return {};
  return Fail(ErrnoError(errno, fmt::format("cannot sync {}", what)));
}

Result<FileDescriptor> OpenTemporaryFile(const std::filesystem::path& folder) {
  FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return Fail(ErrnoError(errno, "cannot make a temporary file"));
  }
  std::string name = (folder / "tmp-XXXXXX").string();
  file = FileDescriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.valid()) return Fail(ErrnoError(errno, "cannot make a temporary file"));
  ::unlink(name.c_str());
  return file;
}

Result<size_t> FileSource::Read(std::span<char> out) {
  const size_t want = std::min<uint64_t>(out.size(), left_);
  if (want == 0) return size_t{0};
  while (true) {
    const ssize_t taken = ::pread(descriptor_, out.data(), want, static_cast<off_t>(offset_));
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return Fail(ErrnoError(errno, "cannot read"));
    if (taken == 0) return Fail(ErrorKind::kInternal, "cannot read: the file is shorter than expected");
    offset_ += static_cast<uint64_t>(taken);
    left_ -= static_cast<uint64_t>(taken);
    return static_cast<size_t>(taken);
  }
}

}  // namespace lakehouse
