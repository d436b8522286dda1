#include "net/tls_files.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"

namespace lakehouse::net {

namespace {

constexpr std::chrono::seconds kLookEvery{1};
constexpr size_t kMostBytes = 1 << 20;

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

// The first thing that OpenSSL has to say, and its list emptied.
std::string Reason() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* text = error == 0 ? nullptr : ERR_reason_error_string(error);
  return text == nullptr ? "no reason given" : text;
}

// Nobody sits at a terminal to be asked.
int NoPassword(char*, int, int, void*) { return 0; }

Bio Open(const std::string& text) { return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free}; }

Certificate NextCertificate(BIO* from) { return {PEM_read_bio_X509(from, nullptr, NoPassword, nullptr), X509_free}; }

std::string StateOf(const std::string& path) {
  struct stat state = {};
  if (::stat(path.c_str(), &state) != 0) return "absent";
  return fmt::format("{} {} {} {} {}", state.st_dev, state.st_ino, state.st_size, state.st_mtim.tv_sec,
                     state.st_mtim.tv_nsec);
}

Result<std::string> ReadFile(const std::string& path, bool is_private) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat state = {};
  if (!file.valid() || ::fstat(file.get(), &state) != 0) return Fail(ErrnoError(errno, "cannot read " + path));
  if (!S_ISREG(state.st_mode)) return Fail(ErrorKind::kInvalid, "{} is not a file", path);
  if (is_private && (state.st_mode & S_IRWXO) != 0)
    return Fail(ErrorKind::kForbidden, "everyone on this machine can reach {}; run: chmod 600 {}", path, path);
  const auto size = static_cast<size_t>(state.st_size);
  if (size > kMostBytes) return Fail(ErrorKind::kInvalid, "{} is longer than {} bytes", path, kMostBytes);
  std::string text(size, '\0');
  LH_TRY(ReadFullyAt(file.get(), text.data(), size, 0));
  return text;
}

bool HasExpired(const TlsPair& pair) {
  const Bio from = Open(pair.certificate);
  const Certificate certificate = NextCertificate(from.get());
  return certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0;
}

std::unexpected<Error> NoGood(std::string_view setting, const std::string& path, Error error) {
  error.kind = error.kind == ErrorKind::kForbidden ? error.kind : ErrorKind::kInvalid;
  error.detail = fmt::format("[tls] {}: {}{}", setting, path.empty() ? "" : path + " ", error.detail);
  return Fail(std::move(error));
}

Status UseCertificate(SSL_CTX* context, const TlsPair& pair) {
  ERR_clear_error();
  const Bio from = Open(pair.certificate);
  const Certificate own = NextCertificate(from.get());
  if (own == nullptr) return Fail(ErrorKind::kInvalid, "holds no PEM certificate: {}", Reason());
  if (SSL_CTX_use_certificate(context, own.get()) != 1)
    return Fail(ErrorKind::kInvalid, "holds a certificate that cannot be used: {}", Reason());
  while (Certificate next = NextCertificate(from.get())) {
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
      return Fail(ErrorKind::kInvalid, "holds a chain that cannot be used: {}", Reason());
    static_cast<void>(next.release());
  }
  // The end of the text is an error too, of its own kind.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
    return Fail(ErrorKind::kInvalid, "holds a broken chain: {}", Reason());
  ERR_clear_error();
  return {};
}

Status UseKey(SSL_CTX* context, const TlsPair& pair) {
  ERR_clear_error();
  const Bio from = Open(pair.key);
  const Key key(PEM_read_bio_PrivateKey(from.get(), nullptr, NoPassword, nullptr), EVP_PKEY_free);
  if (key == nullptr) return Fail(ErrorKind::kInvalid, "holds no PEM key without a password: {}", Reason());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return Fail(ErrorKind::kInvalid, "is not the key of the certificate: {}", Reason());
  return {};
}

}  // namespace

Status UsePair(SSL_CTX* context, const TlsPair& pair) {
  if (Status used = UseCertificate(context, pair); !used) return NoGood("cert", "", std::move(used).error());
  if (Status used = UseKey(context, pair); !used) return NoGood("key", "", std::move(used).error());
  return {};
}

TlsFiles::TlsFiles(std::string cert_file, std::string key_file, const Logger& log, const Clock& clock)
    : cert_file_(std::move(cert_file)), key_file_(std::move(key_file)), log_(log), clock_(clock) {}

Result<std::shared_ptr<TlsFiles>> TlsFiles::Load(std::string cert_file, std::string key_file, const Logger& log,
                                                 const Clock& clock) {
  if (cert_file.empty() || key_file.empty()) {
    return Fail(ErrorKind::kInvalid, "[tls] {} is missing: TLS wants both cert and key",
                cert_file.empty() ? "cert" : "key");
  }
  std::shared_ptr<TlsFiles> files(new TlsFiles(std::move(cert_file), std::move(key_file), log, clock));
  MutexLock lock(files->mutex_);
  files->fingerprint_ = files->Fingerprint();
  LH_ASSIGN(files->pair_, files->Read());
  files->next_look_ = clock.Monotonic() + kLookEvery;
  return files;
}

Result<std::shared_ptr<const TlsPair>> TlsFiles::Read() const {
  auto certificate = ReadFile(cert_file_, false);
  if (!certificate) return NoGood("cert", "", std::move(certificate).error());
  auto key = ReadFile(key_file_, true);
  if (!key) return NoGood("key", "", std::move(key).error());
  const TlsPair pair{std::move(*certificate), std::move(*key)};
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return Fail(ErrorKind::kExhausted, "no memory for TLS");
  if (Status used = UseCertificate(context.get(), pair); !used)
    return NoGood("cert", cert_file_, std::move(used).error());
  if (Status used = UseKey(context.get(), pair); !used) return NoGood("key", key_file_, std::move(used).error());
  if (HasExpired(pair)) log_.Warn("the TLS certificate has expired", {{"cert", cert_file_}});
  return std::make_shared<const TlsPair>(pair);
}

std::string TlsFiles::Fingerprint() const { return StateOf(cert_file_) + "|" + StateOf(key_file_); }

void TlsFiles::Refresh() {
  const MonotonicTime now = clock_.Monotonic();
  if (now < next_look_) return;
  next_look_ = now + kLookEvery;
  std::string fingerprint = Fingerprint();
  if (fingerprint == fingerprint_) return;
  fingerprint_ = std::move(fingerprint);
  auto pair = Read();
  if (!pair) {
    log_.Error("the TLS certificate has changed and is no good; the one before stays",
               {{"reason", pair.error().detail}});
    return;
  }
  // A file that was touched, or put back, is no reason for listeners to begin anew.
  if (**pair == *pair_) return;
  pair_ = std::move(*pair);
  log_.Info("the TLS certificate was read again", {{"cert", cert_file_}});
}

std::shared_ptr<const TlsPair> TlsFiles::Current() {
  MutexLock lock(mutex_);
  Refresh();
  return pair_;
}

}  // namespace lakehouse::net
