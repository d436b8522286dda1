#include "object/local_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <unordered_set>

#include "base/file.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "object/journal.h"
#include "object/listing.h"
#include "object/local_object.h"
#include "object/local_path.h"
#include "object/local_tree.h"
#include "object/memory_reader.h"
#include "object/pending.h"

namespace lakehouse::object {

namespace fs = std::filesystem;

namespace {

constexpr size_t kCopyBytes = 1 << 20;
constexpr size_t kKeyLocks = 1024;
constexpr size_t kMaxContentTypeBytes = 900;

class LocalReader final : public ObjectReader {
 public:
  LocalReader(FileDescriptor file, ObjectInfo info, uint64_t offset, uint64_t length)
      : file_(std::move(file)),
        info_(std::move(info)),
        offset_(offset),
        length_(length),
        source_(file_.get(), offset, length) {}
  const ObjectInfo& info() const override { return info_; }
  uint64_t offset() const override { return offset_; }
  uint64_t length() const override { return length_; }
  Result<size_t> Read(std::span<char> out) override { return source_.Read(out); }
  std::optional<FileRange> AsFile() const override { return source_.AsFile(); }

 private:
  const FileDescriptor file_;
  const ObjectInfo info_;
  const uint64_t offset_, length_;
  FileSource source_;
};

// Files whose bytes have been found to be what their checksum says, since this process started. A file that was written
// to since has another time.
class VerifiedFiles {
 public:
  bool Contains(const struct stat& stat, const std::string& etag) {
    MutexLock lock(mutex_);
    return seen_.contains(Name(stat, etag));
  }
  void Insert(const struct stat& stat, const std::string& etag) {
    MutexLock lock(mutex_);
    if (seen_.size() > 100'000) seen_.clear();
    seen_.insert(Name(stat, etag));
  }

 private:
  static uint64_t Name(const struct stat& stat, const std::string& etag) {
    return Xxh3(fmt::format("{} {} {} {} {} {}", stat.st_ino, stat.st_size, stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec,
                            stat.st_ctim.tv_nsec, etag));
  }
  Mutex mutex_;
  std::unordered_set<uint64_t> seen_ LH_GUARDED_BY(mutex_);
};

Error Damaged(std::string_view key) {
  return Error{ErrorKind::kInternal,
               fmt::format("the object \"{}\" is damaged: its bytes are not those that were stored", key),
               {},
               {}};
}

Result<std::string> ReadPending(const PendingObject& object) {
  LH_ASSIGN(std::string bytes, object.entry.ReadBytes());
  Xxh3_128 hash;
  hash.Update(bytes);
  if (hash.FinishHex() != object.info.etag) return Fail(Damaged(object.info.key));
  return bytes;
}

Status FillFile(int descriptor, const ObjectInfo& info, std::string_view bytes) {
  LH_TRY(WriteFully(descriptor, bytes));
  LH_TRY(WriteAttributes(descriptor, info));
  return SetLastModified(descriptor, info.last_modified);
}

class LocalStore final : public ObjectStore {
 public:
  LocalStore(LocalStoreOptions options, const Clock& clock, FileDescriptor lock)
      : options_(std::move(options)),
        private_folder_(options_.root / kPrivateFolder),
        clock_(clock),
        lock_(std::move(lock)),
        tree_(options_.root) {}

  Status OpenJournal() {
    Journal::Tree tree;
    tree.replay = [this](const JournalRecord& record) { return Replay(record); };
    tree.settle = [this] { return tree_.Settle(); };
    tree.hurry = [this] { return pending_->Hurry(); };
    JournalOptions journal;
    if (options_.journal_segment_bytes > 0) journal.segment_bytes = options_.journal_segment_bytes;
    journal.sync = options_.sync_journal;
    LH_ASSIGN(journal_, Journal::Open(private_folder_, std::move(tree), std::move(journal)));
    pending_ = std::make_unique<PendingObjects>(*journal_, options_.linger,
                                                [this](const PendingObject& object) { return Publish(object); });
    // What uploads left behind that a crash cut off.
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(private_folder_, ignored)) {
      if (entry.path().filename().string().starts_with("put-")) fs::remove(entry.path(), ignored);
    }
    return {};
  }

