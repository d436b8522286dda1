// Ctrl-C and SIGTERM as a stop token. One for the process, made before other threads start.
#pragma once

#include <stop_token>
#include <thread>

namespace lakehouse::cli {

// The first signal asks the command to stop; when it has not ended soon after, or a second signal comes, the process
// ends with status 130 as it is.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  std::stop_token token() const { return stop_.get_token(); }

 private:
  void Watch(const std::stop_token& finished);

  std::stop_source stop_;
  std::jthread watcher_;
};

}  // namespace lakehouse::cli
