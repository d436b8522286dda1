// SHA-256 beside the work that brings the bytes: of an upload's time the digest would be a good part otherwise.
#pragma once

#include <string_view>
#include <thread>

#include "base/hash.h"
#include "base/mutex.h"

namespace lakehouse::service {

// For one caller at a time.
class HashingThread {
 public:
  HashingThread() : thread_([this] { Run(); }) {}
  ~HashingThread() { Stop(); }
  HashingThread(const HashingThread&) = delete;
  HashingThread& operator=(const HashingThread&) = delete;

  // Returns at once unless the bytes before are still being hashed. REQUIRES: `bytes` stay as they are until the next
  // Update, Finish or the end has returned.
  void Update(std::string_view bytes);
  // REQUIRES: called once, after the last Update.
  Sha256Digest Finish();

 private:
  void Run();
  void Stop();

  Mutex mutex_;
  CondVar changed_;
  std::string_view bytes_ LH_GUARDED_BY(mutex_);  // empty: the thread has nothing to do
  bool stopping_ LH_GUARDED_BY(mutex_) = false;
  Sha256 hash_;
  std::thread thread_;
};

}  // namespace lakehouse::service
