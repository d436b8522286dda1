#include "rpc/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace lakehouse::rpc {
namespace {

using std::chrono::milliseconds;

class WorkerPoolTest : public ::testing::Test {
 protected:
  observe::Metrics metrics_;
  observe::Gauge& threads_ = metrics_.GaugeOf("threads", "Threads");
};

TEST_F(WorkerPoolTest, RunsSideBySideUpToTheLimitAndTheRestLater) {
  constexpr int kThreads = 4, kWorks = 20;
  std::atomic<int> running = 0, most = 0, done = 0;
  std::latch all_busy(kThreads);
  {
    WorkerPool pool(kThreads, milliseconds(10'000), threads_);
    for (int i = 0; i < kWorks; ++i) {
      pool.Submit([&, i] {
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
  WorkerPool pool(8, milliseconds(60'000), threads_);
  for (int i = 0; i < 50; ++i) {
    std::latch ran(1);
    pool.Submit([&] { ran.count_down(); });
    ran.wait();
  }
  // Each work waits for the one before; a second thread is made when the first has not come back to its queue yet.
  EXPECT_LE(threads_.value(), 8);
  EXPECT_GE(threads_.value(), 1);
}

TEST_F(WorkerPoolTest, IdleThreadsEnd) {
  WorkerPool pool(4, milliseconds(1), threads_);
  std::latch ran(1);
  pool.Submit([&] { ran.count_down(); });
  ran.wait();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (threads_.value() != 0 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(threads_.value(), 0);
  std::latch again(1);
  pool.Submit([&] { again.count_down(); });
  again.wait();
}

TEST_F(WorkerPoolTest, WhatWasSubmittedRunsBeforeTheEnd) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(1, milliseconds(0), threads_);
    for (int i = 0; i < 1000; ++i) pool.Submit([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

}  // namespace
}  // namespace lakehouse::rpc
