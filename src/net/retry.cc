#include "net/retry.h"

#include <algorithm>
#include <random>
#include <thread>

namespace lakehouse::net {

bool PauseBeforeRetry(const RequestContext& context, const RetryPolicy& policy, int tried) {
  const auto most =
      std::min<std::chrono::milliseconds>(policy.longest_pause, policy.first_pause * (1 << std::min(tried - 1, 10)));
  std::random_device random;
  const auto pause = std::chrono::milliseconds(std::uniform_int_distribution<int64_t>(0, most.count())(random));
  if (context.cancelled.stop_requested() || context.deadline.Remaining() <= pause) return false;
  std::this_thread::sleep_for(pause);
  return true;
}

}  // namespace lakehouse::net
