// The local store's journal: small objects and deletes become durable here, many writers to one fdatasync, before they
// come into the folder tree. After a crash the journal says what the tree must hold. Byte layout: docs/formats.md.
//
// Thread-safe. Two files take turns, so that one can be written while the tree catches up with the other. They grow by
// large steps and are overwritten in place: a sync of blocks that the file already has is the cheapest there is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"

namespace lakehouse::object {

struct JournalRecord {
  enum class Kind : uint8_t {
    kPut = 1,     // the object's bytes follow
    kDelete = 2,  // no object has this key
    kLarge = 3,  // the object's bytes, synced before this record, are in the tree or in the temporary file that `bytes`
                 // names
  };
  Kind kind = Kind::kPut;
  std::string_view key;
  std::string_view etag;
  std::string_view content_type;
  std::string_view bytes;
};

class Journal {
 public:
  // What a journal needs of the tree it protects.
  struct Tree {
    // Makes the tree hold what the record says. Called at Open only, for the last record of each key. False: the record
    // came to nothing (kLarge whose file never got its place), so the one before it counts.
    std::function<Result<bool>(const JournalRecord&)> replay;
    // Makes durable all that the tree holds.
    std::function<Status()> settle;
    // A file is wanted whose entries live: asks their owner to end them soon. An error says why it cannot.
    std::function<Status()> hurry;
  };

  // Opens or makes the two files in `folder`, replays what they hold into the tree and empties them.
  static Result<std::unique_ptr<Journal>> Open(const std::filesystem::path& folder, Tree tree);
  // Settles the tree, so that the next Open has nothing to replay. REQUIRES: no entry lives.
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // A durable record whose object may not be in the tree yet; while it lives its file is not overwritten.
  class Entry {
   public:
    Entry(Journal* journal, int file) : journal_(journal), file_(file) {}
    Entry(Entry&& other) noexcept : journal_(other.journal_), file_(other.file_) { other.journal_ = nullptr; }
    Entry& operator=(Entry&&) = delete;
    ~Entry() {
      if (journal_ != nullptr) journal_->Release(file_);
    }

   private:
    Journal* journal_;
    int file_;
  };

  // Returns once the record is durable. On an error (kExhausted: full disk) the record does not count.
  Result<Entry> Append(const JournalRecord& record);
  // Prepares the file that is not written to for its next turn, if its entries have ended: a sync of the tree that no
  // writer has to wait for then.
  void Recycle();
  // The tree does not hold all: the next Open replays.
  void LeaveForReplay();

 private:
  struct Waiter {
    std::string payload;
    bool done = false;
    Status status;
    int file = 0;
    CondVar woken;  // done, or the next to lead
  };
  struct File {
    FileDescriptor descriptor;
    uint64_t size = 0;          // of the file: beyond `end` stand zeros or old records
    uint64_t end = 0;           // where the next record goes; 0: nothing in it matters any more
    uint64_t live_entries = 0;  // their objects are on the way into the tree
    uint64_t records = 0;
  };

  explicit Journal(Tree tree) : tree_(std::move(tree)) {}
  Status Replay();
  // Starts `file` anew with the next generation, once the tree holds durably all that it told of.
  Status Restart(int file) LH_REQUIRES(mutex_);
  void WriteWaiting() LH_REQUIRES(mutex_);
  static Status WriteBatch(int descriptor, const std::string& bytes, uint64_t at);
  void Release(int file);

  const Tree tree_;
  Mutex mutex_;
  CondVar released_;
  File files_[2] LH_GUARDED_BY(mutex_);
  int active_ LH_GUARDED_BY(mutex_) = 0;
  uint64_t generation_ LH_GUARDED_BY(mutex_) = 0;
  bool writing_ LH_GUARDED_BY(mutex_) = false;
  bool recycling_ LH_GUARDED_BY(mutex_) = false;
  bool left_for_replay_ LH_GUARDED_BY(mutex_) = false;
  std::vector<Waiter*> waiting_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::object
