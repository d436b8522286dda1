#include "query/turns.h"

#include <fmt/format.h>

#include <stop_token>

namespace lakehouse::query {

Status Turns::Take(const RequestContext& context, Patience patience) {
  const Deadline line_end = patience == Patience::kInLine ? Deadline::After(longest_wait_) : Deadline();
  const std::stop_callback wake(context.cancelled, [this] {
    const MutexLock lock(mutex_);
    ended_.NotifyAll();
  });
  const MutexLock lock(mutex_);
  if (taken_ < most_ && waiting_ == 0) {
    ++taken_;
    return {};
  }
  ++waiting_;
  Status turn;
  while (taken_ >= most_) {
    turn = context.Check("waiting for a query slot");
    if (turn && line_end.HasPassed()) {
      turn = Fail(Error{ErrorKind::kUnavailable,
                        fmt::format("{} queries are running and {} wait; try again", taken_, waiting_ - 1),
                        std::chrono::seconds(1),
                        {}});
    }
    if (!turn) break;
    ended_.WaitUntil(mutex_, context.deadline.Sooner(line_end).at());
  }
  --waiting_;
  if (turn) ++taken_;
  return turn;
}

void Turns::End() {
  const MutexLock lock(mutex_);
  --taken_;
  ended_.NotifyOne();
}

uint64_t Turns::waiting() const {
  const MutexLock lock(mutex_);
  return waiting_;
}

}  // namespace lakehouse::query
