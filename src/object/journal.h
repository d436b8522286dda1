// The local store's journal: small objects and deletes become durable here, many writers to one fdatasync, before they
// come into the folder tree. After a crash the journal says what the tree must hold. Byte layout: docs/formats.md.
//
// Thread-safe. It is a run of segments, each a file. Writers fill the newest; a thread of the journal's own makes the
// tree durable and so frees the oldest, while writers go on in the others: they wait only when all are taken, which
// bounds the journal and what is pending. Files are overwritten in place: a sync of blocks that a file already has is
// the cheapest there is.
//
// What could not be made durable does not count: the next segment says so durably before its writers are answered, or,
// where that fails too, they are answered kAmbiguous. A file whose sync failed is never written to again, since the
// kernel may have dropped what it could not write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"
#include "object/journal_format.h"

namespace lakehouse::object {

struct JournalOptions {
  uint64_t segment_bytes = uint64_t{8} << 20;  // of records; then the next segment's turn
  uint64_t segment_records = 1 << 12;
  size_t most_segments = 16;
  // Makes a descriptor's data durable: 0, or -1 and errno. fdatasync unless a test has another.
  std::function<int(int)> sync;
};

class Journal {
 private:
  struct Segment;

 public:
  // What a journal needs of the tree it protects.
  struct Tree {
    // Makes the tree hold what the record says. Called at Open only, for the last record of each key. False: the record
    // came to nothing (kLarge whose file never got its place), so the one before it counts.
    std::function<Result<bool>(const JournalRecord&)> replay;
    // Makes durable all that the tree holds. After an error nobody knows what of it is: nothing is freed any more, and
    // the next Open replays.
    std::function<Status()> settle;
    // A segment is wanted whose entries live: asks their owner to end them soon. An error says why it cannot.
    std::function<Status()> hurry;
  };

  // Opens or makes the segments in `folder` and replays what they hold into the tree.
  static Result<std::unique_ptr<Journal>> Open(const std::filesystem::path& folder, Tree tree,
                                               JournalOptions options = {});
  // Settles the tree, so that the next Open has nothing to replay. REQUIRES: no entry lives.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // A durable record whose object may not be in the tree yet; while it lives its segment is not overwritten.
  class Entry {
   public:
    Entry(Entry&& other) noexcept
        : journal_(std::exchange(other.journal_, nullptr)),
          segment_(other.segment_),
          at_(other.at_),
          size_(other.size_) {}
    Entry& operator=(Entry&&) = delete;
    ~Entry() {
      if (journal_ != nullptr) journal_->Release(*segment_);
    }
    // The `bytes` of the record.
    Result<std::string> ReadBytes() const;

   private:
    friend class Journal;
    Entry(Journal* journal, Segment* segment, uint64_t at, uint64_t size)
        : journal_(journal), segment_(segment), at_(at), size_(size) {}
    Journal* journal_;
    Segment* segment_;
    uint64_t at_, size_;
  };

  // Returns once the record is durable. On an error (kExhausted: full disk) the record does not count; kAmbiguous:
  // whether it does shows after the next Open.
  Result<Entry> Append(const JournalRecord& record);
  // The tree does not hold all: the next Open replays.
  void LeaveForReplay();

 private:
  struct Segment {
    std::filesystem::path path;
    FileDescriptor descriptor;
    uint64_t generation = 0;
    uint64_t size = 0;          // of the file: beyond `end` stand zeros or old records
    uint64_t end = 0;           // where the next record goes
    uint64_t live_entries = 0;  // their objects are on the way into the tree
    uint64_t records = 0;
    bool broken = false;  // a sync failed: not written to again
  };
  using SegmentPointer = std::unique_ptr<Segment>;
  struct Waiter {
    std::string frame;
    uint64_t bytes = 0;  // of the object, at the frame's end
    bool done = false;
    Status status;
    Segment* segment = nullptr;
    uint64_t at = 0;  // where the object's bytes stand
    CondVar woken;    // done, or the next to lead
  };

  Journal(std::filesystem::path folder, Tree tree, JournalOptions options);
  Status OpenFiles() LH_REQUIRES(mutex_);
  Status Replay();
  Result<SegmentPointer> MakeFile(uint64_t number) const;
  // A segment that may be overwritten. Waits for one when all are taken.
  Result<SegmentPointer> TakeFree() LH_REQUIRES(mutex_);
  // Writers go on in another segment, which durably says what does not count. REQUIRES: the caller leads.
  Status StartNext() LH_REQUIRES(mutex_);
  Status MakeRoom() LH_REQUIRES(mutex_);
  void WriteWaiting() LH_REQUIRES(mutex_);
  Status WriteBatch(Segment& segment, const std::vector<Waiter*>& waiters) LH_REQUIRES(mutex_);
  // What became of a batch that failed: the answer to its writers.
  Error AfterFailure(Segment& segment, Error error) LH_REQUIRES(mutex_);
  Status Sync(int descriptor) const;
  // Of the oldest segments, how many the tree may be settled for.
  size_t CountReady() const LH_REQUIRES(mutex_);
  void FreeOldest(size_t count) LH_REQUIRES(mutex_);
  void SettleInTurn();
  void Release(Segment& segment);

  const std::filesystem::path folder_;
  const Tree tree_;
  const JournalOptions options_;
  Mutex mutex_;
  CondVar freed_, ready_;
  // In order of their generations: those whose records matter, the last being written to; those to be overwritten,
  // always the oldest first, so that after a crash the generations without a gap below the newest are what counts.
  std::vector<SegmentPointer> used_ LH_GUARDED_BY(mutex_);
  std::vector<SegmentPointer> free_ LH_GUARDED_BY(mutex_);
  std::vector<JournalCut> cuts_ LH_GUARDED_BY(mutex_);  // of segments in use
  uint64_t generation_ LH_GUARDED_BY(mutex_) = 0;
  uint64_t next_number_ LH_GUARDED_BY(mutex_) = 0;
  bool writing_ LH_GUARDED_BY(mutex_) = false;
  bool wanted_ LH_GUARDED_BY(mutex_) = false;  // a writer waits for a segment
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
  bool left_for_replay_ LH_GUARDED_BY(mutex_) = false;
  Status settled_ LH_GUARDED_BY(mutex_);  // the first error of the tree's settling
  std::vector<Waiter*> waiting_ LH_GUARDED_BY(mutex_);
  std::string batch_;  // the leader's
  std::thread settler_;
};

}  // namespace lakehouse::object