  Result<PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                        const PutOptions& options) override;
  Result<std::unique_ptr<ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                            const GetOptions& options) override;
  Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) override;
  Result<ListPage> List(const RequestContext& context, const ListOptions& options) override;
  Status Delete(const RequestContext& context, std::string_view key) override;
  Status Check(const RequestContext& context) override { return context.Check("checking the store"); }
  bool HonoursConditionalPut() const override { return true; }
  Result<WallTime> Now(const RequestContext&) override { return clock_.Now(); }

 private:
  Mutex& LockOf(std::string_view key) { return key_locks_[Xxh3(key) % kKeyLocks]; }
  uint64_t NextNumber() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
  struct Found {
    bool exists = false;   // an object is there
    bool in_tree = false;  // the tree may have one
  };
  // What is there, after its conditions were checked.
  Result<Found> CheckConditions(std::string_view key, const PutOptions& options) const;
  // Reads the body into `small` while it is short enough for the journal, into `temporary` otherwise.
  Status Receive(const RequestContext& context, ByteSource& body, const PutOptions& options, std::string& small,
                 std::optional<TemporaryObject>& temporary, ObjectInfo& info);
  Result<PutResult> PutSmall(std::string_view key, std::string_view bytes, const PutOptions& options, PutResult result);
  Result<PutResult> PutLarge(std::string_view key, TemporaryObject& temporary, const PutOptions& options,
                             PutResult result);
  Status VerifyOnce(int descriptor, const ObjectInfo& info);
  // Makes the tree hold what the journal does.
  Status Publish(const PendingObject& object);
  Status PublishBytes(const ObjectInfo& info, std::string_view bytes);
  Result<bool> Replay(const JournalRecord& record);
  Result<bool> ReplayLarge(const JournalRecord& record);

  const LocalStoreOptions options_;
  const fs::path private_folder_;
  const Clock& clock_;
  const FileDescriptor lock_;
  LocalTree tree_;
  VerifiedFiles verified_;
  std::array<Mutex, kKeyLocks> key_locks_;
  std::atomic<uint64_t> next_number_{1};
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<PendingObjects> pending_;
};

Result<LocalStore::Found> LocalStore::CheckConditions(std::string_view key, const PutOptions& options) const {
  bool exists = false;
  std::string etag;
  const auto pending = pending_->Find(key);
  if (pending != nullptr) {
    exists = pending->exists;
    etag = pending->info.etag;
  } else if (options.if_match) {
    LH_ASSIGN(const FileDescriptor file, tree_.Open(key));
    bool has_checksum = false;
    exists = file.valid();
    if (exists) etag = InfoOf(key, file.get(), has_checksum).etag;
  } else {
    exists = tree_.Has(key);
  }
  if (options.if_none_match && exists) {
    return Fail(ErrorKind::kPreconditionFailed, "an object with this key exists already");
  }
  if (options.if_match && (!exists || etag != *options.if_match)) {
    return Fail(ErrorKind::kPreconditionFailed, "the object's ETag is not the one in If-Match");
  }
  return Found{exists, exists || pending != nullptr};
}

