#include "cli/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "cli/exit_code.h"

namespace lakehouse::cli {

namespace {

constexpr timespec kPatience{2, 0};

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  watcher_ = std::jthread([this](const std::stop_token& finished) { Watch(finished); });
}

Interrupt::~Interrupt() {
  watcher_.request_stop();
  // Wakes the watcher; it sees that we are done and drops the signal.
  pthread_kill(watcher_.native_handle(), SIGINT);
  watcher_.join();
}

void Interrupt::Watch(const std::stop_token& finished) {
  const sigset_t signals = StopSignals();
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  if (finished.stop_requested()) return;
  stop_.request_stop();
  sigtimedwait(&signals, nullptr, &kPatience);
  if (!finished.stop_requested()) _exit(static_cast<int>(ExitCode::kInterrupted));
}

}  // namespace lakehouse::cli
