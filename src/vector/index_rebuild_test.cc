#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <set>
#include <thread>

#include "base/uuid.h"
#include "object/memory_store.h"
#include "object/store_test_folder.h"
#include "vector/index_set.h"
#include "vector/item_scan.h"

namespace lakehouse::vector {
namespace {

constexpr uint32_t kRebuildDimension = 24;

std::vector<float> VectorOf(size_t i) {
  std::mt19937 random(static_cast<uint32_t>(i));
  std::normal_distribution<float> normal;
  std::vector<float> vector(kRebuildDimension);
  for (float& value : vector) value = normal(random);
  return vector;
}

Batch Items(size_t from, size_t to) {
  Batch batch;
  for (size_t i = from; i < to; ++i) {
    const auto vector = VectorOf(i);
    batch.ids.push_back(std::to_string(i));
    batch.vectors.insert(batch.vectors.end(), vector.begin(), vector.end());
    batch.metadata.emplace_back(std::nullopt);
  }
  return batch;
}

IndexOptions RebuildOptionsOf(Quantization quantization = Quantization::kSq8) {
  IndexOptions options{.dimension = kRebuildDimension, .metric = Metric::kL2, .quantization = quantization};
  options.ef_construction = 60;
  return options;
}

Status Agreed() { return {}; }

// How many of these items are the first that a search for their own vectors finds.
size_t Found(Index& index, size_t from, size_t to) {
  size_t found = 0;
  for (size_t i = from; i < to; ++i) {
    SearchRequest request;
    request.vector = VectorOf(i);
    request.k = 1;
    const auto answer = index.Search({}, request);
    EXPECT_TRUE(answer) << answer.error().detail;
    found += answer && !answer->hits.empty() && answer->hits[0].id == std::to_string(i) ? 1 : 0;
  }
  return found;
}

TEST(IndexRebuild, EveryQuantizationComesFromEveryOther) {
  const auto index = *Index::Make(RebuildOptionsOf(), std::nullopt, 2);
  ASSERT_TRUE(index->Apply(Items(0, 1500)));
  for (const Quantization quantization :
       {Quantization::kNone, Quantization::kRabitq4, Quantization::kBf16, Quantization::kSq8}) {
    IndexOptions wanted = RebuildOptionsOf(quantization);
    wanted.m = 12;
    ASSERT_TRUE(index->Rebuild({}, wanted, Agreed));
    EXPECT_EQ(index->options().quantization, quantization);
    EXPECT_EQ(index->options().m, 12U);
    EXPECT_GE(Found(*index, 0, 200), 198U);
  }
}

TEST(IndexRebuild, WhatIsNotAgreedToLeavesTheOldGraph) {
  const auto index = *Index::Make(RebuildOptionsOf(), std::nullopt, 2);
  ASSERT_TRUE(index->Apply(Items(0, 1200)));
  const Status refused =
      index->Rebuild({}, RebuildOptionsOf(Quantization::kNone), [] { return Fail(ErrorKind::kConflict, "not now"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  std::stop_source gone;
  gone.request_stop();
  RequestContext left;
  left.cancelled = gone.get_token();
  EXPECT_EQ(index->Rebuild(left, RebuildOptionsOf(Quantization::kNone), Agreed).error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(index->options().quantization, Quantization::kSq8);
  ASSERT_TRUE(index->Apply(Items(1200, 1300)));
  EXPECT_GE(Found(*index, 1000, 1300), 297U);
}

TEST(IndexRebuild, AnIndexWithoutAGraphGetsTheNewKindLater) {
  const auto index = *Index::Make(RebuildOptionsOf(), std::nullopt, 2);
  ASSERT_TRUE(index->Apply(Items(0, 10)));
  ASSERT_TRUE(index->Rebuild({}, RebuildOptionsOf(Quantization::kBf16), Agreed));
  ASSERT_TRUE(index->Apply(Items(10, 1100)));
  EXPECT_EQ(index->options().quantization, Quantization::kBf16);
  EXPECT_GE(Found(*index, 0, 100), 99U);
}

TEST(IndexRebuild, SlotsThatWereDeadAreUsedAgain) {
  const auto index = *Index::Make(RebuildOptionsOf(), std::nullopt, 2);
  ASSERT_TRUE(index->Apply(Items(0, 1500)));
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE(index->Apply(Items(0, 200)));  // their old slots die
    ASSERT_TRUE(index->Rebuild({}, RebuildOptionsOf(), Agreed));
    EXPECT_EQ(index->dead(), 0U);
    EXPECT_EQ(index->length(), 1500U);
  }
  ASSERT_TRUE(index->Apply(Items(0, 1)));
  ASSERT_TRUE(index->Apply(Items(0, 1)));
  EXPECT_LT(index->Capture({})->capture.slots, 2100U);
  EXPECT_GE(Found(*index, 0, 200), 198U);
}

TEST(IndexRebuild, BatchesMeanwhileAreInTheNewGraph) {
  const auto index = *Index::Make(RebuildOptionsOf(), std::nullopt, 2);
  ASSERT_TRUE(index->Apply(Items(0, 1500)));
  std::atomic<bool> done{false};
  std::atomic<size_t> next{1500};
  std::vector<std::jthread> others;
  others.emplace_back([&] {
    for (size_t round = 0; !done || round < 5; ++round) {
      const size_t from = next.load();
      ASSERT_TRUE(index->Apply(Items(from, from + 20)));
      Batch batch = Items(round % 50 * 10, round % 50 * 10 + 5);  // again
      batch.removed.push_back(std::to_string(1000 + round % 400));
      ASSERT_TRUE(index->Apply(batch));
      next = from + 20;
      if (from > 6000) return;
    }
  });
  others.emplace_back([&] {
    while (!done) {
      SearchRequest request;
      request.vector = VectorOf(700);
      const auto answer = index->Search({}, request);
      ASSERT_TRUE(answer);
      ASSERT_EQ(answer->hits.size(), 10U);
      EXPECT_EQ(answer->hits[0].id, "700");
      std::set<std::string> ids;
      for (const Hit& hit : answer->hits) EXPECT_TRUE(ids.insert(hit.id).second);
    }
  });
  others.emplace_back([&] {
    while (!done) index->Maintain();
  });
  for (const Quantization quantization : {Quantization::kBf16, Quantization::kRabitq4, Quantization::kSq8}) {
    ASSERT_TRUE(index->Rebuild({}, RebuildOptionsOf(quantization), Agreed));
  }
  done = true;
  others.clear();
  const size_t last = next.load();
  EXPECT_GE(Found(*index, 1500, last), (last - 1500) * 98 / 100);
}

TEST(IndexRebuild, AnIndexThatIsEmptiedMeanwhileGoesOn) {
  const auto index = *Index::Make(RebuildOptionsOf(), std::nullopt, 2);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(index->Apply(Items(0, 1200)));
    std::jthread other([&] {
      Batch none;
      for (size_t i = 0; i < 1200; ++i) none.removed.push_back(std::to_string(i));
      EXPECT_TRUE(index->Apply(none));
      EXPECT_TRUE(index->Apply(Items(5000, 6100)));
    });
    (void)index->Rebuild({}, RebuildOptionsOf(round == 0 ? Quantization::kBf16 : Quantization::kSq8), Agreed);
    other.join();
    EXPECT_EQ(index->length(), 1100U);
    EXPECT_GE(Found(*index, 5000, 5100), 99U);
  }
}

class DurableRebuild : public testing::Test {
 protected:
  std::unique_ptr<IndexSet> Start() {
    auto set = std::make_unique<IndexSet>(
        VectorEnvironment{store_, Logger::Silent(), folder_.path(), 2, RandomUuid(), ~uint64_t{0}});
    Await([&] { return set->Ready().has_value(); });
    return set;
  }
  static void Await(const std::function<bool()>& come) {
    const Deadline deadline = Deadline::After(std::chrono::seconds(60));
    while (!come() && !deadline.HasPassed()) std::this_thread::yield();
    EXPECT_TRUE(come());
  }

  object::MemoryStore store_;
  object::TemporaryFolder folder_;
};

TEST_F(DurableRebuild, ARestartKeepsTheNewKindAndEveryItem) {
  auto set = Start();
  const auto made = *set->Create({}, "docs", RebuildOptionsOf());
  ASSERT_TRUE(made->Commit({}, Items(0, 1300)));
  ASSERT_TRUE(set->Rebuild({}, "docs", {.quantization = Quantization::kBf16, .m = 8}));
  EXPECT_EQ((*set->Find("docs"))->definition().options.quantization, Quantization::kBf16);
  ASSERT_TRUE(made->Commit({}, Items(1300, 1350)));
  set.reset();
  set = Start();
  const auto index = *set->Find("docs");
  EXPECT_EQ(index->definition().options.m, 8U);
  Await([&] { return index->index().options().quantization == Quantization::kBf16; });
  EXPECT_EQ(index->index().length(), 1350U);
  EXPECT_GE(Found(index->index(), 0, 100), 99U);
}

// The definition is the new one, and the segment still has the old graph: it serves, and is made anew by itself.
TEST_F(DurableRebuild, AStopBeforeTheSnapshotIsMadeUpFor) {
  auto set = Start();
  ASSERT_TRUE((*set->Create({}, "docs", RebuildOptionsOf()))->Commit({}, Items(0, 1300)));
  ASSERT_TRUE(set->Rebuild({}, "docs", {.ef_construction = 61}));
  const auto snapshots = [&] {
    const auto page = store_.List({}, {.prefix = "vectors/"});
    return page && std::ranges::any_of(page->objects, [](const auto& o) { return o.key.ends_with("manifest.json"); });
  };
  Await(snapshots);
  const IndexDefinition before = (*set->Find("docs"))->definition();
  set.reset();
  IndexDefinition after = before;
  after.options.quantization = Quantization::kRabitq4;
  RequestContext internal;
  internal.internal = true;
  ASSERT_TRUE(ReplaceDefinition(store_, internal, before, after));
  EXPECT_EQ(ReplaceDefinition(store_, internal, before, after).error().kind, ErrorKind::kConflict);
  set = Start();
  const auto index = *set->Find("docs");
  EXPECT_EQ(index->index().length(), 1300U);
  Await([&] { return index->index().options().quantization == Quantization::kRabitq4; });
  EXPECT_GE(Found(index->index(), 0, 100), 99U);
}

TEST_F(DurableRebuild, BadOptionsAndNames) {
  const auto set = Start();
  ASSERT_TRUE(set->Create({}, "docs", RebuildOptionsOf()));
  EXPECT_EQ(set->Rebuild({}, "none", {}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(set->Rebuild({}, "docs", {.m = 1}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(set->Rebuild({}, "docs", {.ef_construction = 5000}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ((*set->Find("docs"))->definition().options.m, 16U);
}

}  // namespace
}  // namespace lakehouse::vector
