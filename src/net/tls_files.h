// The certificate and private key that this process shows to its clients: read from their files, and again when those
// change. One for all listeners, so that they change together. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace lakehouse::net {

// PEM texts that fit each other. The certificate may have its chain behind it.
struct TlsPair {
  std::string certificate, key;
  bool operator==(const TlsPair&) const = default;
};

class TlsFiles {
 public:
  // kInvalid in one line for files that cannot be read or do not fit each other, kForbidden for a private key that all
  // of the machine may read. REQUIRES: log and clock outlive it.
  static Result<std::shared_ptr<TlsFiles>> Load(std::string cert_file, std::string key_file, const Logger& log,
                                                const Clock& clock);
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  // The pair in use; another object once it has changed. Looks at the files, once a second at most: a pair that is no
  // good leaves the old one in use and a line in the log.
  std::shared_ptr<const TlsPair> Current() LH_EXCLUDES(mutex_);

 private:
  TlsFiles(std::string cert_file, std::string key_file, const Logger& log, const Clock& clock);
  Result<std::shared_ptr<const TlsPair>> Read() const;
  std::string Fingerprint() const;
  void Refresh() LH_REQUIRES(mutex_);

  const std::string cert_file_, key_file_;
  const Logger& log_;
  const Clock& clock_;
  Mutex mutex_;
  std::shared_ptr<const TlsPair> pair_ LH_GUARDED_BY(mutex_);
  std::string fingerprint_ LH_GUARDED_BY(mutex_);  // of the files as they were looked at last
  MonotonicTime next_look_ LH_GUARDED_BY(mutex_){};
};

// Makes the context show this pair. kInvalid saying which of the two is no good.
Status UsePair(SSL_CTX* context, const TlsPair& pair);

}  // namespace lakehouse::net
