// Connections to one upstream: made under a deadline, kept when idle. Private to http/.
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "http/proxy.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace lakehouse::http {

// One connection, plain or TLS, used by one thread at a time; Abort may come from any thread.
class UpstreamConnection {
 public:
  UpstreamConnection(FileDescriptor socket, SSL* tls);
  ~UpstreamConnection();
  UpstreamConnection(const UpstreamConnection&) = delete;
  UpstreamConnection& operator=(const UpstreamConnection&) = delete;

  // All of the pieces, used up. kUpstream when the connection is broken or takes nothing for `stall`.
  Status Send(std::span<iovec> pieces, std::chrono::milliseconds stall);
  // Some bytes; 0 at a clean end. kUpstream when broken, kDeadline when none came in time.
  Result<size_t> Receive(std::span<char> out, Deadline deadline);
  // Whether bytes (or the end) wait to be received.
  bool HasInput();
  // Ends every wait of the other two.
  void Abort();

  std::vector<char> buffer;  // lent to whoever uses the connection
  bool reused = false;       // has answered a request before

 private:
  Status SendTls(std::span<iovec> pieces, std::chrono::milliseconds stall);
  Result<size_t> ReceiveTls(std::span<char> out, Deadline deadline);

  FileDescriptor socket_;
  SSL* tls_;
};

class UpstreamPool {
 public:
  UpstreamPool(UpstreamUrl url, ProxyOptions options);
  ~UpstreamPool();
  UpstreamPool(const UpstreamPool&) = delete;
  UpstreamPool& operator=(const UpstreamPool&) = delete;

  // One that was kept and is still open, else a new one. kUnavailable when the upstream is not reached.
  Result<std::unique_ptr<UpstreamConnection>> Take(Deadline deadline) LH_EXCLUDES(mutex_);
  Result<std::unique_ptr<UpstreamConnection>> Connect(Deadline deadline);
  void Keep(std::unique_ptr<UpstreamConnection> connection) LH_EXCLUDES(mutex_);

  const UpstreamUrl& url() const { return url_; }
  const ProxyOptions& options() const { return options_; }
  // Reached over the network, where a role may not know the name or address that others have for it.
  bool is_remote() const { return is_remote_; }

 private:
  Result<SSL*> StartTls(int socket, Deadline deadline);

  const UpstreamUrl url_;
  const ProxyOptions options_;
  const bool is_remote_;
  SSL_CTX* tls_ = nullptr;
  Mutex mutex_;
  // The one used last is used first: the others get old, and are dropped by the upstream.
  std::vector<std::unique_ptr<UpstreamConnection>> idle_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::http
