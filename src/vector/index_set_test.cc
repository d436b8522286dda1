#include "vector/index_set.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "base/uuid.h"
#include "object/forwarding_store.h"
#include "object/memory_store.h"
#include "object/store_test_folder.h"

namespace lakehouse::vector {
namespace {

class IndexSetTest : public testing::Test {
 protected:
  std::unique_ptr<IndexSet> Start(uint64_t memory_limit = ~uint64_t{0}) {
    auto set =
        std::make_unique<IndexSet>(VectorEnvironment{store, Logger::Silent(), folder, 1, RandomUuid(), memory_limit});
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

  // Waits until `done`; false when it takes too long.
  static bool Until(const std::function<bool()>& done) {
    const Deadline deadline = Deadline::After(std::chrono::seconds(30));
    while (!done()) {
      if (deadline.HasPassed()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  object::MemoryStore store;
  std::optional<std::filesystem::path> folder;
};

// Snapshots wait at its door.
class GatedStore final : public object::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const object::PutOptions& options) override {
    if (key.find("/snapshot/") != std::string_view::npos) {
      const MutexLock lock(mutex_);
      waiting_ = true;
      while (!open_) opened_.Wait(mutex_);
    }
    return inner().Put(context, key, body, options);
  }
  bool waiting() const {
    const MutexLock lock(mutex_);
    return waiting_;
  }
  void Open() {
    const MutexLock lock(mutex_);
    open_ = true;
    opened_.NotifyAll();
  }

 private:
  mutable Mutex mutex_;
  CondVar opened_;
  bool waiting_ LH_GUARDED_BY(mutex_) = false, open_ LH_GUARDED_BY(mutex_) = false;
};

class IndexSetOnDiskTest : public IndexSetTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(made_.path());
    folder = made_.path();
  }
  std::optional<std::filesystem::path> Segment() const {
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
      if (entry.path().extension() == ".segment") return entry.path();
    }
    return std::nullopt;
  }
  std::string Bytes() const {
    const auto segment = Segment();
    if (!segment) return {};
    std::ifstream in(*segment, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  const object::TemporaryFolder made_;
};

TEST_F(IndexSetOnDiskTest, ADamagedFileIsReadFromTheStoreAgain) {
  constexpr size_t kItems = 20'000;
  auto set = Start();
  IndexOptions options = Options();
  options.metric = Metric::kL2;
  options.m = 4;
  options.ef_construction = 8;
  const auto made = set->Create({}, "docs", options);
  ASSERT_TRUE(made);
  Batch batch;
  for (size_t i = 0; i < kItems; ++i) {
    batch.ids.push_back(std::to_string(i));
    const size_t row = i / 200;
    batch.vectors.insert(batch.vectors.end(), {static_cast<float>(i % 200), static_cast<float>(row)});
    batch.metadata.emplace_back();
  }
  ASSERT_TRUE((*made)->Commit({}, batch));
  const auto manifests = [&] {
    const auto page = store.List({}, {.prefix = "vectors/" + (*made)->definition().uid + "/snapshot/"});
    return page && std::ranges::any_of(page->objects, [](const auto& o) { return o.key.ends_with("manifest.json"); });
  };
  ASSERT_TRUE(Until([&] { return Segment().has_value() && manifests(); }));
  set.reset();
  const std::string good = Bytes();
  std::string damaged = good;
  damaged[damaged.size() / 2] ^= 1;  // vectors
  std::ofstream(*Segment(), std::ios::binary | std::ios::trunc) << damaged;
  set = Start();
  ASSERT_TRUE(Until([&] { return Bytes() == good && set->Find("docs"); }));
  const auto index = *set->Find("docs");
  EXPECT_EQ(index->index().length(), kItems);
  EXPECT_EQ(index->index().Get("19999")->vector, (std::vector<float>{199, 99}));
  EXPECT_TRUE(index->index().Verify());
  Add(*set, "docs", "more");
}

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

TEST_F(IndexSetOnDiskTest, ADropBesideASnapshotLeavesNothingBehind) {
  GatedStore gated(store);
  {
    IndexSet set(VectorEnvironment{gated, Logger::Silent(), folder, 1, RandomUuid(), ~uint64_t{0}});
    ASSERT_TRUE(Until([&] { return set.Ready().has_value(); }));
    IndexOptions options = Options();
    options.m = 4;
    options.ef_construction = 8;
    const auto index = set.Create({}, "docs", options);
    ASSERT_TRUE(index) << index.error().detail;
    Batch batch;
    for (int i = 0; i < 20'000; ++i) {
      batch.ids.push_back(std::to_string(i));
      const int row = i / 141 + 1;
      batch.vectors.insert(batch.vectors.end(), {static_cast<float>(i % 141 + 1), static_cast<float>(row)});
      batch.metadata.emplace_back(std::nullopt);
    }
    ASSERT_TRUE((*index)->Commit({}, batch));
    ASSERT_TRUE(Until([&] { return gated.waiting(); }));
    Status dropped;
    std::jthread dropper([&] { dropped = set.Drop({}, "docs"); });
    ASSERT_TRUE(Until([&] { return KindOf(set.Find("docs")) == ErrorKind::kNotFound; }));
    gated.Open();
    dropper.join();
    EXPECT_TRUE(dropped);
    batch = {};
    batch.removed = {"1"};
    const auto late = (*index)->Commit({}, batch);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kNotFound);
  }
  EXPECT_FALSE(Segment());
  const auto none = [](const object::ObjectInfo& object) -> Result<object::Listing> {
    ADD_FAILURE() << object.key << " is left";
    return object::Listing::kGoOn;
  };
  EXPECT_TRUE(object::ForEachObject(store, {}, {.prefix = "vectors/"}, none));
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
