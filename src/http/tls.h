// TLS on accepted connections: what the process's certificate is shown with, and one session a connection. Here and in
// tls.cc alone does the server know OpenSSL. Private to http/.
//
// TLS 1.2 and up, ALPN http/1.1. A session never waits: what would block says so, and its owner polls the socket.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "net/tls_files.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct bio_method_st BIO_METHOD;

namespace lakehouse::http {

// One connection's session, used by the connection's owner alone. REQUIRES: the socket outlives it.
class TlsSession {
 public:
  // Takes the session, to be shaken hands with as the server.
  TlsSession(SSL* session, std::shared_ptr<BIO_METHOD> method, int socket);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Some bytes; 0 at a clean end; nullopt when none are here. kCancelled when the connection or the session is broken.
  // Shakes hands first.
  Result<std::optional<size_t>> Receive(std::span<char> out);
  // What was taken of `bytes`: 0 when there is no room now. What was refused must be offered again, unchanged.
  Result<size_t> Send(std::string_view bytes);
  // Says that nothing more comes. Without it the peer knows that it was cut off.
  void SayEnd();

  // False: there was no memory for it.
  bool HasSocket() const;
  // The last call waits for room to send, not for bytes.
  bool WantsRoom() const { return wants_room_; }
  // Bytes are here that the socket does not show any more.
  bool HasInput() const;
  bool IsEstablished() const;
  // What came is no TLS but an HTTP request.
  bool IsPlainHttp() const { return is_plain_http_; }

 private:
  Result<bool> Explain(int result);

  SSL* const session_;
  const std::shared_ptr<BIO_METHOD> method_;
  int socket_;  // its owner's
  bool wants_room_ = false;
  bool is_broken_ = false;
  bool is_plain_http_ = false;
};

// Thread-safe. Connections that are open keep the certificate they began with.
class TlsSessions {
 public:
  // kInvalid when the pair cannot be used. REQUIRES: the log outlives it.
  static Result<std::unique_ptr<TlsSessions>> Over(std::shared_ptr<net::TlsFiles> files, const Logger& log);
  TlsSessions(const TlsSessions&) = delete;
  TlsSessions& operator=(const TlsSessions&) = delete;

  // A session for a socket that was accepted, with the files' current certificate; nullptr without memory.
  std::unique_ptr<TlsSession> Accept(int socket) LH_EXCLUDES(mutex_);

 private:
  TlsSessions(std::shared_ptr<net::TlsFiles> files, const Logger& log);
  Result<std::shared_ptr<SSL_CTX>> ContextOf(const net::TlsPair& pair) const;
  std::shared_ptr<SSL_CTX> Current() LH_EXCLUDES(mutex_);

  const std::shared_ptr<net::TlsFiles> files_;
  const Logger& log_;
  const std::shared_ptr<BIO_METHOD> method_;
  Mutex mutex_;
  std::shared_ptr<const net::TlsPair> pair_ LH_GUARDED_BY(mutex_);
  std::shared_ptr<SSL_CTX> context_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::http
