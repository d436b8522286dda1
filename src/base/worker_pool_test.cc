#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace lakehouse {
namespace {

using std::chrono::milliseconds;

class WorkerPoolTest : public ::testing::Test {
 protected:
  using Pool = WorkerPool<std::function<void()>>;
  Pool MakePool(unsigned max_threads, milliseconds idle_for) {
    return Pool(
        max_threads, idle_for, [this](size_t n) { threads_ = n; },
        [](std::function<void()>& work, NoScratch&) { work(); });
  }
  std::atomic<size_t> threads_ = 0;
};

TEST_F(WorkerPoolTest, RunsSideBySideUpToTheLimitAndTheRestLater) {
  constexpr int kThreads = 4, kWorks = 20;
  std::atomic<int> running = 0, most = 0, done = 0;
  std::latch all_busy(kThreads);
  {
    Pool pool = MakePool(kThreads, milliseconds(10'000));
    for (int i = 0; i < kWorks; ++i) {
      (void)pool.Submit([&, i] {
        const int now = ++running;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        if (i < kThreads) all_busy.arrive_and_wait();  // returns only when four run at once
        --running;
        ++done;
      });
    }
  }
  EXPECT_EQ(done, kWorks);
  EXPECT_EQ(most, kThreads);
}

TEST_F(WorkerPoolTest, AnIdleThreadTakesTheNextWork) {
  Pool pool = MakePool(8, milliseconds(60'000));
  for (int i = 0; i < 50; ++i) {
    std::latch ran(1);
    (void)pool.Submit([&] { ran.count_down(); });
    ran.wait();
  }
  // Each work waits for the one before; a second thread is made when the first has not come back to its queue yet.
  EXPECT_LE(threads_.load(), 8);
  EXPECT_GE(threads_.load(), 1);
}

TEST_F(WorkerPoolTest, IdleThreadsEnd) {
  Pool pool = MakePool(4, milliseconds(1));
  std::latch ran(1);
  (void)pool.Submit([&] { ran.count_down(); });
  ran.wait();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (threads_.load() != 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(threads_.load(), 0);
  std::latch again(1);
  (void)pool.Submit([&] { again.count_down(); });
  again.wait();
}

TEST_F(WorkerPoolTest, WhatWasSubmittedRunsBeforeTheEnd) {
  std::atomic<int> done = 0;
  {
    Pool pool = MakePool(1, milliseconds(0));
    for (int i = 0; i < 1000; ++i) (void)pool.Submit([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

TEST_F(WorkerPoolTest, AThreadKeepsItsScratch) {
  std::atomic<int> most = 0;
  {
    WorkerPool<int, std::vector<int>> pool(
        1, milliseconds(10'000), [](size_t) {},
        [&](int& item, std::vector<int>& seen) {
          seen.push_back(item);
          most = static_cast<int>(seen.size());
        });
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(pool.Submit(i));
  }
  EXPECT_EQ(most, 10);
}

}  // namespace
}  // namespace lakehouse
