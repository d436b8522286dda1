#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "http/try_again.h"

namespace lakehouse::http {

namespace {

constexpr size_t kMostOfARecord = 16 << 10;

// Sockets here may block; a session must not, so each call to the system says so.
int SocketOf(BIO* bio) { return *static_cast<const int*>(BIO_get_data(bio)); }

int ReadSocket(BIO* bio, char* out, int size) {
  const ssize_t got = recv(SocketOf(bio), out, static_cast<size_t>(size), MSG_DONTWAIT);
  BIO_clear_retry_flags(bio);
  if (got < 0 && MayTryAgain(errno)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

int WriteSocket(BIO* bio, const char* bytes, int size) {
  const ssize_t sent = send(SocketOf(bio), bytes, static_cast<size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  BIO_clear_retry_flags(bio);
  if (sent < 0 && MayTryAgain(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

long ControlSocket(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

std::shared_ptr<BIO_METHOD> MakeMethod() {
  std::shared_ptr<BIO_METHOD> method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket"), BIO_meth_free);
  if (method == nullptr) return method;
  BIO_meth_set_read(method.get(), ReadSocket);
  BIO_meth_set_write(method.get(), WriteSocket);
  BIO_meth_set_ctrl(method.get(), ControlSocket);
  return method;
}

// RFC 7301: what is not http/1.1 is refused, so that no client believes it speaks HTTP/2.
int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                   unsigned int size, void*) {
  constexpr std::string_view kHttp11 = "http/1.1";
  for (unsigned int at = 0; at < size; at += offered[at] + 1U) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != kHttp11) continue;
    *out = offered + at + 1;
    *out_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

TlsSession::TlsSession(SSL* session, std::shared_ptr<BIO_METHOD> method, int socket)
    : session_(session), method_(std::move(method)), socket_(socket) {
  SSL_set_accept_state(session_);
  BIO* const bio = BIO_new(method_.get());
  if (bio == nullptr) return;
  BIO_set_data(bio, &socket_);
  BIO_set_init(bio, 1);
  SSL_set_bio(session_, bio, bio);
}

TlsSession::~TlsSession() { SSL_free(session_); }

bool TlsSession::HasSocket() const { return SSL_get_rbio(session_) != nullptr; }
bool TlsSession::HasInput() const { return SSL_has_pending(session_) == 1; }
bool TlsSession::IsEstablished() const { return SSL_is_init_finished(session_) == 1; }

// True: at a clean end. False: nothing can be done now.
Result<bool> TlsSession::Explain(int result) {
  const int error = SSL_get_error(session_, result);
  wants_room_ = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  if (error == SSL_ERROR_ZERO_RETURN) return true;
  is_broken_ = true;
  is_plain_http_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  ERR_clear_error();
  return Fail(ErrorKind::kCancelled, "the connection is broken");
}

Result<std::optional<size_t>> TlsSession::Receive(std::span<char> out) {
  if (is_broken_) return Fail(ErrorKind::kCancelled, "the connection is broken");
  ERR_clear_error();
  size_t got = 0;
  const int result = SSL_read_ex(session_, out.data(), out.size(), &got);
  if (result == 1) {
    wants_room_ = false;
    return got;
  }
  LH_ASSIGN(const bool at_end, Explain(result));
  if (at_end) return size_t{0};
  return std::nullopt;
}

Result<size_t> TlsSession::Send(std::string_view bytes) {
  if (is_broken_) return Fail(ErrorKind::kCancelled, "the connection is broken");
  ERR_clear_error();
  size_t sent = 0;
  const int result = SSL_write_ex(session_, bytes.data(), std::min(bytes.size(), kMostOfARecord), &sent);
  if (result == 1) {
    wants_room_ = false;
    return sent;
  }
  LH_ASSIGN(const bool at_end, Explain(result));
  if (at_end) return Fail(ErrorKind::kCancelled, "the connection is broken");
  return size_t{0};
}

void TlsSession::SayEnd() {
  if (is_broken_ || !IsEstablished()) return;
  ERR_clear_error();
  // One way is enough: nobody waits for the peer's own word.
  static_cast<void>(SSL_shutdown(session_));
  ERR_clear_error();
}

TlsSessions::TlsSessions(std::shared_ptr<net::TlsFiles> files, const Logger& log)
    : files_(std::move(files)), log_(log), method_(MakeMethod()) {}

Result<std::unique_ptr<TlsSessions>> TlsSessions::Over(std::shared_ptr<net::TlsFiles> files, const Logger& log) {
  std::unique_ptr<TlsSessions> sessions(new TlsSessions(std::move(files), log));
  MutexLock lock(sessions->mutex_);
  sessions->pair_ = sessions->files_->Current();
  LH_ASSIGN(sessions->context_, sessions->ContextOf(*sessions->pair_));
  return sessions;
}

Result<std::shared_ptr<SSL_CTX>> TlsSessions::ContextOf(const net::TlsPair& pair) const {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr || method_ == nullptr) return Fail(ErrorKind::kExhausted, "no memory for TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context.get(), ChooseProtocol, nullptr);
  LH_TRY(net::UsePair(context.get(), pair));
  return context;
}

std::shared_ptr<SSL_CTX> TlsSessions::Current() {
  MutexLock lock(mutex_);
  auto pair = files_->Current();
  if (pair == pair_) return context_;
  pair_ = std::move(pair);
  auto context = ContextOf(*pair_);
  if (context) {
    context_ = std::move(*context);
  } else {
    log_.Error("the changed TLS certificate cannot be used; the one before stays",
               {{"reason", context.error().detail}});
  }
  return context_;
}

std::unique_ptr<TlsSession> TlsSessions::Accept(int socket) {
  const std::shared_ptr<SSL_CTX> context = Current();
  SSL* const session = SSL_new(context.get());
  if (session == nullptr) return nullptr;
  auto made = std::make_unique<TlsSession>(session, method_, socket);
  return made->HasSocket() ? std::move(made) : nullptr;
}

}  // namespace lakehouse::http
