#include "object/local_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "object/local_path.h"

namespace lakehouse::object {

namespace fs = std::filesystem;

namespace {

enum class NodeKind { kNone, kFile, kFolder };

NodeKind KindOf(const fs::path& path) {
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0) return NodeKind::kNone;
  if (S_ISDIR(info.st_mode)) return NodeKind::kFolder;
  return S_ISREG(info.st_mode) ? NodeKind::kFile : NodeKind::kNone;
}

fs::path Beside(const fs::path& path) { return path.string() + std::string(kObjectBesideFolder); }

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

// What a folder of keys holds: an object, or a folder of further keys.
struct LocalTree::Entry {
  std::string sort_key;   // the component, with a '/' behind it for a folder: byte order of the keys
  std::string component;  // unescaped
  fs::path path;
  bool folder = false;
};

LocalTree::LocalTree(fs::path root)
    : root_(std::move(root)), root_descriptor_(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

Result<FileDescriptor> LocalTree::Open(std::string_view key) const {
  const fs::path path = root_ / PathOfKey(key);
  ReaderLock lock(shape_);
  for (const fs::path& candidate : {path, Beside(path)}) {
    FileDescriptor file(::open(candidate.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file.valid()) {
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENXIO) continue;
      return Fail(ErrnoError(errno, "cannot open an object"));
    }
    struct stat info = {};
    if (::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode)) return file;
  }
  return FileDescriptor();
}

bool LocalTree::Has(std::string_view key) const {
  const fs::path path = root_ / PathOfKey(key);
  ReaderLock lock(shape_);
  return KindOf(path) == NodeKind::kFile || KindOf(Beside(path)) == NodeKind::kFile;
}

Status LocalTree::CheckLength(std::string_view key) const {
  if (root_.native().size() + 1 + PathOfKey(key).size() + kObjectBesideFolder.size() < PATH_MAX) return {};
  return Fail(ErrorKind::kInvalid, "the key is too long for the store's folder: a path may have {} bytes",
              PATH_MAX - 1);
}

Status LocalTree::MakeFolders(const fs::path& relative) {
  fs::path path = root_;
  for (const fs::path& name : relative) {
    path /= name;
    if (::mkdir(path.c_str(), 0777) == 0) continue;
    if (errno != EEXIST) return Fail(ErrnoError(errno, "cannot make a folder of the store"));
    if (KindOf(path) != NodeKind::kFile) continue;
    if (::rename(path.c_str(), Beside(path).c_str()) != 0 || ::mkdir(path.c_str(), 0777) != 0) {
      return Fail(ErrnoError(errno, "cannot move an object beside a folder"));
    }
  }
  return {};
}

Status LocalTree::Publish(const fs::path& from, std::string_view key, bool sync) {
  const fs::path relative = PathOfKey(key);
  const fs::path path = root_ / relative;
  const auto rename_to_place = [&]() -> int {
    const bool beside = KindOf(path) == NodeKind::kFolder || KindOf(Beside(path)) == NodeKind::kFile;
    return ::rename(from.c_str(), (beside ? Beside(path) : path).c_str()) == 0 ? 0 : errno;
  };
  int error = 0;
  {
    ReaderLock lock(shape_);
    error = rename_to_place();
  }
  if (error == ENOENT || error == ENOTDIR) {
    WriterLock lock(shape_);
    LH_TRY(MakeFolders(relative.parent_path()));
    error = rename_to_place();
  }
  if (error != 0) return Fail(ErrnoError(error, "cannot put an object in its place"));
  if (!sync) return {};
  for (fs::path folder = relative.parent_path();; folder = folder.parent_path()) {
    LH_TRY(SyncFolder(root_ / folder, "a folder of the store"));
    if (folder.empty()) return {};
  }
}

Result<bool> LocalTree::PublishNew(std::string_view key, const std::function<Status(int descriptor)>& fill) {
  if (!has_nameless_files_.load(std::memory_order_relaxed)) return false;
  const std::string relative = PathOfKey(key);
  const std::string path = root_.native() + '/' + relative;
  const std::string folder = path.substr(0, path.rfind('/'));
  const auto make = [&] { return ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644); };
  FileDescriptor file(make());
  if (!file.valid() && (errno == ENOENT || errno == ENOTDIR)) {
    WriterLock lock(shape_);
    LH_TRY(MakeFolders(fs::path(relative).parent_path()));
    file = FileDescriptor(make());
  }
  if (!file.valid()) {
    if (errno == EOPNOTSUPP || errno == EISDIR) has_nameless_files_.store(false, std::memory_order_relaxed);
    return false;
  }
  LH_TRY(fill(file.get()));
  const std::string nameless = fmt::format("/proc/self/fd/{}", file.get());
  // Shared: the place is not turned into a folder in between, nor its folder into a place.
  ReaderLock lock(shape_);
  return ::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

Result<bool> LocalTree::Remove(std::string_view key) {
  const fs::path relative = PathOfKey(key);
  const fs::path path = root_ / relative;
  WriterLock lock(shape_);
  bool removed = false;
  for (const fs::path& candidate : {path, Beside(path)}) {
    if (KindOf(candidate) != NodeKind::kFile) continue;
    if (::unlink(candidate.c_str()) != 0 && errno != ENOENT) return Fail(ErrnoError(errno, "cannot remove an object"));
    removed = true;
  }
  if (!removed) return false;
  for (fs::path folder = relative.parent_path(); !folder.empty(); folder = folder.parent_path()) {
    if (::rmdir((root_ / folder).c_str()) != 0) break;
  }
  return true;
}

Status LocalTree::Settle() const {
  if (!root_descriptor_.valid() || ::syncfs(root_descriptor_.get()) != 0)
    return Fail(ErrnoError(errno, "cannot sync the store"));
  return {};
}

Status LocalTree::ListFolder(const fs::path& folder, const std::string& component, std::vector<Entry>& entries) const {
  const std::unique_ptr<DIR, DirCloser> dir(::opendir(folder.c_str()));
  if (dir == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return Fail(ErrnoError(errno, "cannot list a folder of the store"));
  }
  while (const dirent* item = ::readdir(dir.get())) {
    std::string_view name = item->d_name;
    if (name == "." || name == ".." || (name == kPrivateFolder && folder == root_)) continue;
    const fs::path path = folder / name;
    NodeKind kind = item->d_type == DT_REG   ? NodeKind::kFile
                    : item->d_type == DT_DIR ? NodeKind::kFolder
                                             : KindOf(path);
    if (kind == NodeKind::kNone) continue;
    if (kind == NodeKind::kFolder && name.ends_with(kPieceFolder)) {
      name.remove_suffix(kPieceFolder.size());
      LH_TRY(ListFolder(path, component + UnescapeName(name), entries));
      continue;
    }
    if (kind == NodeKind::kFile && name.ends_with(kObjectBesideFolder)) name.remove_suffix(kObjectBesideFolder.size());
    Entry entry{{}, component + UnescapeName(name), path, kind == NodeKind::kFolder};
    entry.sort_key = entry.folder ? entry.component + "/" : entry.component;
    entries.push_back(std::move(entry));
  }
  return {};
}

Result<bool> LocalTree::WalkFolder(const fs::path& folder, const std::string& key_prefix, const std::string& from,
                                   const std::string& prefix, const Visit& visit) const {
  std::vector<Entry> entries;
  {
    ReaderLock lock(shape_);
    LH_TRY(ListFolder(folder, "", entries));
  }
  std::ranges::sort(entries, {}, &Entry::sort_key);
  for (const Entry& entry : entries) {
    const std::string key = key_prefix + entry.sort_key;
    const size_t shared = std::min(key.size(), prefix.size());
    if (key.compare(0, shared, prefix, 0, shared) != 0) continue;
    if (entry.folder) {
      // Every key in the folder begins with `key`: all of them lie below `from` when `key` does and does not begin it.
      if (key < from && !from.starts_with(key)) continue;
      LH_ASSIGN(const bool go_on, WalkFolder(entry.path, key, from, prefix, visit));
      if (!go_on) return false;
      continue;
    }
    if (key < from || key.size() < prefix.size()) continue;
    LH_ASSIGN(const FileDescriptor file, Open(key));
    if (file.valid() && !visit(key, file.get())) return false;
  }
  return true;
}

Status LocalTree::Walk(const std::string& from, const std::string& prefix, const Visit& visit) const {
  LH_TRY(WalkFolder(root_, "", from, prefix, visit));
  return {};
}

}  // namespace lakehouse::object
