#include "object/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <map>
#include <utility>

namespace lakehouse::object {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMostBytes = uint64_t{64} << 20;  // a segment may grow to this while the tree takes nothing
constexpr uint64_t kGrowBytes = uint64_t{1} << 20;
constexpr std::chrono::milliseconds kAskAgain{50};
// One in so many segments is settled for at a time; fewer only when a writer waits.
constexpr size_t kSettlePart = 4;
constexpr size_t kKeptFiles = 2;  // when the store is closed
constexpr std::string_view kFileName = "journal-";

// The number in a segment's file name.
std::optional<uint64_t> NumberOf(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kFileName)) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data() + kFileName.size(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

// Of all segments' bytes, the records that count, oldest first: those of the newest generation and of the ones below it
// without a gap, but for what was cut off.
std::vector<JournalRecord> WhatCounts(const std::vector<std::string>& segments) {
  std::multimap<uint64_t, std::string_view, std::greater<>> by_generation;
  for (const std::string& segment : segments) {
    if (const uint64_t generation = GenerationOf(segment)) by_generation.emplace(generation, segment);
  }
  std::map<uint64_t, uint64_t> cuts;
  std::vector<std::pair<uint64_t, std::vector<PlacedRecord>>> parsed;
  uint64_t expected = by_generation.empty() ? 0 : by_generation.begin()->first;
  for (const auto& [generation, segment] : by_generation) {
    // A segment that was cut may have lost its file to the disk's trouble; it is no gap.
    while (generation < expected && cuts.contains(expected)) --expected;
    if (generation < expected) break;
    expected = generation - 1;
    parsed.emplace_back(generation, ParseSegment(segment));
    for (const PlacedRecord& placed : parsed.back().second) {
      if (const auto cut = ParseCut(placed.record)) cuts.emplace(cut->generation, cut->at);
    }
  }
  std::vector<JournalRecord> records;
  for (auto segment = parsed.rbegin(); segment != parsed.rend(); ++segment) {
    const auto cut = cuts.find(segment->first);
    for (const PlacedRecord& placed : segment->second) {
      if (cut != cuts.end() && placed.at >= cut->second) break;
      if (placed.record.kind != JournalRecord::Kind::kCut) records.push_back(placed.record);
    }
  }
  return records;
}

}  // namespace

Journal::Journal(fs::path folder, Tree tree, JournalOptions options)
    : folder_(std::move(folder)), tree_(std::move(tree)), options_(std::move(options)) {}

Result<std::unique_ptr<Journal>> Journal::Open(const fs::path& folder, Tree tree, JournalOptions options) {
  std::unique_ptr<Journal> journal(new Journal(folder, std::move(tree), std::move(options)));
  LH_TRY(journal->Replay());
  journal->settler_ = std::thread([raw = journal.get()] { raw->SettleInTurn(); });
  return journal;
}

Journal::~Journal() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    ready_.NotifyAll();
  }
  if (settler_.joinable()) settler_.join();
  MutexLock lock(mutex_);
  if (used_.empty() || used_.back()->broken || left_for_replay_ || !settled_ || !tree_.settle()) return;
  // A generation is left out: nothing below the gap counts. Should this fail, the next Open replays what the tree holds
  // already.
  const Segment& last = *used_.back();
  if (!WriteFullyAt(last.descriptor.get(), JournalHeader(generation_ + 2), 0) || !Sync(last.descriptor.get())) return;
  size_t kept = 1;
  for (const auto* segments : {&free_, &used_}) {
    for (const SegmentPointer& segment : *segments) {
      if (segment.get() != &last && ++kept > kKeptFiles) ::unlink(segment->path.c_str());
    }
  }
}

