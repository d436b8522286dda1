// SIGTERM and SIGINT as something to wait for. REQUIRES: made before any other thread starts, so that all inherit the
// mask.
#pragma once

#include <csignal>

namespace lakehouse::server {

class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A client that goes away must be an error of a write, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
  }
  // Blocks until one arrives, and says which.
  int Wait() const {
    int signal = 0;
    while (sigwait(&set_, &signal) != 0) {
    }
    return signal;
  }

 private:
  sigset_t set_;
};

}  // namespace lakehouse::server
