// Files of a local store as objects: what stands in their attributes, and files on their way to be objects. Each
// function may be called from any thread; a TemporaryObject is for one thread at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "object/object_store.h"

namespace lakehouse::object {

struct ObjectAttributes {
  std::string etag, content_type;
};

// What docs/formats.md says of `user.lakehouse`; nothing for a file that some other tool put there.
std::optional<ObjectAttributes> ReadAttributes(int descriptor);
// Also succeeds where the file system has no extended attributes: it keeps the objects, not their types then, and ETags
// come from the files.
Status WriteAttributes(int descriptor, const ObjectInfo& info);
Status SetLastModified(int descriptor, WallTime at);
// What is known of an open object file.
ObjectInfo InfoOf(std::string_view key, int descriptor, bool& has_checksum);

// A file in the private folder, on its way to be an object; loses its name unless it was published.
class TemporaryObject {
 public:
  static Result<TemporaryObject> Make(const std::filesystem::path& folder, uint64_t number);
  // The file that `source` is the whole of gets a name in the folder, where that can be: it has none yet and lies on
  // the same disk.
  static std::optional<TemporaryObject> Keep(const std::filesystem::path& folder, uint64_t number,
                                             const ByteSource& source);
  TemporaryObject(TemporaryObject&& other) noexcept : path_(std::move(other.path_)), file_(std::move(other.file_)) {
    other.path_.clear();
  }
  TemporaryObject& operator=(TemporaryObject&&) = delete;
  ~TemporaryObject();
  int descriptor() const { return file_.get(); }
  const std::filesystem::path& path() const { return path_; }
  void Published() { path_.clear(); }

 private:
  TemporaryObject() = default;
  std::filesystem::path path_;
  FileDescriptor file_;
};

}  // namespace lakehouse::object
