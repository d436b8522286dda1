#include "query/deadline_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace lakehouse::query {
namespace {

TEST(DeadlineWatch, CallsBackInOrderOfDeadlines) {
  DeadlineWatch watch;
  std::promise<void> early, late;
  std::atomic<int> order{0};
  int early_at = 0, late_at = 0;
  watch.Add(Deadline::After(std::chrono::milliseconds(40)), [&] {
    late_at = ++order;
    late.set_value();
  });
  watch.Add(Deadline::After(std::chrono::milliseconds(10)), [&] {
    early_at = ++order;
    early.set_value();
  });
  late.get_future().wait();
  EXPECT_EQ(early_at, 1);
  EXPECT_EQ(late_at, 2);
}

TEST(DeadlineWatch, WhatIsRemovedIsNotCalled) {
  DeadlineWatch watch;
  std::atomic<bool> called{false};
  const auto id = watch.Add(Deadline::After(std::chrono::milliseconds(20)), [&] { called = true; });
  watch.Remove(id);
  std::promise<void> later;
  watch.Add(Deadline::After(std::chrono::milliseconds(40)), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_FALSE(called);
}

TEST(DeadlineWatch, NeverMeansNever) {
  DeadlineWatch watch;
  std::atomic<bool> called{false};
  watch.Add(Deadline(), [&] { called = true; });
  std::promise<void> other;
  watch.Add(Deadline::After(std::chrono::milliseconds(1)), [&] { other.set_value(); });
  other.get_future().wait();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace lakehouse::query
