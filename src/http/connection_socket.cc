#include "http/connection_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace lakehouse::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint64_t kLeastProgress = 16 << 10;

// Judges a peer that takes bytes slowly: each window of `stall` must move kLeastProgress bytes.
class StallWatch {
 public:
  explicit StallWatch(milliseconds stall) : stall_(stall), since_(steady_clock::now()) {}
  void Moved(uint64_t bytes) { bytes_ += bytes; }
  bool IsStalled() {
    const auto now = steady_clock::now();
    if (now - since_ < stall_) return false;
    if (bytes_ < kLeastProgress) return true;
    since_ = now;
    bytes_ = 0;
    return false;
  }

 private:
  milliseconds stall_;
  steady_clock::time_point since_;
  uint64_t bytes_ = 0;
};

std::unexpected<Error> Broken() { return Fail(ErrorKind::kCancelled, "the connection is broken"); }
std::unexpected<Error> Stalled() { return Fail(ErrorKind::kDeadline, "the peer takes no bytes"); }

bool IsTick(int error_number) { return error_number == EAGAIN || error_number == EWOULDBLOCK || error_number == EINTR; }

// Drops `sent` bytes from the front of `pieces`.
std::span<iovec> Advance(std::span<iovec> pieces, size_t sent) {
  while (!pieces.empty() && sent >= pieces.front().iov_len) {
    sent -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (!pieces.empty()) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + sent;
    pieces.front().iov_len -= sent;
  }
  return pieces;
}

// The address of a socket's end, IPv4 as such also where it came mapped into IPv6.
std::string AddressText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &v6, text, sizeof text);
    }
  }
  return text;
}

void SetTick(int socket, int option, milliseconds tick) {
  const timeval value{tick.count() / 1000, (tick.count() % 1000) * 1000};
  setsockopt(socket, SOL_SOCKET, option, &value, sizeof value);
}

}  // namespace

void SetUpSocket(int socket, milliseconds receive_tick, milliseconds send_tick) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  // A peer that vanished without a word is noticed after two minutes.
  const int idle_seconds = 60;
  const int probe_seconds = 15;
  const int probes = 4;
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &probe_seconds, sizeof probe_seconds);
  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  SetTick(socket, SO_RCVTIMEO, receive_tick);
  SetTick(socket, SO_SNDTIMEO, send_tick);
}

Result<size_t> ReceiveSome(int socket, std::span<char> out, milliseconds stall, Deadline deadline) {
  const Deadline until = deadline.Sooner(Deadline::After(stall));
  for (;;) {
    const ssize_t got = recv(socket, out.data(), out.size(), MSG_DONTWAIT);
    if (got >= 0) return static_cast<size_t>(got);
    if (!IsTick(errno)) return Broken();
    const auto left = until.Remaining();
    if (left <= milliseconds(0) && until.HasPassed()) return Fail(ErrorKind::kDeadline, "no byte came in time");
    pollfd wait{socket, POLLIN, 0};
    poll(&wait, 1, static_cast<int>(std::clamp<int64_t>(left.count() + 1, 1, 60000)));
  }
}

Status SendAll(int socket, std::span<iovec> pieces, int flags, milliseconds stall) {
  std::optional<StallWatch> watch;
  while (!pieces.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | flags);
    if (sent < 0 && !IsTick(errno)) return Broken();
    pieces = Advance(pieces, sent > 0 ? static_cast<size_t>(sent) : 0);
    if (pieces.empty()) break;
    if (!watch) watch.emplace(stall);
    if (sent > 0) watch->Moved(static_cast<uint64_t>(sent));
    if (watch->IsStalled()) return Stalled();
  }
  return {};
}

Result<size_t> SendNow(int socket, std::string_view bytes) {
  const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<size_t>(sent);
  if (IsTick(errno)) return size_t{0};
  return Broken();
}

Status SendFile(int socket, int file, uint64_t offset, uint64_t length, milliseconds stall) {
  constexpr uint64_t kMostAtOnce = 64 << 20;
  StallWatch watch(stall);
  auto at = static_cast<off_t>(offset);
  while (length > 0) {
    const ssize_t sent = sendfile(socket, file, &at, std::min(length, kMostAtOnce));
    if (sent == 0) return Fail(ErrorKind::kInternal, "a file is shorter than what was announced of it");
    if (sent < 0 && !IsTick(errno)) return Broken();
    if (sent > 0) {
      length -= static_cast<uint64_t>(sent);
      watch.Moved(static_cast<uint64_t>(sent));
    }
    if (watch.IsStalled()) return Stalled();
  }
  return {};
}

std::string LocalAddress(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return AddressText(address);
}

std::string PeerAddress(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return AddressText(address);
}

void ResetConnection(int socket) {
  // A TCP socket that is "connected" to no family is disconnected at once, with a reset to its peer.
  sockaddr address{};
  address.sa_family = AF_UNSPEC;
  // When even that fails the connection is broken already.
  (void)connect(socket, &address, sizeof address);
}

}  // namespace lakehouse::http
