#include "vector/index_set.h"

#include <gtest/gtest.h>

#include "base/uuid.h"
#include "object/memory_store.h"

namespace lakehouse::vector {
namespace {

class IndexSetTest : public testing::Test {
 protected:
  std::unique_ptr<IndexSet> Start(uint64_t memory_limit = ~uint64_t{0}) {
    auto set = std::make_unique<IndexSet>(
        VectorEnvironment{store, Logger::Silent(), std::nullopt, 1, RandomUuid(), memory_limit});
    const Deadline deadline = Deadline::After(std::chrono::seconds(20));
    while (!set->Ready() && !deadline.HasPassed()) std::this_thread::yield();
    EXPECT_TRUE(set->Ready());
    return set;
  }
  static IndexOptions Options() {
    IndexOptions options;
    options.dimension = 2;
    return options;
  }
  static void Add(IndexSet& set, std::string_view name, std::string id) {
    const auto index = set.Find(name);
    ASSERT_TRUE(index) << index.error().detail;
    Batch batch;
    batch.ids = {std::move(id)};
    batch.vectors = {1, 2};
    batch.metadata = {std::nullopt};
    const auto applied = (*index)->Commit({}, batch);
    ASSERT_TRUE(applied) << applied.error().detail;
  }
  static ErrorKind KindOf(const Result<std::shared_ptr<DurableIndex>>& result) {
    return result ? ErrorKind::kCancelled : result.error().kind;
  }

  object::MemoryStore store;
};

TEST_F(IndexSetTest, ANameIsTakenWithoutRegardToCase) {
  const auto set = Start();
  ASSERT_TRUE(set->Create({}, "Docs", Options()));
  EXPECT_EQ(KindOf(set->Create({}, "Docs", Options())), ErrorKind::kConflict);
  EXPECT_EQ(KindOf(set->Create({}, "dOCS", Options())), ErrorKind::kConflict);
  ASSERT_TRUE(set->Find("docs"));
  EXPECT_EQ((*set->Find("DOCS"))->definition().name, "Docs");
}

TEST_F(IndexSetTest, BadNamesAndOptions) {
  const auto set = Start();
  for (const std::string& name : {std::string(), std::string("1a"), std::string("a b"), std::string("a/b"),
                                  std::string("-a"), std::string("ä"), std::string(129, 'a')}) {
    EXPECT_EQ(KindOf(set->Create({}, name, Options())), ErrorKind::kInvalid) << name;
  }
  for (const uint32_t dimension : {0U, 4097U}) {
    IndexOptions options = Options();
    options.dimension = dimension;
    EXPECT_EQ(KindOf(set->Create({}, "docs", options)), ErrorKind::kInvalid) << dimension;
  }
  EXPECT_TRUE(set->All().empty());
}

TEST_F(IndexSetTest, IndexesAreThereAfterARestart) {
  auto set = Start();
  ASSERT_TRUE(set->Create({}, "docs", Options()));
  Add(*set, "docs", "a");
  set.reset();
  set = Start();
  EXPECT_TRUE((*set->Find("docs"))->index().Get("a"));
  EXPECT_EQ(KindOf(set->Create({}, "docs", Options())), ErrorKind::kConflict);
}

TEST_F(IndexSetTest, ADroppedIndexIsGoneAndItsNameIsFree) {
  auto set = Start();
  ASSERT_TRUE(set->Create({}, "docs", Options()));
  Add(*set, "docs", "a");
  ASSERT_TRUE(set->Drop({}, "DOCS"));
  EXPECT_EQ(KindOf(set->Find("docs")), ErrorKind::kNotFound);
  EXPECT_EQ(set->Drop({}, "docs").error().kind, ErrorKind::kNotFound);
  const auto left = store.List({}, {.prefix = "vectors/"});
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->objects.empty());
  ASSERT_TRUE(set->Create({}, "docs", Options()));
  EXPECT_EQ((*set->Find("docs"))->index().length(), 0U);
  set.reset();
  set = Start();
  EXPECT_EQ((*set->Find("docs"))->index().length(), 0U);
}

TEST_F(IndexSetTest, ADamagedLogCostsItsIndexAlone) {
  auto set = Start();
  ASSERT_TRUE(set->Create({}, "good", Options()));
  ASSERT_TRUE(set->Create({}, "bad", Options()));
  Add(*set, "good", "a");
  Add(*set, "bad", "a");
  const std::string log = "vectors/" + (*set->Find("bad"))->definition().uid + "/log/";
  set.reset();
  const auto objects = store.List({}, {.prefix = log});
  ASSERT_TRUE(objects);
  const std::string key = objects->objects.back().key;
  std::string bytes = *object::GetWhole(store, {}, key);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(object::PutWhole(store, {}, key, bytes));
  set = Start();
  EXPECT_TRUE((*set->Find("good"))->index().Get("a"));
  Add(*set, "good", "b");
  const auto bad = set->Find("bad");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, ErrorKind::kInternal);
  EXPECT_NE(bad.error().detail.find("\"bad\""), std::string::npos) << bad.error().detail;
  EXPECT_NE(bad.error().detail.find("checksum"), std::string::npos) << bad.error().detail;
  EXPECT_TRUE(set->Drop({}, "bad"));
  EXPECT_TRUE(set->Create({}, "bad", Options()));
}

TEST_F(IndexSetTest, AFullMemoryBudgetRefusesMore) {
  const auto set = Start(1);
  ASSERT_TRUE(set->Create({}, "docs", Options()));
  Add(*set, "docs", "a");
  EXPECT_EQ(set->CheckMemory().error().kind, ErrorKind::kExhausted);
  EXPECT_EQ(KindOf(set->Create({}, "more", Options())), ErrorKind::kExhausted);
}

}  // namespace
}  // namespace lakehouse::vector
