// The keys of a running process: what the store holds, told to Access every moment, and what administrators do with
// them. Thread-safe. REQUIRES: what is handed in outlives it; contexts are the role's own (internal) where the store is
// another process.
#pragma once

#include <chrono>
#include <string_view>
#include <thread>
#include <vector>

#include "auth/access.h"
#include "auth/key_store.h"
#include "base/log.h"
#include "base/mutex.h"

namespace lakehouse::auth {

class Keys {
 public:
  struct Options {
    std::chrono::milliseconds refresh_every{2000};
  };
  // Starts to read the keys, and goes on in a thread of its own until it is destroyed.
  Keys(object::ObjectStore& store, Access& access, Options options, const Clock& clock, const Logger& log);
  ~Keys();
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  // How many keys there are that open something; waits for the first answer of the store until the deadline.
  Result<size_t> CountUsable(Deadline deadline) LH_EXCLUDES(mutex_);
  // kUnavailable until the store has answered once.
  Status Ready() const LH_EXCLUDES(mutex_);

  // As KeyStore's; what changes counts in this process at once.
  Result<CreatedKey> Create(const RequestContext& context, const KeyRequest& request);
  Result<std::vector<KeyRecord>> List(const RequestContext& context);
  Status Revoke(const RequestContext& context, std::string_view id);

 private:
  Status Refresh(const RequestContext& context) LH_EXCLUDES(mutex_, refresh_mutex_);
  void Run(const std::stop_token& stop) LH_EXCLUDES(mutex_);

  KeyStore store_;
  Access& access_;
  const Options options_;
  const Clock& clock_;
  const Logger& log_;
  Mutex refresh_mutex_;  // one listing at a time: an older one must not overtake a newer
  mutable Mutex mutex_;
  CondVar changed_;
  bool loaded_ LH_GUARDED_BY(mutex_) = false;
  size_t usable_ LH_GUARDED_BY(mutex_) = 0;
  std::string reason_ LH_GUARDED_BY(mutex_) = "they are being read";
  std::jthread thread_;
};

}  // namespace lakehouse::auth
