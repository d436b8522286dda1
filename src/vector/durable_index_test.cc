#include "vector/durable_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/uuid.h"
#include "vector/faulty_store.h"
#include "vector/item_scan.h"

namespace lakehouse::vector {
namespace {

class DurableIndexTest : public testing::Test {
 protected:
  using Opened = std::shared_ptr<DurableIndex>;

  static Batch Items(const std::vector<std::string>& ids, float value = 1,
                     std::optional<std::string> metadata = std::nullopt) {
    Batch batch;
    for (const std::string& id : ids) {
      batch.ids.push_back(id);
      batch.vectors.insert(batch.vectors.end(), {value, 2});
      batch.metadata.push_back(metadata);
    }
    return batch;
  }
  static Batch Removal(std::string id) {
    Batch batch;
    batch.removed = {std::move(id)};
    return batch;
  }
  static void Commit(const Opened& index, const Batch& batch) {
    const auto applied = index->Commit({}, batch);
    ASSERT_TRUE(applied) << applied.error().detail;
  }
  // As a process that starts: a writer of its own.
  Opened Open() {
    environments.push_back(
        std::make_unique<VectorEnvironment>(VectorEnvironment{store, Logger::Silent(), std::nullopt, 2, RandomUuid()}));
    IndexOptions options;
    options.dimension = 2;
    options.metric = Metric::kL2;
    auto opened = DurableIndex::Open({}, *environments.back(), {"u", "docs", "2026-01-01T00:00:00Z", options});
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? *opened : nullptr;
  }

  object::MemoryStore memory;
  FaultyStore store{memory};
  std::vector<std::unique_ptr<VectorEnvironment>> environments;
};

TEST_F(DurableIndexTest, WhatWasCommittedIsThereAfterReopening) {
  auto index = Open();
  Commit(index, Items({"a", "b"}, 1, "{\"x\":1}"));
  Commit(index, Removal("a"));
  index = Open();
  EXPECT_EQ(index->index().version().value, 2U);
  EXPECT_EQ(index->index().length(), 1U);
  EXPECT_FALSE(index->index().Get("a"));
  EXPECT_EQ(index->index().Get("b")->metadata, "{\"x\":1}");
}

TEST_F(DurableIndexTest, ReAddOfAnExistingId) {
  auto index = Open();
  Commit(index, Items({"a"}, 1));
  const auto again = index->Commit({}, Items({"a"}, 7));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->added, 0U);
  EXPECT_EQ(again->updated, 1U);
  EXPECT_EQ(again->length, 1U);
  for (int i = 0; i < 2; ++i, index = Open()) {
    EXPECT_EQ(index->index().length(), 1U);
    EXPECT_EQ(index->index().Get("a")->vector, (std::vector<float>{7, 2}));
  }
}

TEST_F(DurableIndexTest, DeleteOfTheLastNodeThenAdd) {
  auto index = Open();
  for (int round = 0; round < 3; ++round) {
    Commit(index, Items({"a"}, static_cast<float>(round)));
    Commit(index, Removal("a"));
    EXPECT_EQ(index->index().length(), 0U);
    Commit(index, Items({"b"}, static_cast<float>(round)));
    SearchRequest request;
    request.vector = {static_cast<float>(round), 2};
    const auto answer = index->index().Search({}, request);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->hits.size(), 1U);
    EXPECT_EQ(answer->hits[0].id, "b");
    Commit(index, Removal("b"));
    index = Open();
    EXPECT_EQ(index->index().length(), 0U);
  }
}

TEST_F(DurableIndexTest, NilMetadataOnReAdd) {
  auto index = Open();
  Commit(index, Items({"a"}, 1, "{\"x\":1}"));
  Commit(index, Items({"a"}, 2));
  for (int i = 0; i < 2; ++i, index = Open()) EXPECT_EQ(index->index().Get("a")->metadata, "{\"x\":1}");
  Commit(index, Items({"a"}, 3, "{}"));
  Commit(index, Items({"a"}, 4));
  for (int i = 0; i < 2; ++i, index = Open()) EXPECT_EQ(index->index().Get("a")->metadata, "{}");
}

TEST_F(DurableIndexTest, TheSecondOwnerFencesTheFirst) {
  const auto first = Open();
  Commit(first, Items({"a"}));
  const auto second = Open();
  Commit(second, Items({"b"}));
  for (int i = 0; i < 3; ++i) {
    const auto late = first->Commit({}, Items({"late"}));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
  }
  EXPECT_FALSE(first->index().Get("late"));
  const auto third = Open();
  EXPECT_TRUE(third->index().Get("a") && third->index().Get("b"));
  EXPECT_FALSE(third->index().Get("late"));
}

