#include "vector/item_scan.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace lakehouse::vector {
namespace {

constexpr size_t kScanItems = 1500;  // enough for a graph

Batch Numbers(size_t from, size_t to, float value) {
  Batch batch;
  for (size_t i = from; i < to; ++i) {
    batch.ids.push_back(std::to_string(i));
    batch.vectors.insert(batch.vectors.end(), {value, static_cast<float>(i)});
    batch.metadata.emplace_back("{\"i\":" + std::to_string(i) + "}");
  }
  return batch;
}

class ItemScanTest : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    index_ = *Index::Make({.dimension = 2, .metric = Metric::kL2, .m = 4, .ef_construction = 16}, std::nullopt, 1);
    ASSERT_TRUE(index_->Apply(Numbers(0, GetParam(), 1)));
  }
  std::unique_ptr<Index> index_;
};

INSTANTIATE_TEST_SUITE_P(WithAndWithoutGraph, ItemScanTest, testing::Values(100, kScanItems));

TEST_P(ItemScanTest, SeesOneVersionWhateverComesMeanwhile) {
  const size_t count = GetParam();
  const auto scan = *index_->Scan({});
  EXPECT_EQ(scan->length(), count);
  EXPECT_EQ(scan->version(), IndexVersion(1));
  std::map<std::string, StoredItem> seen;
  for (float value = 2; value < 6; ++value) {
    for (StoredItem& item : scan->Next(count / 8)) ASSERT_TRUE(seen.try_emplace(item.id, item).second) << item.id;
    // Batches, the background's work and the end of everything: none waits for the scan but what takes nodes out.
    Batch batch = Numbers(0, count, value);
    ASSERT_TRUE(index_->Apply(batch));
    Batch gone;
    gone.removed = batch.ids;
    ASSERT_TRUE(index_->Apply(gone));
  }
  for (auto items = scan->Next(7); !items.empty(); items = scan->Next(7)) {
    for (StoredItem& item : items) ASSERT_TRUE(seen.try_emplace(item.id, item).second) << item.id;
  }
  ASSERT_EQ(seen.size(), count);
  for (const auto& [id, item] : seen) {
    EXPECT_EQ(item.vector, (std::vector<float>{1, std::stof(id)}));
    EXPECT_EQ(item.metadata, "{\"i\":" + id + "}");
  }
  EXPECT_EQ(index_->length(), 0U);
  EXPECT_EQ((*index_->Scan({}))->Next(1).size(), 0U);
}

TEST_P(ItemScanTest, SeveralThreadsShareOne) {
  const auto scan = *index_->Scan({.vector = false, .metadata = false});
  std::atomic<size_t> count{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        for (auto items = scan->Next(13); !items.empty(); items = scan->Next(13)) {
          count += items.size();
          for (const StoredItem& item : items) EXPECT_TRUE(item.vector.empty() && !item.metadata);
        }
      });
    }
  }
  EXPECT_EQ(count, GetParam());
}

TEST_P(ItemScanTest, SlotsComeBackOnceItIsOver) {
  const size_t count = GetParam();
  (*index_->Scan({}))->Next(1);
  const uint64_t bytes = index_->bytes();
  // Enough to fill another chunk of slots if none came back.
  for (size_t round = 0; round * count < 8192; ++round) {
    ASSERT_TRUE(index_->Apply(Numbers(0, count, static_cast<float>(round))));
    index_->Maintain();
  }
  EXPECT_LT(index_->bytes(), bytes * 3 / 2);
}

}  // namespace
}  // namespace lakehouse::vector