Status LocalStore::Receive(const RequestContext& context, ByteSource& body, const PutOptions& options,
                           std::string& small, std::optional<TemporaryObject>& temporary, ObjectInfo& info) {
  Xxh3_128 hash;
  std::string piece(std::min<uint64_t>(kCopyBytes, options.size.value_or(kCopyBytes) + 1), '\0');
  if (options.may_keep_file && options.size > options_.journal_body_bytes) {
    if (auto kept = TemporaryObject::Keep(private_folder_, NextNumber(), body)) temporary.emplace(std::move(*kept));
  }
  const bool keeps_file = temporary.has_value();
  while (true) {
    LH_TRY(context.Check("storing an object"));
    LH_ASSIGN(const size_t taken, body.Read(piece));
    if (taken == 0) break;
    info.size += taken;
    if (options.max_size && info.size > *options.max_size) {
      return Fail(ErrorKind::kTooLarge, "the body is larger than the limit of {} bytes", *options.max_size);
    }
    hash.Update({piece.data(), taken});
    if (keeps_file) continue;
    if (!temporary && info.size <= options_.journal_body_bytes) {
      small.append(piece.data(), taken);
      continue;
    }
    if (!temporary) {
      LH_ASSIGN(auto made, TemporaryObject::Make(private_folder_, NextNumber()));
      temporary.emplace(std::move(made));
      LH_TRY(WriteFully(temporary->descriptor(), small));
    }
    LH_TRY(WriteFully(temporary->descriptor(), {piece.data(), taken}));
  }
  if (options.size && *options.size != info.size) {
    return Fail(ErrorKind::kInvalid, "the body has {} bytes where {} were announced", info.size, *options.size);
  }
  info.etag = hash.FinishHex();
  return {};
}

Result<PutResult> LocalStore::Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                  const PutOptions& options) {
  PutResult result;
  result.info.key = key;
  result.info.content_type = options.content_type.substr(0, kMaxContentTypeBytes);
  result.info.last_modified = clock_.Now();
  std::string small;
  std::optional<TemporaryObject> temporary;
  LH_TRY(Receive(context, body, options, small, temporary, result.info));
  if (temporary) return PutLarge(key, *temporary, options, std::move(result));
  return PutSmall(key, small, options, std::move(result));
}

Result<PutResult> LocalStore::PutSmall(std::string_view key, std::string_view bytes, const PutOptions& options,
                                       PutResult result) {
  // While the tree takes nothing (a full disk), the journal is kept for the deletes that make room.
  LH_TRY(pending_->Trouble());
  LH_TRY(tree_.CheckLength(key));
  MutexLock lock(LockOf(key));
  LH_ASSIGN(const Found found, CheckConditions(key, options));
  result.created = !found.exists;
  LH_ASSIGN(auto entry,
            journal_->Append({JournalRecord::Kind::kPut, key, result.info.etag, result.info.content_type, bytes}));
  pending_->Add({result.info, true, !found.in_tree, std::move(entry)});
  return result;
}

Result<PutResult> LocalStore::PutLarge(std::string_view key, TemporaryObject& temporary, const PutOptions& options,
                                       PutResult result) {
  LH_TRY(WriteAttributes(temporary.descriptor(), result.info));
  if (::fsync(temporary.descriptor()) != 0) return Fail(ErrnoError(errno, "cannot sync an object"));
  MutexLock lock(LockOf(key));
  LH_ASSIGN(const Found found, CheckConditions(key, options));
  result.created = !found.exists;
  const std::string name = temporary.path().filename();
  LH_ASSIGN(const auto entry,
            journal_->Append({JournalRecord::Kind::kLarge, key, result.info.etag, result.info.content_type, name}));
  PendingObjects::Hold hold(*pending_, key);
  LH_TRY(tree_.Publish(temporary.path(), key, true));
  temporary.Published();
  hold.Replaced();
  return result;
}

Status LocalStore::Publish(const PendingObject& object) {
  if (!object.exists) {
    LH_TRY(tree_.Remove(object.info.key));
    return {};
  }
  LH_ASSIGN(const std::string bytes, ReadPending(object));
  if (object.fresh) {
    LH_ASSIGN(const bool published,
              tree_.PublishNew(object.info.key, [&](int file) { return FillFile(file, object.info, bytes); }));
    if (published) return {};
  }
  return PublishBytes(object.info, bytes);
}

