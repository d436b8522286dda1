#include "cli/progress.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/file.h"
#include "cli/text.h"

namespace lakehouse::cli {

namespace {

constexpr std::chrono::milliseconds kBetweenDraws{100};
// What is done before a person would start to wonder needs no line.
constexpr std::chrono::milliseconds kBeforeFirstDraw{200};
constexpr size_t kBarCells = 24;

std::string Bar(double share) {
  const auto full = static_cast<size_t>(share * static_cast<double>(kBarCells));
  return "[" + std::string(full, '#') + std::string(kBarCells - full, '.') + "]";
}

}  // namespace

Progress::Progress(Target target, const std::string& label, std::optional<uint64_t> total_bytes, const Clock& clock)
    : target_(target),
      label_(Printable(label)),
      total_(total_bytes),
      clock_(clock),
      started_(clock.Monotonic()),
      drawn_(started_ + kBeforeFirstDraw - kBetweenDraws) {}

Progress::~Progress() {
  if (visible_) static_cast<void>(WriteFully(target_.descriptor, "\r\x1b[K"));
}

void Progress::Advance(uint64_t bytes) {
  done_ += bytes;
  if (!target_.is_terminal) return;
  if (total_ && done_ >= *total_) return Waiting();
  const MonotonicTime now = clock_.Monotonic();
  if (now - drawn_ < kBetweenDraws) return;
  drawn_ = now;
  Draw(Line(now));
}

void Progress::Waiting() {
  if (visible_) Draw(fmt::format("{}  {} sent; the server is working", label_, HumanBytes(done_)));
}

std::string Progress::Line(MonotonicTime now) const {
  const double seconds = std::max(std::chrono::duration<double>(now - started_).count(), 1e-3);
  const double rate = static_cast<double>(done_) / seconds;
  const std::string rate_text = HumanBytes(static_cast<uint64_t>(rate)) + "/s";
  if (!total_ || *total_ == 0) return fmt::format("{}  {}  {}", label_, HumanBytes(done_), rate_text);
  const double share = std::min(static_cast<double>(done_) / static_cast<double>(*total_), 1.0);
  const double left = rate > 0 ? static_cast<double>(*total_ - std::min(done_, *total_)) / rate : 0;
  return fmt::format("{}  {} {:3.0f}%  {} of {}  {}  {} left", label_, Bar(share), share * 100, HumanBytes(done_),
                     HumanBytes(*total_), rate_text, HumanSeconds(left));
}

void Progress::Draw(const std::string& text) {
  visible_ = true;
  static_cast<void>(
      WriteFully(target_.descriptor, "\r" + Cut(text, std::max<size_t>(target_.width, 2) - 1) + "\x1b[K"));
}

Result<size_t> ProgressSource::Read(std::span<char> out) {
  LH_ASSIGN(const size_t read, source_.Read(out));
  if (read == 0) {
    progress_.Waiting();
  } else {
    progress_.Advance(read);
  }
  return read;
}

}  // namespace lakehouse::cli
