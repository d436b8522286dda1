#include "http/server_loop.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "http/connection_socket.h"

namespace lakehouse::http {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Owner = Connection::Owner;
using Phase = Connection::Phase;

// How long a handler thread waits for the connection's next request before it gives the socket back to the loop.
constexpr milliseconds kLinger{4};
// How soon a client that went away is noticed while its handler runs.
constexpr milliseconds kWatchEvery{25};
constexpr milliseconds kDrainFor{5000};
constexpr milliseconds kDrainAtStop{300};
constexpr size_t kReceive = 64 << 10;
constexpr std::string_view kPlainOnTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 43\r\nConnection: close\r\n\r\n"
    "this port speaks TLS: ask it with https://\n";

}  // namespace

Loop::Loop(ServerCore& core, int listener)
    : core_(core),
      listener_(listener),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const ServerOptions& options = core_.options;
  tick_ = std::clamp(std::min({options.header_timeout, options.idle_timeout, options.body_timeout}) / 4,
                     milliseconds(5), milliseconds(500));
  next_tick_ = steady_clock::now() + tick_;
  received_.resize(kReceive);
}

Loop::~Loop() = default;

void Loop::Start(HandlerPool& pool) {
  pool_ = &pool;
  epoll_event wake{EPOLLIN, {.ptr = &wake_}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &wake);
  epoll_event accept{EPOLLIN | EPOLLEXCLUSIVE, {.ptr = nullptr}};
  epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_, &accept);
  thread_ = std::thread([this] { Run(); });
}

void Loop::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

void Loop::BreakAll() {
  break_all_.store(true, std::memory_order_release);
  Wake();
}

void Loop::Join() {
  Wake();
  if (thread_.joinable()) thread_.join();
}

int Loop::WaitMillis() const {
  if (core_.stopping.load(std::memory_order_acquire)) return 10;
  if (handed_.load(std::memory_order_relaxed) > 0) return static_cast<int>(std::min(tick_, kWatchEvery).count());
  if (!connections_.empty() || paused_accepting_) return static_cast<int>(tick_.count());
  return -1;
}

void Loop::Run() {
  epoll_event events[128];
  for (;;) {
    const int ready = epoll_wait(epoll_.get(), events, std::size(events), WaitMillis());
    for (int i = 0; i < ready; ++i) OnEvent(events[i]);
    const bool stopping = core_.stopping.load(std::memory_order_acquire);
    if (stopping || steady_clock::now() >= next_tick_) Tick();
    if (stopping && connections_.empty()) return;
  }
}

void Loop::OnEvent(const epoll_event& event) {
  if (event.data.ptr == nullptr) {
    Accept();
  } else if (event.data.ptr == &wake_) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_.get(), &count, sizeof count);
  } else {
    auto& connection = *static_cast<Connection*>(event.data.ptr);
    // Armed by a handler thread that is about to let go of it: a matter of nanoseconds.
    while (connection.owner.load(std::memory_order_acquire) != Owner::kLoop) std::this_thread::yield();
    OnReadable(connection);
  }
}

void Loop::Accept() {
  for (int i = 0; i < 64; ++i) {
    if (core_.stopping.load(std::memory_order_acquire)) return;
    FileDescriptor socket(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.valid()) {
      Adopt(std::move(socket));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // The listener stays readable; without a pause the loop would spin on it.
      core_.log.Error("cannot accept connections", {{"error", ErrnoError(errno, "accept").detail}});
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_, nullptr);
      paused_accepting_ = true;
    }
    return;
  }
}