Status LocalStore::PublishBytes(const ObjectInfo& info, std::string_view bytes) {
  LH_ASSIGN(auto temporary, TemporaryObject::Make(private_folder_, NextNumber()));
  LH_TRY(FillFile(temporary.descriptor(), info, bytes));
  LH_TRY(tree_.Publish(temporary.path(), info.key, false));
  temporary.Published();
  return {};
}

Status LocalStore::VerifyOnce(int descriptor, const ObjectInfo& info) {
  struct stat stat = {};
  ::fstat(descriptor, &stat);
  if (verified_.Contains(stat, info.etag)) return {};
  FileSource source(descriptor, 0, info.size);
  Xxh3_128 hash;
  std::string piece(kCopyBytes, '\0');
  while (true) {
    LH_ASSIGN(const size_t taken, source.Read(piece));
    if (taken == 0) break;
    hash.Update({piece.data(), taken});
  }
  if (hash.FinishHex() != info.etag) return Fail(Damaged(info.key));
  verified_.Insert(stat, info.etag);
  return {};
}

Error NoObject(std::string_view key) {
  return Error{ErrorKind::kNotFound, fmt::format("no object has the key \"{}\"", key), {}, {}};
}

// Where the bytes asked for begin, and how many they are.
Result<std::pair<uint64_t, uint64_t>> CheckGet(const ObjectInfo& info, const GetOptions& options) {
  if (options.if_match && *options.if_match != info.etag) {
    return Fail(ErrorKind::kPreconditionFailed, "the object's ETag is not the one in If-Match");
  }
  if (!options.range) return std::pair<uint64_t, uint64_t>(0, info.size);
  const uint64_t offset = options.range->offset;
  if (offset >= info.size)
    return Fail(ErrorKind::kRangeNotSatisfiable, "the range lies outside the object's {} bytes", info.size);
  return std::pair(offset, std::min(options.range->length.value_or(info.size), info.size - offset));
}

Result<std::unique_ptr<ObjectReader>> LocalStore::Get(const RequestContext& context, std::string_view key,
                                                      const GetOptions& options) {
  LH_TRY(context.Check("reading an object"));
  if (const auto pending = pending_->Find(key)) {
    if (!pending->exists) return Fail(NoObject(key));
    LH_ASSIGN(const auto part, CheckGet(pending->info, options));
    LH_ASSIGN(std::string bytes, ReadPending(*pending));
    return std::make_unique<MemoryReader>(pending->info, std::make_shared<const std::string>(std::move(bytes)),
                                          part.first, part.second);
  }
  LH_ASSIGN(FileDescriptor file, tree_.Open(key));
  if (!file.valid()) return Fail(NoObject(key));
  bool has_checksum = false;
  ObjectInfo info = InfoOf(key, file.get(), has_checksum);
  LH_ASSIGN(const auto part, CheckGet(info, options));
  if (!options.range && has_checksum) LH_TRY(VerifyOnce(file.get(), info));
  return std::make_unique<LocalReader>(std::move(file), std::move(info), part.first, part.second);
}

Result<ObjectInfo> LocalStore::Head(const RequestContext& context, std::string_view key) {
  LH_TRY(context.Check("looking up an object"));
  if (const auto pending = pending_->Find(key)) {
    if (!pending->exists) return Fail(NoObject(key));
    return pending->info;
  }
  LH_ASSIGN(const FileDescriptor file, tree_.Open(key));
  if (!file.valid()) return Fail(NoObject(key));
  bool has_checksum = false;
  return InfoOf(key, file.get(), has_checksum);
}

// What is pending is looked at before the tree: what leaves it meanwhile is in the tree already.
Result<ListPage> LocalStore::List(const RequestContext& context, const ListOptions& options) {
  PageBuilder page(options);
  const auto pending = pending_->List(page.first_key(), options.prefix);
  auto next = pending.begin();
  bool full = false;
  const auto add_pending_below = [&](const std::string* key) {
    for (; !full && next != pending.end() && (key == nullptr || (*next)->info.key < *key); ++next) {
      if ((*next)->exists) full = !page.Add((*next)->info);
    }
  };
  Status status;
  LH_TRY(tree_.Walk(page.first_key(), options.prefix, [&](const std::string& key, int descriptor) {
    status = context.Check("listing objects");
    if (!status) return false;
    add_pending_below(&key);
    bool has_checksum = false;
    if (!full && (next == pending.end() || (*next)->info.key != key))
      full = !page.Add(InfoOf(key, descriptor, has_checksum));
    return !full;
  }));
  if (!status) return Fail(status.error());
  add_pending_below(nullptr);
  return page.Finish();
}

