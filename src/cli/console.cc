#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "cli/exit_code.h"

namespace lakehouse::cli {

namespace {

constexpr size_t kUsualWidth = 80;

size_t WidthOf(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualWidth;
  return size.ws_col;
}

}  // namespace

Console::Console(Streams streams, config::Environment environment, std::stop_token stop)
    : streams_(streams),
      environment_(std::move(environment)),
      stop_(std::move(stop)),
      out_is_terminal_(::isatty(streams.out) != 0),
      err_is_terminal_(::isatty(streams.err) != 0) {}

Console Console::OfProcess(std::stop_token stop) {
  return Console({STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}, config::ProcessEnvironment(), std::move(stop));
}

Status Console::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (stop_.stop_requested()) return Fail(ErrorKind::kCancelled, "interrupted");
    const ssize_t written = ::write(streams_.out, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EPIPE) return Fail(OutputClosed());
      return Fail(ErrnoError(errno, "cannot write to standard output"));
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

void Console::Note(std::string_view text) const {
  const std::string line = std::string(text) + "\n";
  static_cast<void>(WriteFully(streams_.err, line));
}

std::optional<size_t> Console::out_width() const {
  return out_is_terminal_ ? std::optional(WidthOf(streams_.out)) : std::nullopt;
}

size_t Console::err_width() const { return WidthOf(streams_.err); }

}  // namespace lakehouse::cli
