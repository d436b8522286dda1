#include "query/turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace lakehouse::query {
namespace {

using std::chrono::milliseconds;

TEST(Turns, WaitingEndsWithTheRequest) {
  Turns turns(1, std::chrono::hours(1));
  ASSERT_TRUE(turns.Take({}));
  RequestContext late;
  late.deadline = Deadline::After(milliseconds(20));
  EXPECT_EQ(turns.Take(late).error().kind, ErrorKind::kDeadline);
  std::stop_source gone;
  gone.request_stop();
  RequestContext cancelled;
  cancelled.cancelled = gone.get_token();
  EXPECT_EQ(turns.Take(cancelled).error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(turns.waiting(), 0u);
  turns.End();
  EXPECT_TRUE(turns.Take({}));
}

TEST(Turns, WhoWaitsTooLongIsRefused) {
  Turns turns(1, milliseconds(10));
  ASSERT_TRUE(turns.Take({}));
  const auto refused = turns.Take({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(refused.error().retry_after);
}

TEST(Turns, AtMostSoManyAndEveryoneOnce) {
  Turns turns(2, std::chrono::hours(1));
  std::atomic<int> at_once{0}, most{0}, done{0};
  {
    std::vector<std::jthread> queries;
    queries.reserve(8);
    for (int i = 0; i < 8; ++i) {
      queries.emplace_back([&] {
        for (int round = 0; round < 200; ++round) {
          if (!turns.Take({})) return;
          const int now = ++at_once;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          std::this_thread::yield();
          --at_once;
          ++done;
          turns.End();
        }
      });
    }
  }
  EXPECT_EQ(done, 1600);
  EXPECT_LE(most, 2);
}

}  // namespace
}  // namespace lakehouse::query