Status LocalStore::Delete(const RequestContext& context, std::string_view key) {
  LH_TRY(context.Check("removing an object"));
  MutexLock lock(LockOf(key));
  LH_ASSIGN(const Found found, CheckConditions(key, {}));
  if (!found.exists) return {};
  LH_ASSIGN(auto entry, journal_->Append({JournalRecord::Kind::kDelete, key, {}, {}, {}}));
  ObjectInfo info;
  info.key = key;
  pending_->Add({std::move(info), false, false, std::move(entry)});
  return {};
}

Result<bool> LocalStore::ReplayLarge(const JournalRecord& record) {
  const fs::path temporary = private_folder_ / record.bytes;
  const FileDescriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const auto attributes = file.valid() ? ReadAttributes(file.get()) : std::nullopt;
  if (attributes && attributes->etag == record.etag) {
    LH_TRY(tree_.Publish(temporary, record.key, false));
    return true;
  }
  LH_ASSIGN(const FileDescriptor current, tree_.Open(record.key));
  if (!current.valid()) return false;
  // Without attributes nobody can tell whether it is this object, so it stays.
  const auto published = ReadAttributes(current.get());
  return !published || published->etag == record.etag;
}

Result<bool> LocalStore::Replay(const JournalRecord& record) {
  if (record.kind == JournalRecord::Kind::kDelete) {
    LH_TRY(tree_.Remove(record.key));
    return true;
  }
  if (record.kind == JournalRecord::Kind::kLarge) return ReplayLarge(record);
  ObjectInfo info;
  info.key = record.key;
  info.etag = record.etag;
  info.content_type = record.content_type;
  info.last_modified = clock_.Now();
  // Written again even where it seems to be there: what is read may be in memory alone, lost to the disk.
  LH_ASSIGN(const FileDescriptor current, tree_.Open(record.key));
  if (current.valid()) {
    bool has_checksum = false;
    const ObjectInfo there = InfoOf(record.key, current.get(), has_checksum);
    if (there.size == record.bytes.size() && there.etag == record.etag) info.last_modified = there.last_modified;
  }
  LH_TRY(PublishBytes(info, record.bytes));
  return true;
}

Result<FileDescriptor> LockRoot(const fs::path& root) {
  std::error_code error;
  fs::create_directories(root / kPrivateFolder, error);
  if (error) return Fail(ErrnoError(error.value(), fmt::format("cannot make the store's folder {}", root.string())));
  const fs::path path = root / kPrivateFolder / "lock";
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid())
    return Fail(ErrnoError(errno, fmt::format("cannot write to the store's folder {}", root.string())));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const ssize_t size = ::pread(file.get(), owner, sizeof(owner) - 1, 0);
    return Fail(ErrorKind::kConflict, "the store {} is in use by process {}: only one may serve it at a time",
                root.string(), size > 0 ? std::string_view(owner, static_cast<size_t>(size)) : "(unknown)");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(file.get(), 0) != 0) return Fail(ErrnoError(errno, "cannot write the store's lock file"));
  LH_TRY(WriteFullyAt(file.get(), pid, 0));
  return file;
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> OpenLocalStore(const LocalStoreOptions& options, const Clock& clock) {
  LH_ASSIGN(FileDescriptor lock, LockRoot(options.root));
  auto store = std::make_unique<LocalStore>(options, clock, std::move(lock));
  LH_TRY(store->OpenJournal());
  return store;
}

}  // namespace lakehouse::object
