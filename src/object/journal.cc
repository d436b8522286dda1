#include "object/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>

#include "base/hash.h"

namespace lakehouse::object {
namespace {

constexpr std::string_view kMagic = "LHJRNL01";
constexpr uint64_t kHeaderBytes = 16;                // magic, generation
constexpr uint64_t kFrameBytes = 12;                 // payload size, checksum
constexpr uint64_t kFullBytes = uint64_t{16} << 20;  // of records; the other file's turn
constexpr uint64_t kFullRecords = 1 << 14;
constexpr uint64_t kMostBytes = uint64_t{64} << 20;  // a file may grow to this while the tree takes nothing
constexpr uint64_t kGrowBytes = uint64_t{1} << 20;
constexpr std::chrono::milliseconds kAskAgain{50};
constexpr uint32_t kMaxPayloadBytes = 4 << 20;

template <typename T>
void PutInt(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

template <typename T>
T TakeInt(std::string_view& in) {
  T value{};
  if (in.size() >= sizeof(T)) {
    std::memcpy(&value, in.data(), sizeof(T));
    in.remove_prefix(sizeof(T));
  } else {
    in = {};
  }
  return value;
}

std::string Payload(const JournalRecord& record) {
  std::string payload;
  payload.reserve(32 + record.key.size() + record.bytes.size());
  PutInt(payload, static_cast<uint8_t>(record.kind));
  for (const std::string_view field : {record.key, record.etag, record.content_type}) {
    PutInt(payload, static_cast<uint16_t>(field.size()));
    payload.append(field);
  }
  PutInt(payload, static_cast<uint32_t>(record.bytes.size()));
  payload.append(record.bytes);
  return payload;
}

std::string_view TakeField(std::string_view& in, size_t size) {
  const std::string_view field = in.substr(0, size);
  in.remove_prefix(field.size());
  return field;
}

std::optional<JournalRecord> ParsePayload(std::string_view payload) {
  JournalRecord record;
  const auto kind = TakeInt<uint8_t>(payload);
  if (kind < 1 || kind > 3) return std::nullopt;
  record.kind = static_cast<JournalRecord::Kind>(kind);
  for (std::string_view* field : {&record.key, &record.etag, &record.content_type}) {
    *field = TakeField(payload, TakeInt<uint16_t>(payload));
  }
  const auto size = TakeInt<uint32_t>(payload);
  if (payload.size() != size) return std::nullopt;
  record.bytes = payload;
  return record;
}

// A record of another generation, left in a file that is overwritten in place, must not pass for one of this.
uint64_t Checksum(std::string_view payload, uint64_t generation) {
  return Xxh3(payload) ^ (generation * 0x9E3779B97F4A7C15ULL);
}

void AppendFrame(std::string& batch, std::string_view payload, uint64_t generation) {
  PutInt(batch, static_cast<uint32_t>(payload.size()));
  PutInt(batch, Checksum(payload, generation));
  batch.append(payload);
}

uint64_t GenerationOf(std::string_view file) {
  if (!file.starts_with(kMagic) || file.size() < kHeaderBytes) return 0;
  file.remove_prefix(kMagic.size());
  return TakeInt<uint64_t>(file);
}

std::string Header(uint64_t generation) {
  std::string header(kMagic);
  PutInt(header, generation);
  return header;
}

// Whole records up to the first that is torn or of another generation.
std::vector<JournalRecord> ParseFile(std::string_view file) {
  std::vector<JournalRecord> records;
  const uint64_t generation = GenerationOf(file);
  if (generation == 0) return records;
  file.remove_prefix(kHeaderBytes);
  while (file.size() >= kFrameBytes) {
    const auto size = TakeInt<uint32_t>(file);
    const auto checksum = TakeInt<uint64_t>(file);
    if (size > kMaxPayloadBytes || size > file.size()) break;
    const std::string_view payload = TakeField(file, size);
    if (Checksum(payload, generation) != checksum) break;
    const auto record = ParsePayload(payload);
    if (!record) break;
    records.push_back(*record);
  }
  return records;
}

Result<std::string> ReadWhole(int descriptor) {
  struct stat info = {};
  if (::fstat(descriptor, &info) != 0) return Fail(ErrnoError(errno, "cannot read the journal"));
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  LH_TRY(ReadFullyAt(descriptor, bytes.data(), bytes.size(), 0));
  return bytes;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::Open(const std::filesystem::path& folder, Tree tree) {
  std::unique_ptr<Journal> journal(new Journal(std::move(tree)));
  {
    MutexLock lock(journal->mutex_);
    for (int i = 0; i < 2; ++i) {
      const auto path = folder / fmt::format("journal-{}", i);
      journal->files_[i].descriptor = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      if (!journal->files_[i].descriptor.valid())
        return Fail(ErrnoError(errno, "cannot open the journal " + path.string()));
    }
  }
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0)
    return Fail(ErrnoError(errno, "cannot sync the journal's folder"));
  LH_TRY(journal->Replay());
  return journal;
}

Journal::~Journal() {
  MutexLock lock(mutex_);
  if (generation_ == 0 || left_for_replay_ || !tree_.settle()) return;
  for (const File& file : files_) {
    // A generation is never used again, or records left in the file would pass for those of a later session. Should
    // this fail, the next Open replays what the tree holds already.
    if (WriteFullyAt(file.descriptor.get(), Header(++generation_), 0)) ::fdatasync(file.descriptor.get());
  }
}

Status Journal::Replay() {
  MutexLock lock(mutex_);
  std::string contents[2];
  for (int i = 0; i < 2; ++i) {
    LH_ASSIGN(contents[i], ReadWhole(files_[i].descriptor.get()));
    files_[i].size = contents[i].size();
  }
  const int older = GenerationOf(contents[0]) <= GenerationOf(contents[1]) ? 0 : 1;
  std::map<std::string_view, std::vector<JournalRecord>> by_key;
  for (const int i : {older, 1 - older}) {
    for (const JournalRecord& record : ParseFile(contents[i])) by_key[record.key].push_back(record);
  }
  for (const auto& [key, records] : by_key) {
    for (size_t i = records.size(); i > 0; --i) {
      LH_ASSIGN(const bool counts, tree_.replay(records[i - 1]));
      if (counts) break;
    }
  }
  generation_ = std::max(GenerationOf(contents[0]), GenerationOf(contents[1]));
  if (!by_key.empty()) LH_TRY(tree_.settle());
  return Restart(older);
}

Status Journal::Restart(int file) {
  File& next = files_[file];
  while (next.live_entries > 0 || recycling_) {
    LH_TRY(tree_.hurry());
    released_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kAskAgain);
  }
  if (next.end > 0) LH_TRY(tree_.settle());
  LH_TRY(WriteFullyAt(next.descriptor.get(), Header(generation_ + 1), 0));
  ++generation_;
  next.end = kHeaderBytes;
  next.size = std::max(next.size, next.end);
  next.records = 0;
  active_ = file;
  return {};
}

Result<Journal::Entry> Journal::Append(const JournalRecord& record) {
  Waiter waiter;
  waiter.payload = Payload(record);
  MutexLock lock(mutex_);
  waiting_.push_back(&waiter);
  while (!waiter.done) {
    if (writing_) {
      waiter.woken.Wait(mutex_);
    } else {
      WriteWaiting();
    }
  }
  if (!waiter.status) return Fail(waiter.status.error());
  return Entry(this, waiter.file);
}

// One writer leads: it takes all that waits, and while it syncs the next batch gathers.
void Journal::WriteWaiting() {
  writing_ = true;
  Status status;
  if (files_[active_].end > kFullBytes || files_[active_].records > kFullRecords) {
    status = Restart(1 - active_);
    // Deletes must get through while the tree takes nothing more: they are what makes room in it.
    if (!status && files_[active_].end > kHeaderBytes && files_[active_].end < kMostBytes) status = {};
  }
  const std::vector<Waiter*> batch_waiters = std::move(waiting_);
  waiting_.clear();
  const int file = active_;
  const int descriptor = files_[file].descriptor.get();
  const uint64_t at = files_[file].end;
  const uint64_t generation = generation_;
  uint64_t size = files_[file].size;
  uint64_t end = at;
  if (status) {
    mutex_.unlock();
    std::string bytes;
    for (const Waiter* waiter : batch_waiters) AppendFrame(bytes, waiter->payload, generation);
    end = at + bytes.size();
    // Growing a file costs a sync more than overwriting it does: it grows by zeros for many records to come.
    if (end > size) {
      size = (end / kGrowBytes + 1) * kGrowBytes;
      bytes.resize(size - at);
    }
    status = WriteBatch(descriptor, bytes, at);
    mutex_.lock();
  }
  if (status) {
    files_[file].end = end;
    files_[file].size = size;
    files_[file].live_entries += batch_waiters.size();
    files_[file].records += batch_waiters.size();
  } else {
    // What may stand there of the failed batch must not be taken for a later one's records: begin a new generation.
    files_[file].end = kMostBytes;
  }
  writing_ = false;
  // None of the batch is touched after its lock was let go; the next to lead is one that waits for this one.
  for (Waiter* waiter : batch_waiters) {
    waiter->done = true;
    waiter->status = status;
    waiter->file = file;
    waiter->woken.NotifyOne();
  }
  if (!waiting_.empty()) waiting_.front()->woken.NotifyOne();
}

Status Journal::WriteBatch(int descriptor, const std::string& bytes, uint64_t at) {
  LH_TRY(WriteFullyAt(descriptor, bytes, at));
  if (::fdatasync(descriptor) != 0) return Fail(ErrnoError(errno, "cannot sync the journal"));
  return {};
}

void Journal::Release(int file) {
  MutexLock lock(mutex_);
  if (--files_[file].live_entries == 0) released_.NotifyAll();
}

void Journal::Recycle() {
  MutexLock lock(mutex_);
  File& idle = files_[1 - active_];
  if (idle.end == 0 || idle.live_entries > 0) return;
  recycling_ = true;
  mutex_.unlock();
  const Status settled = tree_.settle();
  mutex_.lock();
  recycling_ = false;
  if (settled) idle.end = 0;
  released_.NotifyAll();
}

void Journal::LeaveForReplay() {
  MutexLock lock(mutex_);
  left_for_replay_ = true;
}

}  // namespace lakehouse::object
