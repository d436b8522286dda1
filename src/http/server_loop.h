// One epoll loop: accepts, receives heads, keeps idle connections, runs inline routes, notices clients that go away.
// Private to http/. One thread runs it; what other threads may call says so.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/worker_pool.h"
#include "http/connection.h"
#include "http/server_exchange.h"

struct epoll_event;

namespace lakehouse::http {

using HandlerPool = WorkerPool<Connection*, Scratch>;

class Loop {
 public:
  // REQUIRES: core, pool and listener outlive it.
  Loop(ServerCore& core, int listener);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void Start(HandlerPool& pool);
  // Any thread: looks again at what changed (core.stopping).
  void Wake();
  // Any thread: breaks off everything, also what handlers are at; their sockets' calls end with errors.
  void BreakAll();
  // Any thread: connections that are left.
  size_t connections() const { return count_.load(std::memory_order_acquire); }
  // REQUIRES: core.stopping, and no handler has a connection of this loop.
  void Join();

  // A handler thread's work: serves the connection until it has nothing to say for a moment, then gives it back.
  void Serve(Connection& connection, Scratch& scratch);

 private:
  void Run();
  void OnEvent(const epoll_event& event);
  void Accept();
  void Adopt(FileDescriptor socket);
  bool EndLongestIdle();
  void OnReadable(Connection& connection);
  void OnTlsReadable(Connection& connection);
  void Advance(Connection& connection);
  bool RunInline(Connection& connection);
  void HandOver(Connection& connection);
  void Wait(Connection& connection);
  void Settle(Connection& connection, Exchange::After after);
  void Drain(Connection& connection);
  void Close(Connection& connection);
  void Tick();
  void WatchHandled();
  void CloseIdle();
  void EndListening();
  int WaitMillis() const;
  // On a handler thread.
  bool AwaitNext(Connection& connection);
  void GiveBack(Connection& connection, Connection::Phase phase);
  void Arm(Connection& connection);
  std::chrono::milliseconds PhaseLimit(Connection::Phase phase) const;

  ServerCore& core_;
  HandlerPool* pool_ = nullptr;
  const int listener_;
  FileDescriptor epoll_;
  FileDescriptor wake_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::atomic<size_t> count_{0};
  std::atomic<size_t> handed_{0};  // connections that handler threads have
  std::atomic<bool> break_all_{false};
  bool listening_ended_ = false;
  bool paused_accepting_ = false;
  std::chrono::milliseconds tick_;
  MonotonicTime next_tick_;
  Scratch scratch_;
  std::string collected_;
  std::vector<char> received_;
  std::thread thread_;
};

}  // namespace lakehouse::http
