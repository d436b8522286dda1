#include "http/proxy_upstream.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "http/connection_socket.h"
#include "http/server_access.h"
#include "http/try_again.h"

namespace lakehouse::http {

namespace {

using std::chrono::milliseconds;

// How often a blocked call looks at its deadline.
constexpr milliseconds kTick{200};
constexpr size_t kUpstreamBuffer = 64 << 10;

std::unexpected<Error> UpstreamBroke() { return Fail(ErrorKind::kUpstream, "the connection to the upstream broke"); }
std::unexpected<Error> Late() { return Fail(ErrorKind::kDeadline, "the upstream did not answer in time"); }

// Connects within the deadline; an invalid descriptor when that fails.
FileDescriptor ConnectTo(const addrinfo& address, Deadline deadline) {
  FileDescriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return {};
  // The send tick bounds connect(2) too.
  const milliseconds patience = std::clamp(deadline.Remaining(), milliseconds(1), milliseconds(60000));
  SetUpSocket(socket.get(), kTick, patience);
  if (connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) return {};
  SetUpSocket(socket.get(), kTick, kTick);
  return socket;
}

}  // namespace

UpstreamConnection::UpstreamConnection(FileDescriptor socket, SSL* tls)
    : buffer(kUpstreamBuffer), socket_(std::move(socket)), tls_(tls) {}

UpstreamConnection::~UpstreamConnection() {
  if (tls_ != nullptr) SSL_free(tls_);
}

void UpstreamConnection::Abort() { shutdown(socket_.get(), SHUT_RDWR); }

bool UpstreamConnection::HasInput() {
  for (;;) {
    if (tls_ != nullptr && SSL_pending(tls_) > 0) return true;
    pollfd look{socket_.get(), POLLIN, 0};
    if (poll(&look, 1, 0) == 0) return false;
    if (tls_ == nullptr) return true;
    // What came may be of TLS's own, as the tickets that follow a handshake: no answer, and no goodbye.
    char byte = 0;
    size_t got = 0;
    ERR_clear_error();
    if (SSL_peek_ex(tls_, &byte, 1, &got) == 1 || SSL_get_error(tls_, 0) != SSL_ERROR_WANT_READ) return true;
  }
}

Status UpstreamConnection::Send(std::span<iovec> pieces, milliseconds stall) {
  if (tls_ != nullptr) return SendTls(pieces, stall);
  if (SendAll({socket_.get()}, pieces, 0, stall)) return {};
  return UpstreamBroke();
}

Result<size_t> UpstreamConnection::Receive(std::span<char> out, Deadline deadline) {
  if (tls_ != nullptr) return ReceiveTls(out, deadline);
  for (;;) {
    const ssize_t got = recv(socket_.get(), out.data(), out.size(), 0);
    if (got >= 0) return static_cast<size_t>(got);
    if (!MayTryAgain(errno)) return UpstreamBroke();
    if (deadline.HasPassed()) return Late();
  }
}

Status UpstreamConnection::SendTls(std::span<iovec> pieces, milliseconds stall) {
  for (const iovec& piece : pieces) {
    const Deadline patience = Deadline::After(stall);
    size_t sent = 0;
    ERR_clear_error();
    while (piece.iov_len > 0 && SSL_write_ex(tls_, piece.iov_base, piece.iov_len, &sent) != 1) {
      const int error = SSL_get_error(tls_, 0);
      if ((error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) || patience.HasPassed())
        return UpstreamBroke();
    }
  }
  return {};
}

Result<size_t> UpstreamConnection::ReceiveTls(std::span<char> out, Deadline deadline) {
  size_t got = 0;
  ERR_clear_error();
  while (SSL_read_ex(tls_, out.data(), out.size(), &got) != 1) {
    switch (SSL_get_error(tls_, 0)) {
      case SSL_ERROR_ZERO_RETURN:
        return size_t{0};
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        break;
      default:
        return UpstreamBroke();
    }
    if (deadline.HasPassed()) return Late();
  }
  return got;
}

UpstreamPool::UpstreamPool(UpstreamUrl url, ProxyOptions options)
    : url_(std::move(url)), options_(std::move(options)), is_remote_(!IsLoopback(url_.host)) {
  if (!url_.tls) return;
  tls_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_default_verify_paths(tls_);
  // A file that cannot be read trusts nobody more; connecting says so.
  if (!options_.ca_file.empty()) SSL_CTX_load_verify_locations(tls_, options_.ca_file.c_str(), nullptr);
  SSL_CTX_set_verify(tls_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(tls_, TLS1_2_VERSION);
}

UpstreamPool::~UpstreamPool() {
  if (tls_ != nullptr) SSL_CTX_free(tls_);
}

Result<SSL*> UpstreamPool::StartTls(int socket, Deadline deadline) {
  std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(tls_), SSL_free);
  if (tls == nullptr) return Fail(ErrorKind::kInternal, "no memory for a TLS connection");
  SSL_set_fd(tls.get(), socket);
  // A record without an answer in it ends a call: HasInput must not wait for the next.
  SSL_clear_mode(tls.get(), SSL_MODE_AUTO_RETRY);
  // An address is checked against the certificate's addresses; it has no name to announce.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), url_.host.c_str()) != 1) {
    SSL_set_tlsext_host_name(tls.get(), url_.host.c_str());
    SSL_set1_host(tls.get(), url_.host.c_str());
  }
  ERR_clear_error();
  int done;
  while ((done = SSL_connect(tls.get())) != 1) {
    const int error = SSL_get_error(tls.get(), done);
    if ((error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) || deadline.HasPassed()) {
      return Fail(ErrorKind::kUpstream, "no TLS connection to {} (is its certificate trusted here?)", url_.authority);
    }
  }
  return tls.release();
}

Result<std::unique_ptr<UpstreamConnection>> UpstreamPool::Connect(Deadline deadline) {
  deadline = deadline.Sooner(Deadline::After(options_.connect_timeout));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // A name without an address leaves the list empty, like an upstream that does not answer.
  (void)getaddrinfo(url_.host.c_str(), std::to_string(url_.port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, [](addrinfo* list) {
    if (list != nullptr) freeaddrinfo(list);
  });
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    FileDescriptor socket = ConnectTo(*address, deadline);
    if (!socket.valid()) continue;
    SSL* tls = nullptr;
    if (url_.tls) {
      LH_ASSIGN(tls, StartTls(socket.get(), deadline));
    }
    return std::make_unique<UpstreamConnection>(std::move(socket), tls);
  }
  return Fail(Error{ErrorKind::kUnavailable,
                    fmt::format("the upstream at {} cannot be reached", url_.authority),
                    std::chrono::seconds(1),
                    {}});
}

Result<std::unique_ptr<UpstreamConnection>> UpstreamPool::Take(Deadline deadline) {
  for (;;) {
    std::unique_ptr<UpstreamConnection> kept;
    {
      MutexLock lock(mutex_);
      if (idle_.empty()) break;
      kept = std::move(idle_.back());
      idle_.pop_back();
    }
    // Input between requests is the upstream's goodbye.
    if (!kept->HasInput()) return kept;
  }
  return Connect(deadline);
}

void UpstreamPool::Keep(std::unique_ptr<UpstreamConnection> connection) {
  connection->reused = true;
  MutexLock lock(mutex_);
  if (idle_.size() < options_.max_idle_connections) idle_.push_back(std::move(connection));
}

}  // namespace lakehouse::http
