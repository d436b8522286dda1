#include "vector/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>

namespace lakehouse::vector {
namespace {

class GraphTest : public testing::Test {
 protected:
  static constexpr uint32_t kDimension = 24;

  void SetUp() override {
    IndexOptions options;
    options.dimension = kDimension;
    options.metric = Metric::kL2;
    options.m = 8;
    options.ef_construction = 60;
    auto codec = std::make_shared<const Codec>(options, std::vector<float>(kDimension, 0.0F), 1);
    auto made = Graph::Make(options, std::move(codec), sessions);
    ASSERT_TRUE(made) << made.error().detail;
    graph = *std::move(made);
  }
  // Around a few centres, so that neighbourhoods can lose all of their nodes.
  static std::vector<float> VectorOf(uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> vector(kDimension);
    for (float& value : vector) value = normal(random);
    vector[seed % kDimension] += 8;
    return vector;
  }
  void Insert(Slot slot, uint64_t seed) {
    ASSERT_TRUE(graph->Reserve(slot + 1));
    const SessionPool::Session session(sessions);
    graph->Insert(slot, VectorOf(seed).data(), *session);
    live.insert(slot);
  }
  void Kill(Slot slot) {
    graph->MarkDead(slot);
    live.erase(slot);
  }
  // Links lead to nodes, not to itself, none twice, never more than there is room for.
  void CheckLinks() const {
    for (const Slot slot : live) {
      ASSERT_TRUE(graph->Holds(slot));
      for (unsigned level = 0; level <= graph->LevelOf(slot); ++level) {
        const auto links = graph->Links(slot, level);
        ASSERT_LE(links.size(), level == 0 ? graph->layout().links : graph->layout().upper_links);
        ASSERT_EQ(std::set<Slot>(links.begin(), links.end()).size(), links.size()) << slot;
        for (const Slot to : links) {
          ASSERT_NE(to, slot);
          ASSERT_TRUE(graph->Holds(to)) << slot << " is linked to the free slot " << to;
          ASSERT_LE(level, graph->LevelOf(to));
        }
      }
    }
  }
  // How many live nodes level 0 does not lead to from the entry.
  size_t Unreachable() const {
    const auto entry = static_cast<Slot>(graph->entry());
    std::set<Slot> seen{entry};
    for (std::vector<Slot> open{entry}; !open.empty();) {
      const Slot from = open.back();
      open.pop_back();
      for (const Slot to : graph->Links(from, 0)) {
        if (seen.insert(to).second) open.push_back(to);
      }
    }
    return static_cast<size_t>(std::ranges::count_if(live, [&](Slot slot) { return !seen.contains(slot); }));
  }

  SessionPool sessions;
  std::unique_ptr<Graph> graph;
  std::set<Slot> live;
};

TEST_F(GraphTest, DeletesAndRepairsKeepEveryNodeReachable) {
  constexpr Slot kNodes = 2000;
  std::mt19937_64 random(3);
  uint64_t seed = 0;
  for (Slot slot = 0; slot < kNodes; ++slot) Insert(slot, ++seed);
  CheckLinks();
  EXPECT_EQ(Unreachable(), 0U);
  for (int round = 0; round < 4; ++round) {
    std::vector<Slot> all(live.begin(), live.end());
    std::ranges::shuffle(all, random);
    all.resize(kNodes * 3 / 10);
    for (const Slot slot : all) Kill(slot);
    EXPECT_EQ(graph->dead(), all.size());
    auto freed = graph->Repair();
    std::ranges::sort(freed);
    std::ranges::sort(all);
    EXPECT_EQ(freed, all);
    EXPECT_EQ(graph->dead(), 0U);
    for (const Slot slot : freed) EXPECT_FALSE(graph->Holds(slot));
    CheckLinks();
    EXPECT_EQ(Unreachable(), 0U);
    for (const Slot slot : freed) Insert(slot, ++seed);
    CheckLinks();
    // A new node's links may take the place of another's only way in; the next repair finds it.
    EXPECT_LE(Unreachable(), live.size() / 500);
  }
}

TEST_F(GraphTest, ARepairWhereTheEntryLeaves) {
  for (Slot slot = 0; slot < 300; ++slot) Insert(slot, slot + 1);
  for (int round = 0; round < 20; ++round) {
    const auto entry = static_cast<Slot>(graph->entry());
    Kill(entry);
    EXPECT_EQ(graph->Repair(), std::vector<Slot>{entry});
    EXPECT_TRUE(live.contains(static_cast<Slot>(graph->entry())));
    CheckLinks();
  }
}

TEST_F(GraphTest, ANodeAmongNothingButDeadOnesIsFound) {
  for (Slot slot = 0; slot < 200; ++slot) Insert(slot, slot + 1);
  for (Slot slot = 0; slot < 200; ++slot) Kill(slot);
  Insert(200, 500);
  graph->Repair();
  CheckLinks();
  const SessionPool::Session session(sessions);
  std::vector<Candidate> found;
  graph->Search(VectorOf(500).data(), 10, *session, found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].slot, 200U);
}

// A search that began before room was made must not look past its own.
TEST_F(GraphTest, SearchesWhileTheGraphGrowsPastTheirRoom) {
  for (Slot slot = 0; slot < 200; ++slot) Insert(slot, slot + 1);
  std::atomic<bool> done{false};
  std::jthread searcher([&] {
    std::vector<Candidate> found;
    for (uint64_t seed = 0; !done; ++seed) {
      const SessionPool::Session session(sessions);
      graph->Search(VectorOf(seed).data(), 200, *session, found);
      ASSERT_FALSE(found.empty());
    }
  });
  // Slots far apart: each is in a chunk of its own.
  for (Slot i = 1; i <= 40; ++i) Insert(i * SlotMemory::kChunkSlots, 1000 + i);
  done = true;
}

TEST_F(GraphTest, RepairBesideInsertsAndSearches) {
  for (Slot slot = 0; slot < 1000; ++slot) Insert(slot, slot + 1);
  ASSERT_TRUE(graph->Reserve(4000));
  std::atomic<bool> done{false};
  std::vector<std::jthread> searchers;
  for (int i = 0; i < 2; ++i) {
    searchers.emplace_back([&, i] {
      std::vector<Candidate> found;
      for (uint64_t seed = i; !done; seed += 2) {
        const SessionPool::Session session(sessions);
        graph->Search(VectorOf(seed % 1000).data(), 20, *session, found);
        ASSERT_FALSE(found.empty());
        ASSERT_TRUE(std::ranges::all_of(found, [](const Candidate& c) { return c.slot < 2000; }));
      }
    });
  }
  std::jthread inserter([&] {
    for (Slot slot = 1000; slot < 1600; ++slot) {
      const SessionPool::Session session(sessions);
      graph->Insert(slot, VectorOf(slot + 1).data(), *session);
    }
  });
  for (Slot round = 0; round < 6; ++round) {
    for (Slot slot = round * 100; slot < round * 100 + 100; ++slot) Kill(slot);
    EXPECT_EQ(graph->Repair().size(), 100U);
  }
  inserter.join();
  done = true;
  searchers.clear();
  for (Slot slot = 1000; slot < 1600; ++slot) live.insert(slot);
  CheckLinks();
  EXPECT_LE(Unreachable(), live.size() / 200);
}

}  // namespace
}  // namespace lakehouse::vector
