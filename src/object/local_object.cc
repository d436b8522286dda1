#include "object/local_object.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

namespace lakehouse::object {
namespace {

constexpr char kAttribute[] = "user.lakehouse";
constexpr std::string_view kAttributeVersion = "1";

}  // namespace

std::optional<ObjectAttributes> ReadAttributes(int descriptor) {
  char text[1024];
  const ssize_t size = ::fgetxattr(descriptor, kAttribute, text, sizeof(text));
  if (size <= 0) return std::nullopt;
  const std::string_view all(text, static_cast<size_t>(size));
  const size_t first = all.find(' ');
  const size_t second = all.find(' ', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || all.substr(0, first) != kAttributeVersion) return std::nullopt;
  return ObjectAttributes{std::string(all.substr(first + 1, second - first - 1)), std::string(all.substr(second + 1))};
}

Status WriteAttributes(int descriptor, const ObjectInfo& info) {
  const std::string text = fmt::format("{} {} {}", kAttributeVersion, info.etag, info.content_type);
  if (::fsetxattr(descriptor, kAttribute, text.data(), text.size(), 0) == 0) return {};
  if (errno == ENOTSUP || errno == EPERM) return {};
  return Fail(ErrnoError(errno, "cannot note an object's ETag"));
}

Status SetLastModified(int descriptor, WallTime at) {
  const int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  const timespec modified{micros / 1'000'000, micros % 1'000'000 * 1000};
  const timespec times[2] = {modified, modified};
  if (::futimens(descriptor, times) == 0) return {};
  return Fail(ErrnoError(errno, "cannot note an object's time"));
}

ObjectInfo InfoOf(std::string_view key, int descriptor, bool& has_checksum) {
  struct stat stat = {};
  ::fstat(descriptor, &stat);
  ObjectInfo info;
  info.key = key;
  info.size = static_cast<uint64_t>(stat.st_size);
  info.last_modified =
      WallTime(std::chrono::seconds(stat.st_mtim.tv_sec) + std::chrono::microseconds(stat.st_mtim.tv_nsec / 1000));
  const auto attributes = ReadAttributes(descriptor);
  has_checksum = attributes.has_value();
  if (attributes) {
    info.etag = attributes->etag;
    info.content_type = attributes->content_type;
  } else {
    info.etag = fmt::format("f-{:x}-{:x}-{:x}", stat.st_ino, stat.st_size,
                            stat.st_mtim.tv_sec * 1'000'000'000 + stat.st_mtim.tv_nsec);
    info.content_type = "application/octet-stream";
  }
  return info;
}

Result<TemporaryObject> TemporaryObject::Make(const std::filesystem::path& folder, uint64_t number) {
  TemporaryObject temporary;
  temporary.path_ = folder / fmt::format("put-{}", number);
  temporary.file_ = FileDescriptor(::open(temporary.path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!temporary.file_.valid()) return Fail(ErrnoError(errno, "cannot make a file in the store"));
  return temporary;
}

std::optional<TemporaryObject> TemporaryObject::Keep(const std::filesystem::path& folder, uint64_t number,
                                                     const ByteSource& source) {
  const auto file = source.AsFile();
  struct stat stat = {};
  if (!file || file->offset != 0 || ::fstat(file->descriptor, &stat) != 0) return std::nullopt;
  if (!S_ISREG(stat.st_mode) || stat.st_nlink != 0 || static_cast<uint64_t>(stat.st_size) != file->length) {
    return std::nullopt;
  }
  // A file made here first shows the rights that objects have.
  auto made = Make(folder, number);
  if (!made || ::fstat(made->descriptor(), &stat) != 0) return std::nullopt;
  FileDescriptor own(::fcntl(file->descriptor, F_DUPFD_CLOEXEC, 0));
  const std::string nameless = fmt::format("/proc/self/fd/{}", own.get());
  if (!own.valid() || ::unlink(made->path_.c_str()) != 0) return std::nullopt;
  if (::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, made->path_.c_str(), AT_SYMLINK_FOLLOW) != 0 ||
      ::fchmod(own.get(), stat.st_mode & 07777) != 0) {
    return std::nullopt;
  }
  made->file_ = std::move(own);
  return std::move(*made);
}

TemporaryObject::~TemporaryObject() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace lakehouse::object