// At each PUT each fault: what was acknowledged is there once, memory and the log agree, and the index goes on.
TEST_F(DurableIndexTest, EveryAcknowledgedBatchSurvivesEveryFault) {
  std::set<std::string> acknowledged, tried;
  auto index = Open();
  for (const PutFault fault :
       {PutFault::kRefused, PutFault::kLostBefore, PutFault::kLostAfter, PutFault::kAmbiguous, PutFault::kDelayed}) {
    for (size_t at = 0; at < 6; ++at) {
      // The first two fail likewise, so that settling fails too.
      std::vector<PutFault> faults(at % 3, PutFault::kNone);
      faults.resize(faults.size() + 1 + at / 3, fault);
      store.Plan(faults);
      for (int i = 0; i < 6; ++i) {
        const std::string id = fmt::format("{}-{}-{}", static_cast<int>(fault), at, i);
        tried.insert(id);
        if (index->Commit({}, Items({id}))) acknowledged.insert(id);
        if (i == 4) store.Deliver();
      }
      store.Plan({});
      Commit(index, Items({"last"}));
      const auto version = index->index().version();
      std::set<std::string> before;
      for (const StoredItem& item : (*index->index().Scan({}))->Next(1000)) before.insert(item.id);
      index = Open();
      ASSERT_TRUE(index);
      EXPECT_EQ(index->index().version(), version);
      std::set<std::string> after;
      for (const StoredItem& item : (*index->index().Scan({}))->Next(1000)) after.insert(item.id);
      EXPECT_EQ(before, after);
      for (const std::string& id : acknowledged) EXPECT_TRUE(after.contains(id)) << id;
      after.erase("last");
      for (const std::string& id : after) EXPECT_TRUE(tried.contains(id)) << id;
    }
  }
  EXPECT_GT(acknowledged.size(), 100U);
  EXPECT_LT(acknowledged.size(), tried.size());
}

TEST_F(DurableIndexTest, ADelayedPutLosesAgainstANewOwner) {
  const auto first = Open();
  store.Plan({PutFault::kDelayed});
  EXPECT_FALSE(first->Commit({}, Items({"late"})));
  const auto second = Open();
  store.Deliver();
  Commit(second, Items({"a"}));
  const auto late = first->Commit({}, Items({"later"}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
  const auto third = Open();
  EXPECT_EQ(third->index().length(), 1U);
  EXPECT_EQ(third->index().version().value, 1U);
}

TEST_F(DurableIndexTest, ConcurrentCommitsLandOnceWithoutGapsOfVersion) {
  constexpr int kThreads = 8, kCommits = 40;
  auto index = Open();
  const size_t puts_before = store.puts();
  std::vector<std::vector<uint64_t>> versions(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kCommits; ++i) {
          // One id that all fight for, and one of its own.
          const auto applied = index->Commit({}, Items({"shared", fmt::format("{}-{}", t, i)}, static_cast<float>(t)));
          if (applied) versions[t].push_back(applied->version.value);
        }
      });
    }
  }
  std::vector<uint64_t> all;
  for (const auto& of_thread : versions) {
    EXPECT_TRUE(std::ranges::is_sorted(of_thread));
    all.insert(all.end(), of_thread.begin(), of_thread.end());
  }
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), size_t{kThreads} * kCommits);
  for (size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i + 1);
  EXPECT_LE(store.puts() - puts_before, all.size());
  const auto shared = index->index().Get("shared")->vector;
  index = Open();
  EXPECT_EQ(index->index().version().value, all.size());
  EXPECT_EQ(index->index().length(), all.size() + 1);
  EXPECT_EQ(index->index().Get("shared")->vector, shared);
}

TEST_F(DurableIndexTest, ConcurrentCommitsThroughFaults) {
  constexpr int kThreads = 8, kCommits = 30;
  auto index = Open();
  std::vector<PutFault> faults;
  for (int i = 0; i < 120; ++i) faults.push_back(i % 5 == 0 ? static_cast<PutFault>(1 + i / 5 % 5) : PutFault::kNone);
  store.Plan(faults);
  Mutex mutex;
  std::set<std::string> acknowledged;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kCommits; ++i) {
          const std::string id = fmt::format("{}-{}", t, i);
          if (!index->Commit({}, Items({id}))) continue;
          const MutexLock lock(mutex);
          acknowledged.insert(id);
        }
      });
    }
  }
  store.Plan({});
  store.Deliver();
  Commit(index, Items({"last"}));
  const auto version = index->index().version();
  index = Open();
  EXPECT_EQ(index->index().version(), version);
  for (const std::string& id : acknowledged) EXPECT_TRUE(index->index().Get(id)) << id;
}

TEST_F(DurableIndexTest, AClientThatLeftDoesNotEndTheGroup) {
  const auto index = Open();
  std::stop_source gone;
  gone.request_stop();
  RequestContext context;
  context.cancelled = gone.get_token();
  context.deadline = Deadline::After(std::chrono::nanoseconds(0));
  const auto applied = index->Commit(context, Items({"a"}));
  EXPECT_TRUE(applied) << applied.error().detail;
}

}  // namespace
}  // namespace lakehouse::vector
