// The three standard streams of a command, and whether a person sits there. Handed in, so that tests can read them.
#pragma once

#include <optional>
#include <stop_token>
#include <string_view>

#include "base/stream.h"
#include "config/settings.h"

namespace lakehouse::cli {

// Writing to a reader that is gone is OutputClosed (cli/exit_code.h). Used by one thread.
class Console final : public ByteSink {
 public:
  struct Streams {
    int in, out, err;
  };
  Console(Streams streams, config::Environment environment, std::stop_token stop);
  static Console OfProcess(std::stop_token stop);

  Status Write(std::string_view bytes) override;
  // A line to standard error; failures are nobody's business.
  void Note(std::string_view text) const;

  int in() const { return streams_.in; }
  int err() const { return streams_.err; }
  bool out_is_terminal() const { return out_is_terminal_; }
  bool err_is_terminal() const { return err_is_terminal_; }
  // Cells of a line when standard output is a terminal.
  std::optional<size_t> out_width() const;
  size_t err_width() const;
  const config::Environment& environment() const { return environment_; }
  std::stop_token stop() const { return stop_; }

 private:
  Streams streams_;
  config::Environment environment_;
  std::stop_token stop_;
  bool out_is_terminal_;
  bool err_is_terminal_;
};

}  // namespace lakehouse::cli
