// The folder tree of a local store: where an object is, putting a finished file in its place, walking in byte order of
// the keys. Knows nothing of journals or ETags. Thread-safe; callers serialise writers of one key.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"

namespace lakehouse::object {

class LocalTree {
 public:
  explicit LocalTree(std::filesystem::path root);

  // An open object file; not valid when there is none.
  Result<FileDescriptor> Open(std::string_view key) const;
  bool Has(std::string_view key) const;
  // kInvalid for a key whose path is longer than the system's limit.
  Status CheckLength(std::string_view key) const;
  // Renames the file at `from` to the key's place, making the folders on the way. With `sync`, durable on return.
  Status Publish(const std::filesystem::path& from, std::string_view key, bool sync);
  // A new file that `fill` makes whole before it has a name gets the key's place. False, without an object made, where
  // that cannot be: something is in the place, or the file system has no nameless files.
  // REQUIRES: nothing stood at the key's place or beside it when the key's writer last looked.
  Result<bool> PublishNew(std::string_view key, const std::function<Status(int descriptor)>& fill);
  // Removes the object and the folders that it leaves empty. False when there was none.
  Result<bool> Remove(std::string_view key);
  // Makes everything below the root durable. An error since the tree was made is an error of the next call, too late
  // to know which file it met.
  Status Settle() const;

  // Calls `visit` for each object whose key is not below `from`, in byte order, until it returns false. The descriptor
  // belongs to the walk; an object that vanishes meanwhile is passed over.
  using Visit = std::function<bool(const std::string& key, int descriptor)>;
  Status Walk(const std::string& from, const std::string& prefix, const Visit& visit) const;

  const std::filesystem::path& root() const { return root_; }

 private:
  struct Entry;
  Status MakeFolders(const std::filesystem::path& relative) LH_REQUIRES(shape_);
  Result<bool> WalkFolder(const std::filesystem::path& folder, const std::string& key_prefix, const std::string& from,
                          const std::string& prefix, const Visit& visit) const;
  Status ListFolder(const std::filesystem::path& folder, const std::string& component,
                    std::vector<Entry>& entries) const;

  const std::filesystem::path root_;
  // One descriptor for all: what the kernel could not write is told to those who had it open then.
  const FileDescriptor root_descriptor_;
  std::atomic<bool> has_nameless_files_{true};
  // Held shared by whoever resolves a key, exclusively by who turns an object into one beside a folder.
  mutable SharedMutex shape_;
};

}  // namespace lakehouse::object
