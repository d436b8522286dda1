#include "query/lake_file_system.h"

#include <algorithm>

#include "query/lake_state.h"

namespace lakehouse::query {
namespace {

// Data objects of datasets are written once under their key, and the manifest says their size.
bool IsImmutable(std::string_view key) { return key.starts_with("datasets/"); }

struct LakeFileHandle final : duckdb::FileHandle {
  LakeFileHandle(duckdb::FileSystem& system, const std::string& path, duckdb::FileOpenFlags flags)
      : FileHandle(system, path, flags) {}
  void Close() override {}

  object::ObjectInfo info;
  std::string dataset;
  RequestContext request;
  duckdb::shared_ptr<LakeState> state;
  uint64_t position = 0;
};

class LakeFileSystem final : public duckdb::FileSystem {
 public:
  LakeFileSystem(object::BlockCache& cache, bool remote) : cache_(cache), remote_(remote) {}

  std::string GetName() const override { return "LakeFileSystem"; }
  bool CanHandleFile(const std::string& path) override { return path.starts_with(kLakeScheme); }
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return !remote_; }
  bool SupportsOpenFileExtended() const override { return true; }
  std::string PathSeparator(const std::string&) override { return "/"; }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFileExtended(const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags,
                                                          duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  void Read(duckdb::FileHandle& handle, void* buffer, int64_t size, duckdb::idx_t location) override;
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t size) override;
  int64_t GetFileSize(duckdb::FileHandle& handle) override {
    return static_cast<int64_t>(handle.Cast<LakeFileHandle>().info.size);
  }
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override {
    return duckdb::timestamp_t(handle.Cast<LakeFileHandle>().info.last_modified.time_since_epoch().count());
  }
  std::string GetVersionTag(duckdb::FileHandle& handle) override { return handle.Cast<LakeFileHandle>().info.etag; }
  duckdb::FileType GetFileType(duckdb::FileHandle&) override { return duckdb::FileType::FILE_TYPE_REGULAR; }
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override {
    handle.Cast<LakeFileHandle>().position = location;
  }
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override { return handle.Cast<LakeFileHandle>().position; }

 private:
  // Keeps the error's kind on the query's state and leaves through DuckDB the only way it knows.
  [[noreturn]] void Throw(const LakeFileHandle& handle, Error error);
  // The object's true size, when a read failed because the manifest's is another.
  std::optional<uint64_t> StoredSizeIfWrong(const LakeFileHandle& handle, const Error& error);

