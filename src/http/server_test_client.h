// A raw client for the server's tests: sends bytes as they are given and reads what comes back, over TLS where hands
// were shaken.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"

namespace lakehouse::http::testing {

inline constexpr std::chrono::seconds kPatience{10};

struct Answer {
  int status = 0;
  std::string head;
  std::string body;
  bool whole = false;  // the body came to its announced end
};

class Client {
 public:
  explicit Client(const std::string& address) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // As the program does: OpenSSL writes to sockets that may be broken.
    std::signal(SIGPIPE, SIG_IGN);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  bool connected() const { return connected_; }
  int socket_number() const { return socket_.get(); }

  // False when the server refuses. `protocol`: what is asked for by ALPN; empty: nothing is.
  bool ShakeHands(SSL_CTX* context, std::string_view protocol = "http/1.1") {
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), socket_.get());
    // A ticket that comes between answers is no reason to go on waiting.
    SSL_clear_mode(tls_.get(), SSL_MODE_AUTO_RETRY);
    SSL_set1_host(tls_.get(), "localhost");
    std::string list;
    if (!protocol.empty()) list.append(1, static_cast<char>(protocol.size())).append(protocol);
    SSL_set_alpn_protos(tls_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                        static_cast<unsigned>(list.size()));
    return SSL_connect(tls_.get()) == 1;
  }
  SSL* tls() const { return tls_.get(); }

  // False when the peer does not take the bytes any more.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = tls_ != nullptr ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                                           : send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void EndSending() {
    if (tls_ != nullptr) SSL_shutdown(tls_.get());
    shutdown(socket_.get(), SHUT_WR);
  }
  void Hang() { socket_.Reset(); }

  // One answer; status 0 when the connection ended before its head did.
  Answer Receive(bool head_only = false) {
    Answer answer;
    size_t end;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return answer;
    }
    answer.head = in_.substr(0, end + 4);
    in_.erase(0, end + 4);
    answer.status = std::atoi(answer.head.c_str() + 9);
    if (head_only || answer.status < 200 || answer.status == 204 || answer.status == 304) {
      answer.whole = true;
    } else if (const auto length = Header(answer.head, "Content-Length")) {
      const size_t size = std::stoull(*length);
      while (in_.size() < size && More()) {
      }
      answer.whole = in_.size() >= size;
      answer.body = in_.substr(0, size);
      in_.erase(0, size);
    } else if (Header(answer.head, "Transfer-Encoding")) {
      answer.whole = ReceiveChunks(answer.body);
    } else {
      while (More()) {
      }
      answer.body.swap(in_);
      answer.whole = ended_;
    }
    return answer;
  }
  Answer Ask(std::string_view bytes, bool head_only = false) {
    Send(bytes);
    return Receive(head_only);
  }
  // Whether the peer ends the connection, without another byte, in time.
  bool IsClosed() { return in_.empty() && !More() && ended_; }
  bool Silent(std::chrono::milliseconds for_time) { return in_.empty() && !More(for_time) && !ended_; }
  // Over TLS: the end was announced, so nobody cut the connection off.
  bool EndedWell() const { return tls_ != nullptr && (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

  static std::optional<std::string> Header(const std::string& head, const std::string& name) {
    const size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return std::nullopt;
    const size_t from = at + name.size() + 4;
    return head.substr(from, head.find("\r\n", from) - from);
  }

 private:
  bool More(std::chrono::milliseconds patience = kPatience) {
    const Deadline deadline = Deadline::After(patience);
    for (;;) {
      pollfd wait{socket_.get(), POLLIN, 0};
      const bool is_here = tls_ != nullptr && SSL_has_pending(tls_.get()) == 1;
      if (!is_here && poll(&wait, 1, static_cast<int>(std::max<int64_t>(0, deadline.Remaining().count()))) <= 0)
        return false;
      char bytes[65536];
      const ssize_t got =
          tls_ != nullptr ? SSL_read(tls_.get(), bytes, sizeof bytes) : recv(socket_.get(), bytes, sizeof bytes, 0);
      if (got < 0 && tls_ != nullptr && SSL_get_error(tls_.get(), static_cast<int>(got)) == SSL_ERROR_WANT_READ)
        continue;
      ended_ = got <= 0;
      if (got > 0) in_.append(bytes, static_cast<size_t>(got));
      return got > 0;
    }
  }
  bool ReceiveChunks(std::string& body) {
    for (;;) {
      size_t line;
      while ((line = in_.find("\r\n")) == std::string::npos) {
        if (!More()) return false;
      }
      size_t size = 0;
      std::from_chars(in_.data(), in_.data() + line, size, 16);
      while (in_.size() < line + 2 + size + 2) {
        if (!More()) return false;
      }
      body.append(in_, line + 2, size);
      in_.erase(0, line + 2 + size + 2);
      if (size == 0) return true;
    }
  }

  struct Free {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  FileDescriptor socket_;
  std::unique_ptr<SSL, Free> tls_;
  bool connected_ = false;
  bool ended_ = false;
  std::string in_;
};

}  // namespace lakehouse::http::testing