Result<Journal::SegmentPointer> Journal::MakeFile(uint64_t number) const {
  auto segment = std::make_unique<Segment>();
  segment->path = folder_ / fmt::format("{}{}", kFileName, number);
  segment->descriptor = FileDescriptor(::open(segment->path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct stat info = {};
  if (!segment->descriptor.valid() || ::fstat(segment->descriptor.get(), &info) != 0) {
    return Fail(ErrnoError(errno, "cannot open the journal " + segment->path.string()));
  }
  segment->size = static_cast<uint64_t>(info.st_size);
  return segment;
}

Status Journal::OpenFiles() {
  std::vector<uint64_t> numbers;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(folder_, error)) {
    if (const auto number = NumberOf(file.path())) numbers.push_back(*number);
  }
  if (error) return Fail(ErrnoError(error.value(), "cannot list the journal's folder " + folder_.string()));
  if (numbers.empty()) numbers.push_back(0);
  for (const uint64_t number : numbers) {
    LH_ASSIGN(auto segment, MakeFile(number));
    free_.push_back(std::move(segment));
    next_number_ = std::max(next_number_, number + 1);
  }
  return SyncFolder(folder_, "the journal's folder");
}

Status Journal::Replay() {
  MutexLock lock(mutex_);
  LH_TRY(OpenFiles());
  std::vector<std::string> contents;
  for (const SegmentPointer& segment : free_) {
    std::string bytes(segment->size, '\0');
    LH_TRY(ReadFullyAt(segment->descriptor.get(), bytes.data(), bytes.size(), 0));
    segment->generation = GenerationOf(bytes);
    generation_ = std::max(generation_, segment->generation);
    contents.push_back(std::move(bytes));
  }
  std::map<std::string_view, std::vector<JournalRecord>> by_key;
  for (const JournalRecord& record : WhatCounts(contents)) by_key[record.key].push_back(record);
  for (const auto& [key, records] : by_key) {
    for (size_t i = records.size(); i > 0; --i) {
      LH_ASSIGN(const bool counts, tree_.replay(records[i - 1]));
      if (counts) break;
    }
  }
  if (!by_key.empty()) LH_TRY(tree_.settle());
  std::ranges::sort(free_, {}, &Segment::generation);
  return StartNext();
}

Result<Journal::SegmentPointer> Journal::TakeFree() {
  while (free_.empty()) {
    if (used_.size() < options_.most_segments) {
      LH_ASSIGN(auto made, MakeFile(next_number_++));
      LH_TRY(SyncFolder(folder_, "the journal's folder"));
      return made;
    }
    LH_TRY(settled_);
    LH_TRY(tree_.hurry());
    wanted_ = true;
    ready_.NotifyAll();
    freed_.WaitUntil(mutex_, std::chrono::steady_clock::now() + kAskAgain);
  }
  SegmentPointer oldest = std::move(free_.front());
  free_.erase(free_.begin());
  return oldest;
}

Status Journal::StartNext() {
  LH_ASSIGN(SegmentPointer next, TakeFree());
  const uint64_t generation = generation_ + 1;
  std::string bytes = JournalHeader(generation);
  for (const JournalCut& cut : cuts_) SealFrame(CutFrame(cut), generation, bytes);
  mutex_.unlock();
  // Durable before the first record: records of this generation below the header of an older one would cut that short.
  Status started = WriteFullyAt(next->descriptor.get(), bytes, 0);
  if (started) started = Sync(next->descriptor.get());
  mutex_.lock();
  if (!started) {
    ::unlink(next->path.c_str());
    return started;
  }
  generation_ = next->generation = generation;
  next->end = bytes.size();
  next->size = std::max(next->size, next->end);
  next->records = 0;
  used_.push_back(std::move(next));
  ready_.NotifyAll();
  // What lingers is asked for before a writer has to wait for it. Its trouble is not this writer's.
  if (used_.size() > options_.most_segments / 2) static_cast<void>(tree_.hurry());
  return {};
}

Result<Journal::Entry> Journal::Append(const JournalRecord& record) {
  Waiter waiter;
  waiter.frame = JournalFrame(record);
  waiter.bytes = record.bytes.size();
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
  return Entry(this, waiter.segment, waiter.at, waiter.bytes);
}

Status Journal::MakeRoom() {
  const Segment& active = *used_.back();
  if (!active.broken && active.end <= options_.segment_bytes && active.records <= options_.segment_records) return {};
  const Status started = StartNext();
  // Deletes must get through while the tree takes nothing more: they are what makes room in it.
  if (!started && !active.broken && active.end < kMostBytes) return {};
  return started;
}

// One writer leads: it takes all that waits, and while it syncs the next batch gathers.
void Journal::WriteWaiting() {
  writing_ = true;
  Status status = MakeRoom();
  const std::vector<Waiter*> waiters = std::move(waiting_);
  waiting_.clear();
  if (status) {
    Segment& segment = *used_.back();
    status = WriteBatch(segment, waiters);
    if (!status) status = Fail(AfterFailure(segment, status.error()));
  }
  writing_ = false;
  // None of the batch is touched after its lock was let go; the next to lead is one that waits for this one.
  for (Waiter* waiter : waiters) {
    waiter->done = true;
    waiter->status = status;
    waiter->woken.NotifyOne();
  }
  if (!waiting_.empty()) waiting_.front()->woken.NotifyOne();
}

Status Journal::WriteBatch(Segment& segment, const std::vector<Waiter*>& waiters) {
  const uint64_t at = segment.end;
  const uint64_t old_size = segment.size;
  const int descriptor = segment.descriptor.get();
  mutex_.unlock();
  batch_.clear();
  for (Waiter* waiter : waiters) {
    SealFrame(waiter->frame, segment.generation, batch_);
    waiter->segment = &segment;
    waiter->at = at + batch_.size() - waiter->bytes;
  }
  const uint64_t end = at + batch_.size();
  uint64_t size = old_size;
  // Growing a file costs a sync more than overwriting it does: it grows by zeros for many records to come.
  if (end > size) {
    size = (end / kGrowBytes + 1) * kGrowBytes;
    batch_.resize(size - at);
  }
  const Status written = WriteFullyAt(descriptor, batch_, at);
  Status status = written;
  if (!written) {
    // A full disk: no part of the batch may stay, or it would pass for records when the next has taken its place.
    if (at < old_size) status = WriteFullyAt(descriptor, std::string(std::min(end, old_size) - at, '\0'), at);
    if (::ftruncate(descriptor, static_cast<off_t>(old_size)) != 0) status = written;
  }
  const bool undone = !written && status;
  const Status synced = Sync(descriptor);
  mutex_.lock();
  if (!synced || (!written && !undone)) segment.broken = true;
  LH_TRY(written);
  LH_TRY(synced);
  segment.end = end;
  segment.size = size;
  segment.live_entries += waiters.size();
  segment.records += waiters.size();
  return {};
}

Error Journal::AfterFailure(Segment& segment, Error error) {
  if (!segment.broken) return error;
  cuts_.push_back({segment.generation, segment.end});
  const Status started = StartNext();
  if (started) return error;
  error.kind = ErrorKind::kAmbiguous;
  error.detail += "; whether the change was kept shows when the store is opened again";
  return error;
}

Status Journal::Sync(int descriptor) const {
  const int done = options_.sync ? options_.sync(descriptor) : ::fdatasync(descriptor);
  if (done == 0) return {};
  return Fail(ErrnoError(errno, "cannot sync the journal"));
}

size_t Journal::CountReady() const {
  size_t ready = 0;
  while (ready + 1 < used_.size() && used_[ready]->live_entries == 0) ++ready;
  return ready;
}

void Journal::FreeOldest(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    SegmentPointer& oldest = used_[i];
    std::erase_if(cuts_, [&](const JournalCut& cut) { return cut.generation == oldest->generation; });
    if (oldest->broken) {
      ::unlink(oldest->path.c_str());
    } else {
      free_.push_back(std::move(oldest));
    }
  }
  used_.erase(used_.begin(), used_.begin() + static_cast<std::ptrdiff_t>(count));
}

void Journal::SettleInTurn() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    const size_t ready = CountReady();
    if (ready < (wanted_ ? 1 : std::max<size_t>(1, options_.most_segments / kSettlePart))) {
      ready_.Wait(mutex_);
      continue;
    }
    wanted_ = false;
    mutex_.unlock();
    Status settled = tree_.settle();
    mutex_.lock();
    if (!settled) {
      settled_ = Fail(ErrorKind::kInternal,
                      "the disk did not keep what the store wrote ({}); the journal has it: restart to put it back",
                      settled.error().detail);
      freed_.NotifyAll();
      return;
    }
    FreeOldest(ready);
    freed_.NotifyAll();
  }
}

void Journal::Release(Segment& segment) {
  MutexLock lock(mutex_);
  if (--segment.live_entries == 0) ready_.NotifyAll();
}

void Journal::LeaveForReplay() {
  MutexLock lock(mutex_);
  left_for_replay_ = true;
}

Result<std::string> Journal::Entry::ReadBytes() const {
  std::string bytes(size_, '\0');
  LH_TRY(ReadFullyAt(segment_->descriptor.get(), bytes.data(), bytes.size(), at_));
  return bytes;
}

}  // namespace lakehouse::object
