// Objects that are durable in the journal but not in the folder tree yet. Readers look here first; a thread brings them
// into the tree a moment later, many at once, of a key only what came last. While an object is here, its journal record
// stays, and the bytes are read from there: the journal's bound on segments is the bound on what is here.
//
// Thread-safe. Callers serialise changes of one key, and append to the journal before they Add.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "object/journal.h"
#include "object/object_store.h"

namespace lakehouse::object {

struct PendingObject {
  ObjectInfo info;
  bool exists = true;    // false: there is no object of this key
  bool fresh = false;    // the tree had no object of this key when this one came
  Journal::Entry entry;  // has the bytes: memory does not grow with what is pending
};

class PendingObjects {
 public:
  // Makes the tree hold what the object says. Called by one thread.
  using Publish = std::function<Status(const PendingObject&)>;

  // `linger`: how long an object waits for others. REQUIRES: the journal outlives this.
  PendingObjects(Journal& journal, std::chrono::milliseconds linger, Publish publish);
  // Brings the rest into the tree; what cannot be stays in the journal for the next Open.
  ~PendingObjects();
  PendingObjects(const PendingObjects&) = delete;
  PendingObjects& operator=(const PendingObjects&) = delete;

  void Add(PendingObject object);
  // Nothing when the tree knows best.
  std::shared_ptr<const PendingObject> Find(std::string_view key) const;
  // In byte order, those whose key is not below `from` and begins with `prefix`.
  std::vector<std::shared_ptr<const PendingObject>> List(std::string_view from, std::string_view prefix) const;

  // Why the tree does not take what is here (a full disk); no error while it does.
  Status Trouble() const;
  // Lingering ends. The same answer.
  Status Hurry();

  // While it lives, the thread leaves a key alone: the caller puts something newer into the tree itself.
  class Hold {
   public:
    Hold(PendingObjects& pending, std::string_view key);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    // The tree knows best now.
    void Replaced();

   private:
    PendingObjects& pending_;
    const std::string key_;
  };

 private:
  using Pointer = std::shared_ptr<const PendingObject>;
  struct Place {
    Pointer object;
    uint64_t age = 0;
  };

  void Run();
  // One go over what is here; the first trouble met, if any.
  Status PublishAll() LH_REQUIRES(mutex_);
  Pointer Take(std::string_view key) LH_REQUIRES(mutex_);

  Journal& journal_;
  const std::chrono::milliseconds linger_;
  const Publish publish_;
  mutable Mutex mutex_;
  CondVar work_, published_;
  std::map<std::string, Place, std::less<>> by_key_ LH_GUARDED_BY(mutex_);
  std::map<uint64_t, Pointer> by_age_ LH_GUARDED_BY(mutex_);
  std::multiset<std::string, std::less<>> held_ LH_GUARDED_BY(mutex_);
  std::string publishing_ LH_GUARDED_BY(mutex_);  // the key that the thread is at
  uint64_t last_age_ LH_GUARDED_BY(mutex_) = 0;
  Status trouble_ LH_GUARDED_BY(mutex_);
  bool hurried_ LH_GUARDED_BY(mutex_) = false;
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lakehouse::object