void Loop::Adopt(FileDescriptor socket) {
  SetUpSocket(socket.get(), kLinger, std::clamp(core_.options.body_timeout / 4, milliseconds(10), milliseconds(1000)));
  const bool is_full = core_.connections.load(std::memory_order_relaxed) >= core_.options.max_connections;
  if (is_full && !EndLongestIdle()) {
    core_.metrics.refused->Add();
    if (core_.tls != nullptr) return;
    [[maybe_unused]] const auto sent =
        SendNow({socket.get()},
                "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  auto connection = std::make_unique<Connection>(std::move(socket), this);
  connection->index = connections_.size();
  connection->until = steady_clock::now() + core_.options.idle_timeout;
  if (core_.tls != nullptr) {
    connection->tls = core_.tls->Accept(connection->socket.get());
    if (connection->tls == nullptr) return;
    // Shaking hands is on a head's time.
    connection->phase = Phase::kHead;
    connection->until = steady_clock::now() + core_.options.header_timeout;
  }
  epoll_event event{EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, {.ptr = connection.get()}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection->socket.get(), &event) != 0) return;
  connections_.push_back(std::move(connection));
  count_.store(connections_.size(), std::memory_order_release);
  core_.connections.fetch_add(1, std::memory_order_relaxed);
  core_.metrics.connections->Add(1);
}

// Who has nothing to say makes room for who has; false when all of this loop's have something.
bool Loop::EndLongestIdle() {
  Connection* longest = nullptr;
  for (const auto& connection : connections_) {
    if (connection->owner.load(std::memory_order_acquire) != Owner::kLoop || connection->phase != Phase::kIdle)
      continue;
    if (longest != nullptr && connection->until >= longest->until) continue;
    // A request that is here and not read yet is not idleness.
    char byte = 0;
    if (recv(connection->socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) continue;
    longest = connection.get();
  }
  if (longest == nullptr) return false;
  // Not closed here: an event of it may be among those that are being looked at. Its end is one, too.
  longest->phase = Phase::kClosing;
  shutdown(longest->socket.get(), SHUT_RDWR);
  return true;
}

void Loop::Close(Connection& connection) {
  const size_t index = connection.index;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index = index;
  connections_.pop_back();
  count_.store(connections_.size(), std::memory_order_release);
  core_.connections.fetch_sub(1, std::memory_order_relaxed);
  core_.metrics.connections->Add(-1);
}

void Loop::OnReadable(Connection& connection) {
  if (connection.phase == Phase::kClosing) return Close(connection);
  if (connection.phase == Phase::kDrain) return Drain(connection);
  if (connection.tls != nullptr) return OnTlsReadable(connection);
  const auto got = ReceiveNow(connection.wire(), received_, false);
  if (!got || got->value_or(1) == 0) return Close(connection);
  if (*got) connection.in.Append(std::string_view(received_.data(), **got));
  Advance(connection);
}

// Takes what the session holds as well as the socket: what is left in the session wakes nobody.
void Loop::OnTlsReadable(Connection& connection) {
  size_t all = 0;
  while (all < received_.size() || connection.tls->HasInput()) {
    const auto got = connection.tls->Receive(received_);
    if (!got && connection.tls->IsPlainHttp()) {
      [[maybe_unused]] const auto sent = SendNow({connection.socket.get()}, kPlainOnTls);
      connection.tls.reset();
      return Settle(connection, Exchange::After::kDrain);
    }
    const bool at_end = got && got->value_or(1) == 0;
    // What came before the end is served first.
    if ((!got || at_end) && all == 0) return Close(connection);
    if (!got || at_end || !*got) break;
    connection.in.Append(std::string_view(received_.data(), **got));
    all += **got;
  }
  Advance(connection);
}

// Serves what is here until more bytes or a handler thread are needed.
void Loop::Advance(Connection& connection) {
  for (;;) {
    if (!TakeHead(core_, connection)) return Wait(connection);
    // Without a place for it, the refusal is short and goes out from here.
    if (connection.exchange->NeedsThread() && connection.exchange->Enter()) return HandOver(connection);
    if (!RunInline(connection)) return;
  }
}

// False when the connection is not this function's caller's any more.
bool Loop::RunInline(Connection& connection) {
  collected_.clear();
  const Exchange::After after = connection.exchange->Run(scratch_, &collected_);
  connection.exchange.reset();
  const Result<size_t> sent =
      after == Exchange::After::kBreak ? Result<size_t>(collected_.size()) : SendNow(connection.wire(), collected_);
  if (!sent) {
    Close(connection);
    return false;
  }
  if (*sent < collected_.size()) {
    // A slow reader: a thread sends the rest, and goes on from there.
    connection.unsent.assign(collected_, *sent);
    connection.close_after_unsent = after != Exchange::After::kKeep;
    HandOver(connection);
    return false;
  }
  if (after == Exchange::After::kKeep) return true;
  Settle(connection, after);
  return false;
}

void Loop::HandOver(Connection& connection) {
  connection.owner.store(Owner::kHandler, std::memory_order_release);
  handed_.fetch_add(1, std::memory_order_relaxed);
  if (!pool_->Submit(&connection)) return;
  handed_.fetch_sub(1, std::memory_order_relaxed);
  connection.owner.store(Owner::kLoop, std::memory_order_relaxed);
  core_.log.Error("cannot make a thread for a request");
  Close(connection);
}

void Loop::Wait(Connection& connection) {
  const bool shaking = connection.tls != nullptr && !connection.tls->IsEstablished();
  const Phase phase = connection.in.empty() && !shaking ? Phase::kIdle : Phase::kHead;
  // A head's time runs from its first byte, however often bytes come.
  if (phase == Phase::kIdle || connection.phase != phase) connection.until = steady_clock::now() + PhaseLimit(phase);
  connection.phase = phase;
  Arm(connection);
}

void Loop::Arm(Connection& connection) {
  epoll_event event{EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, {.ptr = &connection}};
  if (connection.tls != nullptr && connection.tls->WantsRoom()) event.events |= EPOLLOUT;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.socket.get(), &event);
}

milliseconds Loop::PhaseLimit(Phase phase) const {
  switch (phase) {
    case Phase::kIdle:
      return core_.options.idle_timeout;
    case Phase::kHead:
      return core_.options.header_timeout;
    case Phase::kDrain:
      return kDrainFor;
    case Phase::kClosing:
      return milliseconds(0);
  }
  return milliseconds(0);
}

void Loop::Settle(Connection& connection, Exchange::After after) {
  if (after == Exchange::After::kBreak) ResetConnection(connection.socket.get());
  if (after == Exchange::After::kClose && connection.tls != nullptr) connection.tls->SayEnd();
  if (after != Exchange::After::kDrain) return Close(connection);
  EndSending(connection.wire());
  connection.phase = Phase::kDrain;
  connection.until = steady_clock::now() + kDrainFor;
  Arm(connection);
}

// What the peer still sends is dropped, so that no reset overtakes the answer on its way to the peer.
void Loop::Drain(Connection& connection) {
  for (int i = 0; i < 64; ++i) {
    // MSG_TRUNC drops the bytes in the kernel.
    const ssize_t got = recv(connection.socket.get(), received_.data(), received_.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return Close(connection);
    if (got < 0) break;
  }
  Arm(connection);
}

void Loop::Tick() {
  const auto now = steady_clock::now();
  next_tick_ = now + tick_;
  if (core_.stopping.load(std::memory_order_acquire)) {
    EndListening();
    CloseIdle();
  } else if (paused_accepting_) {
    paused_accepting_ = false;
    epoll_event accept{EPOLLIN | EPOLLEXCLUSIVE, {.ptr = nullptr}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_, &accept);
  }
  for (size_t i = connections_.size(); i-- > 0;) {
    Connection& connection = *connections_[i];
    if (connection.owner.load(std::memory_order_acquire) != Owner::kLoop || now < connection.until) continue;
    const bool shaking = connection.tls != nullptr && !connection.tls->IsEstablished();
    if (connection.phase == Phase::kHead && !shaking) {
      connection.exchange =
          std::make_unique<Exchange>(core_, connection, FramingError{408, "the request's head did not arrive in time"});
      if (RunInline(connection)) Close(connection);
    } else {
      Close(connection);
    }
  }
  WatchHandled();
  if (handed_.load(std::memory_order_relaxed) > 0) next_tick_ = now + std::min(tick_, kWatchEvery);
}

void Loop::EndListening() {
  if (listening_ended_) return;
  listening_ended_ = true;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_, nullptr);
}

void Loop::CloseIdle() {
  const bool all = break_all_.load(std::memory_order_acquire);
  for (size_t i = connections_.size(); i-- > 0;) {
    Connection& connection = *connections_[i];
    if (connection.owner.load(std::memory_order_acquire) == Owner::kLoop) {
      if (all || connection.phase != Phase::kDrain) {
        Close(connection);
      } else {
        // Long enough for an answer to get through, short enough not to hold the end up.
        connection.until = std::min(connection.until, steady_clock::now() + kDrainAtStop);
      }
    } else if (all) {
      connection.RequestStop();
      shutdown(connection.socket.get(), SHUT_RDWR);
    }
  }
}

// Asks for all handled connections at once whether their peers are still there.
void Loop::WatchHandled() {
  if (handed_.load(std::memory_order_relaxed) == 0) return;
  std::vector<pollfd> sockets;
  std::vector<Connection*> watched;
  for (const auto& connection : connections_) {
    if (connection->owner.load(std::memory_order_acquire) != Owner::kHandler ||
        !connection->watched.load(std::memory_order_relaxed)) {
      continue;
    }
    sockets.push_back({connection->socket.get(), POLLRDHUP, 0});
    watched.push_back(connection.get());
  }
  if (sockets.empty() || poll(sockets.data(), sockets.size(), 0) <= 0) return;
  for (size_t i = 0; i < sockets.size(); ++i) {
    if ((sockets[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) continue;
    watched[i]->RequestStop();
  }
}

}  // namespace lakehouse::http
