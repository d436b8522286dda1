// When garbage is collected, by a clock that the test moves.
#include "catalog/gc_schedule.h"

#include <gtest/gtest.h>

namespace lakehouse::catalog {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

class HandClock final : public Clock {
 public:
  WallTime Now() const override { return {}; }
  MonotonicTime Monotonic() const override { return now_; }
  void Advance(std::chrono::nanoseconds by) { now_ += by; }

 private:
  MonotonicTime now_{hours(1000)};
};

class GcScheduleTest : public ::testing::Test {
 protected:
  GcSchedule Make(milliseconds every, uint64_t seed = 1) {
    return {{.every = every, .run_deadline = minutes(1), .seed = seed},
            clock_,
            Logger::Silent(),
            [this](const RequestContext& context) -> Result<GcReport> {
              ++runs_;
              EXPECT_TRUE(context.internal);
              if (fails_) return Fail(ErrorKind::kUnavailable, "the store is away");
              return GcReport{};
            }};
  }

  HandClock clock_;
  int runs_ = 0;
  bool fails_ = false;
};

TEST_F(GcScheduleTest, RunsOnceEachInterval) {
  GcSchedule schedule = Make(hours(1));
  EXPECT_GE(schedule.Step(), minutes(54)) << "not at once: a start is busy enough";
  EXPECT_EQ(runs_, 0);
  for (int run = 1; run <= 20; ++run) {
    const auto left = schedule.Step();
    EXPECT_GE(left, minutes(54));
    EXPECT_LE(left, minutes(66));
    clock_.Advance(left - milliseconds(1));
    EXPECT_EQ(schedule.Step(), milliseconds(1));
    EXPECT_EQ(runs_, run - 1);
    clock_.Advance(milliseconds(1));
    schedule.Step();
    EXPECT_EQ(runs_, run);
  }
}

TEST_F(GcScheduleTest, TwoOfThemDriftApart) {
  GcSchedule one = Make(hours(1), 1), other = Make(hours(1), 99);
  EXPECT_NE(one.Step(), other.Step());
}

TEST_F(GcScheduleTest, NeverWhenItIsOff) {
  GcSchedule schedule = Make(milliseconds(0));
  schedule.Start();
  clock_.Advance(hours(10'000));
  schedule.Step();
  EXPECT_EQ(runs_, 0);
}

TEST_F(GcScheduleTest, AFailureWaitsForTheNextTime) {
  GcSchedule schedule = Make(hours(1));
  fails_ = true;
  clock_.Advance(hours(2));
  EXPECT_GE(schedule.Step(), minutes(54));
  fails_ = false;
  clock_.Advance(hours(2));
  schedule.Step();
  EXPECT_EQ(runs_, 2);
}

TEST_F(GcScheduleTest, EndsWhileItWaits) {
  GcSchedule schedule = Make(hours(1));
  schedule.Start();
}

}  // namespace
}  // namespace lakehouse::catalog
