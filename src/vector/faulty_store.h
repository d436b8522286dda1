// For tests: a store in memory whose next PUTs go wrong as told. Thread-safe.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "object/forwarding_store.h"
#include "object/memory_store.h"

namespace lakehouse::vector {

enum class PutFault {
  kNone,
  kRefused,     // not stored, and said so
  kLostBefore,  // not stored; the answer never came
  kLostAfter,   // stored; the answer never came
  kAmbiguous,   // stored; the store does not know
  kDelayed,     // the answer never came; stored by Deliver, if its condition holds then
};

class FaultyStore final : public object::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  // What becomes of the next PUTs, one after another; then nothing goes wrong.
  void Plan(std::vector<PutFault> faults) {
    const MutexLock lock(mutex_);
    faults_.assign(faults.begin(), faults.end());
  }
  // PUTs that were delayed arrive now.
  void Deliver() {
    std::vector<Delayed> delayed;
    {
      const MutexLock lock(mutex_);
      delayed.swap(delayed_);
    }
    for (const Delayed& put : delayed) (void)object::PutWhole(inner(), {}, put.key, put.bytes, put.options);
  }
  size_t puts() const {
    const MutexLock lock(mutex_);
    return puts_;
  }

  Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const object::PutOptions& options) override {
    PutFault fault = PutFault::kNone;
    {
      const MutexLock lock(mutex_);
      ++puts_;
      if (!faults_.empty()) {
        fault = faults_.front();
        faults_.pop_front();
      }
    }
    if (fault == PutFault::kRefused) return Fail(ErrorKind::kExhausted, "the disk is full");
    if (fault == PutFault::kLostBefore) return Fail(ErrorKind::kDeadline, "no answer");
    if (fault == PutFault::kDelayed) {
      LH_ASSIGN(std::string bytes, ReadAll(body, uint64_t{1} << 30));
      const MutexLock lock(mutex_);
      delayed_.push_back({std::string(key), std::move(bytes), options});
      return Fail(ErrorKind::kDeadline, "no answer");
    }
    auto put = inner().Put(context, key, body, options);
    if (!put) return put;
    if (fault == PutFault::kLostAfter) return Fail(ErrorKind::kDeadline, "no answer");
    if (fault == PutFault::kAmbiguous) return Fail(ErrorKind::kAmbiguous, "it may have happened");
    return put;
  }

 private:
  struct Delayed {
    std::string key, bytes;
    object::PutOptions options;
  };
  mutable Mutex mutex_;
  std::deque<PutFault> faults_ LH_GUARDED_BY(mutex_);
  std::vector<Delayed> delayed_ LH_GUARDED_BY(mutex_);
  size_t puts_ LH_GUARDED_BY(mutex_) = 0;
};

}  // namespace lakehouse::vector
