#include "http/connection_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/file.h"
#include "http/tls.h"
#include "http/try_again.h"

namespace lakehouse::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint64_t kLeastProgress = 16 << 10;
constexpr size_t kRecord = 16 << 10;  // RFC 8446, 5.1

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

void Await(int socket, short events, milliseconds wait) {
  pollfd polled{socket, events, 0};
  poll(&polled, 1, static_cast<int>(wait.count()));
}

// Waits for what the session's last call did not find.
void AwaitTls(Wire wire, milliseconds wait) { Await(wire.socket, wire.tls->WantsRoom() ? POLLOUT : POLLIN, wait); }

milliseconds ReceiveTick(int socket) {
  timeval tick{};
  socklen_t size = sizeof tick;
  if (getsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &tick, &size) != 0) return milliseconds(1);
  return milliseconds(tick.tv_sec * 1000 + tick.tv_usec / 1000);
}

Status SendBytesTls(Wire wire, std::string_view bytes, StallWatch& watch, milliseconds stall) {
  while (!bytes.empty()) {
    LH_ASSIGN(const size_t sent, wire.tls->Send(bytes));
    bytes.remove_prefix(sent);
    watch.Moved(sent);
    if (watch.IsStalled()) return Stalled();
    if (sent == 0) AwaitTls(wire, std::min<milliseconds>(stall, milliseconds(1000)));
  }
  return {};
}

// Short pieces share records: an answer's head and body are one.
Status SendAllTls(Wire wire, std::span<iovec> pieces, milliseconds stall) {
  StallWatch watch(stall);
  std::string together;
  for (const iovec& piece : pieces) {
    const std::string_view bytes(static_cast<const char*>(piece.iov_base), piece.iov_len);
    if (together.size() + bytes.size() <= kRecord) {
      together.append(bytes);
      continue;
    }
    LH_TRY(SendBytesTls(wire, together, watch, stall));
    together.clear();
    if (bytes.size() <= kRecord) {
      together.assign(bytes);
    } else {
      LH_TRY(SendBytesTls(wire, bytes, watch, stall));
    }
  }
  return SendBytesTls(wire, together, watch, stall);
}

Result<size_t> SendNowTls(TlsSession& tls, std::string_view bytes) {
  size_t all = 0;
  while (all < bytes.size()) {
    LH_ASSIGN(const size_t sent, tls.Send(bytes.substr(all)));
    if (sent == 0) break;
    all += sent;
  }
  return all;
}

Status SendFileTls(Wire wire, int file, uint64_t offset, uint64_t length, milliseconds stall) {
  StallWatch watch(stall);
  std::vector<char> piece(std::min<uint64_t>(length, 256 << 10));
  while (length > 0) {
    const size_t size = std::min<uint64_t>(length, piece.size());
    LH_TRY(ReadFullyAt(file, piece.data(), size, offset));
    LH_TRY(SendBytesTls(wire, std::string_view(piece.data(), size), watch, stall));
    offset += size;
    length -= size;
  }
  return {};
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

Result<std::optional<size_t>> ReceiveNow(Wire wire, std::span<char> out, bool linger) {
  if (wire.tls != nullptr) {
    LH_ASSIGN(const auto got, wire.tls->Receive(out));
    if (got || !linger) return got;
    AwaitTls(wire, ReceiveTick(wire.socket));
    return wire.tls->Receive(out);
  }
  // Blocks for the socket's receive tick at most.
  const ssize_t got = recv(wire.socket, out.data(), out.size(), linger ? 0 : MSG_DONTWAIT);
  if (got >= 0) return static_cast<size_t>(got);
  if (!MayTryAgain(errno)) return Broken();
  return std::nullopt;
}

Result<size_t> ReceiveSome(Wire wire, std::span<char> out, milliseconds stall, Deadline deadline) {
  const Deadline until = deadline.Sooner(Deadline::After(stall));
  for (;;) {
    LH_ASSIGN(const auto got, ReceiveNow(wire, out, false));
    if (got) return *got;
    const auto left = until.Remaining();
    if (left <= milliseconds(0) && until.HasPassed()) return Fail(ErrorKind::kDeadline, "no byte came in time");
    const milliseconds wait{std::clamp<int64_t>(left.count() + 1, 1, 60000)};
    if (wire.tls != nullptr) {
      AwaitTls(wire, wait);
    } else {
      Await(wire.socket, POLLIN, wait);
    }
  }
}

Status SendAll(Wire wire, std::span<iovec> pieces, int flags, milliseconds stall) {
  if (wire.tls != nullptr) return SendAllTls(wire, pieces, stall);
  std::optional<StallWatch> watch;
  while (!pieces.empty()) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = sendmsg(wire.socket, &message, MSG_NOSIGNAL | flags);
    if (sent < 0 && !MayTryAgain(errno)) return Broken();
    pieces = Advance(pieces, sent > 0 ? static_cast<size_t>(sent) : 0);
    if (pieces.empty()) break;
    if (!watch) watch.emplace(stall);
    if (sent > 0) watch->Moved(static_cast<uint64_t>(sent));
    if (watch->IsStalled()) return Stalled();
  }
  return {};
}

Result<size_t> SendNow(Wire wire, std::string_view bytes) {
  if (wire.tls != nullptr) return SendNowTls(*wire.tls, bytes);
  const ssize_t sent = send(wire.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<size_t>(sent);
  if (MayTryAgain(errno)) return size_t{0};
  return Broken();
}

Status SendFile(Wire wire, int file, uint64_t offset, uint64_t length, milliseconds stall) {
  if (wire.tls != nullptr) return SendFileTls(wire, file, offset, length, stall);
  constexpr uint64_t kMostAtOnce = 64 << 20;
  StallWatch watch(stall);
  auto at = static_cast<off_t>(offset);
  while (length > 0) {
    const ssize_t sent = sendfile(wire.socket, file, &at, std::min(length, kMostAtOnce));
    if (sent == 0) return Fail(ErrorKind::kInternal, "a file is shorter than what was announced of it");
    if (sent < 0 && !MayTryAgain(errno)) return Broken();
    if (sent > 0) {
      length -= static_cast<uint64_t>(sent);
      watch.Moved(static_cast<uint64_t>(sent));
    }
    if (watch.IsStalled()) return Stalled();
  }
  return {};
}

void EndSending(Wire wire) {
  if (wire.tls != nullptr) wire.tls->SayEnd();
  shutdown(wire.socket, SHUT_WR);
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
