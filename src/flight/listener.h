// The address that Flight is served at. Arrow's server takes a certificate once, as it starts: when the process's
// changes, the listener begins anew at the same address. Calls that run then have kRetirement to end where they are;
// sessions, tickets and statements stay, clients connect again by themselves. Private to flight/.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "flight/call.h"
#include "flight/handler.h"
#include "flight/state.h"

namespace lakehouse::flight {

class Listener {
 public:
  static constexpr std::chrono::seconds kRetirement{30};

  // kInvalid or kUnavailable naming the address when it cannot. REQUIRES: state and log outlive it.
  static Result<std::unique_ptr<Listener>> Start(State& state, std::shared_ptr<CallFactory> calls, const Logger& log);
  // Stops as Stop does, without waiting for calls.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const std::string& address() const { return address_; }
  // Takes no further calls, waits for those that run until the deadline and ends the rest. Blocks.
  void Stop(Deadline deadline);

 private:
  // A handler that no longer listens, and the thread that waits for its last call.
  struct Retired {
    std::shared_ptr<Handler> handler;
    std::jthread end;
  };

  Listener(State& state, std::shared_ptr<CallFactory> calls, const Logger& log);
  Status Open();
  Status Listen();
  void Watch(const std::stop_token& stop);
  void Renew();

  State& state_;
  const std::shared_ptr<CallFactory> calls_;
  const Logger& log_;
  std::string host_;
  int port_ = 0;
  std::string address_;
  bool stopped_ = false;
  Mutex mutex_;
  CondVar wake_;
  // The watching thread's alone, while it runs.
  std::shared_ptr<Handler> current_;  // nullptr: to be opened again
  std::shared_ptr<const net::TlsPair> shown_;
  std::vector<Retired> retired_;
  std::jthread watch_;
};

}  // namespace lakehouse::flight