  object::BlockCache& cache_;
  const bool remote_;
};

std::optional<uint64_t> LakeFileSystem::StoredSizeIfWrong(const LakeFileHandle& handle, const Error& error) {
  const bool suspect = error.kind == ErrorKind::kInternal || error.kind == ErrorKind::kRangeNotSatisfiable ||
                       error.kind == ErrorKind::kUpstream;
  if (!suspect || !IsImmutable(handle.info.key)) return std::nullopt;
  const auto stored = cache_.Info(handle.request, handle.info.key);
  if (!stored || stored->size == handle.info.size) return std::nullopt;
  return stored->size;
}

void LakeFileSystem::Throw(const LakeFileHandle& handle, Error error) {
  if (error.kind == ErrorKind::kNotFound) {
    // What is missing is a piece of the lake, not something the caller named.
    error.kind = ErrorKind::kUpstream;
    error.detail =
        fmt::format("dataset '{}' cannot be read: its object {} is not in the store", handle.dataset, handle.info.key);
  } else if (const auto stored = StoredSizeIfWrong(handle, error)) {
    error.kind = ErrorKind::kUnprocessable;
    error.detail = fmt::format("dataset '{}' cannot be read: its object {} has {} bytes, the catalog says {}",
                               handle.dataset, handle.info.key, *stored, handle.info.size);
  } else if (!handle.dataset.empty()) {
    error.detail.insert(0, fmt::format("reading dataset '{}': ", handle.dataset));
  }
  if (handle.state) handle.state->NoteError(error);
  throw duckdb::IOException(error.detail);
}

duckdb::unique_ptr<duckdb::FileHandle> LakeFileSystem::OpenFileExtended(
    const duckdb::OpenFileInfo& file, duckdb::FileOpenFlags flags, duckdb::optional_ptr<duckdb::FileOpener> opener) {
  if (!flags.OpenForReading() || flags.OpenForWriting()) {
    throw duckdb::PermissionException("objects of the lake can only be read");
  }
  auto handle = duckdb::make_uniq<LakeFileHandle>(*this, file.path, flags);
  handle->info.key = KeyOf(file);
  if (auto client = duckdb::FileOpener::TryGetClientContext(opener)) {
    handle->state = LakeState::Of(*client);
    handle->request = handle->state->request();
  }
  std::optional<uint64_t> size;
  if (file.extended_info) {
    const auto& options = file.extended_info->options;
    if (const auto found = options.find("dataset"); found != options.end()) handle->dataset = found->second.ToString();
    if (const auto found = options.find("file_size"); found != options.end()) {
      size = found->second.GetValue<uint64_t>();
    }
  }
  if (size && IsImmutable(handle->info.key)) {
    handle->info.size = *size;
    handle->info.etag = fmt::format("{}:{}", handle->info.key, *size);
  } else {
    auto info = cache_.Info(handle->request, handle->info.key);
    if (!info) Throw(*handle, std::move(info).error());
    handle->info = *std::move(info);
  }
  return handle;
}

void LakeFileSystem::Read(duckdb::FileHandle& file, void* buffer, int64_t size, duckdb::idx_t location) {
  auto& handle = file.Cast<LakeFileHandle>();
  const std::span<char> out(static_cast<char*>(buffer), static_cast<size_t>(size));
  auto read = cache_.ReadAt(handle.request, handle.info, location, out);
  if (!read) Throw(handle, std::move(read).error());
  if (*read != out.size()) {
    Throw(handle, Error{ErrorKind::kUpstream,
                        fmt::format("object {} ends at byte {}, before the {} bytes that are recorded of it",
                                    handle.info.key, location + *read, handle.info.size),
                        std::nullopt,
                        {}});
  }
}

int64_t LakeFileSystem::Read(duckdb::FileHandle& file, void* buffer, int64_t size) {
  auto& handle = file.Cast<LakeFileHandle>();
  const uint64_t left = handle.info.size - std::min(handle.info.size, handle.position);
  const auto take = static_cast<int64_t>(std::min<uint64_t>(static_cast<uint64_t>(size), left));
  if (take > 0) Read(file, buffer, take, handle.position);
  handle.position += static_cast<uint64_t>(take);
  return take;
}

}  // namespace

duckdb::unique_ptr<duckdb::FileSystem> MakeLakeFileSystem(object::BlockCache& cache, bool remote) {
  return duckdb::make_uniq<LakeFileSystem>(cache, remote);
}

std::string_view KeyOf(const duckdb::OpenFileInfo& file) {
  const std::string_view path = file.path;
  const std::string_view name = path.substr(std::min(path.size(), kLakeScheme.size()));
  return name.substr(0, name.rfind('#'));
}

duckdb::OpenFileInfo LakeFile(std::string_view dataset, std::string_view key, uint64_t size) {
  // The size is part of the name, here and in the blocks' etag: caches know files by these, and a manifest that lies
  // about an object's size must not spoil what is known of it through one that does not.
  duckdb::OpenFileInfo file(fmt::format("{}{}#{}", kLakeScheme, key, size));
  file.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>();
  auto& options = file.extended_info->options;
  options["file_size"] = duckdb::Value::UBIGINT(size);
  options["dataset"] = duckdb::Value(std::string(dataset));
  // Objects that clients registered under keys of their own may be replaced.
  if (!IsImmutable(key)) options["validate_external_file_cache"] = duckdb::Value::BOOLEAN(true);
  return file;
}

}  // namespace lakehouse::query
