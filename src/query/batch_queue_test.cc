#include "query/batch_queue.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <semaphore>
#include <thread>

namespace lakehouse::query {
namespace {

// A piece whose rows say which it is, and that counts its releases.
BatchPiece Piece(uint64_t rows, uint64_t bytes, int* released = nullptr) {
  ArrowArray array{};
  array.private_data = released;
  array.release = [](ArrowArray* self) {
    if (auto* const count = static_cast<int*>(self->private_data)) ++*count;
    self->release = nullptr;
  };
  return {array, rows, bytes};
}

uint64_t Next(BatchQueue& queue) {
  const auto piece = queue.Pop();
  return piece ? piece->rows() : 0;
}

TEST(BatchQueue, PiecesComeInTheOrderOfTheirBatches) {
  BatchQueue queue(100);
  queue.Push(2, Piece(3, 1));
  queue.Push(1, Piece(2, 1));
  EXPECT_EQ(Next(queue), 0u) << "batch 0 may still give rows";
  queue.Push(0, Piece(1, 1));
  EXPECT_EQ(Next(queue), 1u) << "the first incomplete batch need not be whole";
  EXPECT_EQ(Next(queue), 0u);
  queue.Advance(1);
  EXPECT_EQ(Next(queue), 2u);
  EXPECT_EQ(Next(queue), 0u);
  queue.Push(1, Piece(4, 1));
  queue.Advance(0);  // what another thread knew earlier
  EXPECT_EQ(Next(queue), 4u);
  queue.Finish();
  EXPECT_EQ(Next(queue), 3u);
  EXPECT_EQ(Next(queue), 0u);
}

TEST(BatchQueue, WritersWaitForRoom) {
  BatchQueue queue(10);
  int first = 0, ahead = 0;
  EXPECT_TRUE(queue.Admit(0, [&] { ++first; }));
  queue.Push(0, Piece(1, 10));
  EXPECT_FALSE(queue.Admit(0, [&] { ++first; }));
  EXPECT_TRUE(queue.Admit(1, [&] { ++ahead; })) << "what lies ahead has room of its own";
  queue.Push(1, Piece(2, 10));
  EXPECT_FALSE(queue.Admit(1, [&] { ++ahead; }));
  EXPECT_EQ(Next(queue), 1u);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(ahead, 0);
  EXPECT_TRUE(queue.Admit(0, [&] { ++first; }));
  queue.Advance(1);
  EXPECT_EQ(ahead, 0) << "its bytes moved along with it";
  EXPECT_EQ(Next(queue), 2u);
  EXPECT_EQ(ahead, 1);
  EXPECT_EQ(first, 1) << "woken once";
}

TEST(BatchQueue, TheFirstIncompleteBatchIsNeverHeldUpByThoseAhead) {
  BatchQueue queue(10);
  int woken = 0;
  queue.Push(5, Piece(6, 10));
  EXPECT_FALSE(queue.Admit(6, [&] { ++woken; }));
  EXPECT_TRUE(queue.Admit(0, [&] { ++woken; }));
  queue.Advance(6);
  EXPECT_EQ(woken, 0) << "10 bytes are readable";
  EXPECT_EQ(Next(queue), 6u);
  EXPECT_EQ(woken, 1);
}

TEST(BatchQueue, WhatIsNotReadIsReleased) {
  int released = 0;
  {
    BatchQueue queue(10);
    queue.Push(0, Piece(1, 1, &released));
    queue.Push(7, Piece(1, 1, &released));
    auto piece = queue.Pop();
    ArrowArray taken = piece->Take();
    piece.reset();
    EXPECT_EQ(released, 0) << "the taker's to release";
    taken.release(&taken);
    EXPECT_EQ(released, 1);
  }
  EXPECT_EQ(released, 2);
}

TEST(BatchQueue, TheReaderWakes) {
  BatchQueue queue(10);
  queue.Wait(std::chrono::milliseconds(1));
  queue.Wake();
  queue.Wait(std::chrono::hours(1));
  std::jthread writer([&] { queue.Push(0, Piece(1, 1)); });
  queue.Wait(std::chrono::hours(1));
  EXPECT_EQ(Next(queue), 1u);
}

// Writers take batches one by one, as the threads of a scan do; each pushes its batch in pieces.
TEST(BatchQueue, ManyWritersOneOrder) {
  constexpr uint64_t kBatches = 400, kPieces = 3;
  constexpr int kWriters = 4;
  BatchQueue queue(4);
  std::array<std::counting_semaphore<>, kWriters> room{std::counting_semaphore<>(0), std::counting_semaphore<>(0),
                                                       std::counting_semaphore<>(0), std::counting_semaphore<>(0)};
  Mutex mutex;
  uint64_t taken = 0;
  std::map<int, uint64_t> at;  // the batch that each writer is at
  const auto take = [&](int writer, uint64_t* batch) {
    const MutexLock lock(mutex);
    *batch = at[writer] = taken < kBatches ? taken++ : UINT64_MAX;
    uint64_t first = UINT64_MAX;
    for (const auto& [unused, other] : at) first = std::min(first, other);
    return first;
  };
  for (int writer = 0; writer < kWriters; ++writer) at[writer] = 0;
  std::atomic<int> left = kWriters;
  std::vector<std::jthread> writers;
  writers.reserve(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (;;) {
        uint64_t batch = 0;
        queue.Advance(take(writer, &batch));
        if (batch == UINT64_MAX) break;
        for (uint64_t piece = 0; piece < kPieces; ++piece) {
          while (!queue.Admit(batch, [&room, writer] { room[writer].release(); })) room[writer].acquire();
          queue.Push(batch, Piece(batch * kPieces + piece + 1, 1));
        }
      }
      if (--left == 0) queue.Finish();
    });
  }
  for (uint64_t expected = 1; expected <= kBatches * kPieces;) {
    queue.Wait(std::chrono::milliseconds(100));
    while (const uint64_t got = Next(queue)) ASSERT_EQ(got, expected++);
  }
}

}  // namespace
}  // namespace lakehouse::query
