// What handler threads do with a connection: the other half of server_loop.cc.
#include <sys/epoll.h>
#include <sys/socket.h>

#include "http/connection_socket.h"
#include "http/server_loop.h"

namespace lakehouse::http {

namespace {

using std::chrono::steady_clock;
using Phase = Connection::Phase;

constexpr size_t kMaxLingering = 64;

}  // namespace

void Loop::Serve(Connection& connection, Scratch& scratch) {
  if (!connection.unsent.empty()) {
    iovec piece{connection.unsent.data(), connection.unsent.size()};
    const Status sent = SendAll(connection.wire(), std::span(&piece, 1), 0, core_.options.body_timeout);
    connection.unsent = std::string();
    if (!sent || connection.close_after_unsent) return GiveBack(connection, Phase::kDrain);
  }
  for (;;) {
    if (connection.exchange == nullptr && !TakeHead(core_, connection)) {
      if (!AwaitNext(connection)) return;
      continue;
    }
    // Inline routes (health among them) take no place here either.
    if (connection.exchange->NeedsThread()) connection.exchange->Enter();
    const Exchange::After after = connection.exchange->Run(scratch, nullptr);
    connection.exchange.reset();
    switch (after) {
      case Exchange::After::kKeep:
        break;
      case Exchange::After::kDrain:
        return GiveBack(connection, Phase::kDrain);
      case Exchange::After::kBreak:
        ResetConnection(connection.socket.get());
        [[fallthrough]];
      case Exchange::After::kClose:
        if (after == Exchange::After::kClose && connection.tls != nullptr) connection.tls->SayEnd();
        return GiveBack(connection, Phase::kClosing);
    }
  }
}

// Waits a moment for more bytes; false when the connection was given back.
bool Loop::AwaitNext(Connection& connection) {
  const bool counted = core_.lingering.fetch_add(1, std::memory_order_relaxed) < kMaxLingering;
  const bool may_wait = counted && connection.in.empty() && !core_.stopping.load(std::memory_order_relaxed);
  char bytes[4096];
  const auto got = ReceiveNow(connection.wire(), bytes, may_wait);
  core_.lingering.fetch_sub(1, std::memory_order_relaxed);
  if (got && got->value_or(0) > 0) {
    connection.in.Append(std::string_view(bytes, **got));
    return true;
  }
  if (!got || got->has_value()) {
    GiveBack(connection, Phase::kClosing);
  } else {
    GiveBack(connection, connection.in.empty() ? Phase::kIdle : Phase::kHead);
  }
  return false;
}

// After this the connection is the loop's: it may be gone at once.
void Loop::GiveBack(Connection& connection, Phase phase) {
  connection.phase = phase;
  connection.until = steady_clock::now() + PhaseLimit(phase);
  connection.in.Shrink();
  if (phase == Phase::kDrain) EndSending(connection.wire());
  // A socket shut down both ways is readable at once: the loop closes it.
  if (phase == Phase::kClosing) shutdown(connection.socket.get(), SHUT_RDWR);
  handed_.fetch_sub(1, std::memory_order_relaxed);
  Arm(connection);
  connection.owner.store(Connection::Owner::kLoop, std::memory_order_release);
}

}  // namespace lakehouse::http
