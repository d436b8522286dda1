// The state machine and what it is built of: lists and indexes whose former selves live on, tables that come back, keys
// that were purged, checkpoints that say the same as the log, the cache of manifests.
#include "catalog/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "catalog/codec.h"
#include "catalog/log_reader.h"
#include "catalog/state_view.h"

namespace lakehouse::catalog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PersistentListTest, EveryFormerSelfLivesOn) {
  constexpr size_t kItems = 1000;
  std::vector<PersistentList<size_t>> selves(1);
  for (size_t i = 0; i < kItems; ++i) selves.push_back(selves.back().Appended(i));
  for (size_t n = 0; n <= kItems; n += 37) {
    ASSERT_EQ(selves[n].size(), n);
    const auto items = selves[n].ToVector();
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(items[i], i);
      ASSERT_EQ(selves[n].At(i), i);
    }
    EXPECT_EQ(selves.back().Prefix(n).ToVector(), items);
    EXPECT_EQ(selves.back().Without([n](size_t item) { return item >= n; }).size(), n);
  }
  const auto other = selves[10].Appended(77);
  EXPECT_EQ(other.back(), 77U);
  EXPECT_EQ(selves[11].back(), 10U) << "two lists may go on from one";
}

TEST(PersistentListTest, AVeryLongOneEndsWithoutDeepRecursion) {
  PersistentList<int> list;
  for (int i = 0; i < 300'000; ++i) list = list.Appended(i);
  const auto half = list.Prefix(150'000);
  list = {};
  EXPECT_EQ(half.At(149'999), 149'999);
}

TEST(PersistentIndexTest, FindsWhatWasAddedAndNothingElse) {
  PersistentIndex index;
  std::vector<PersistentIndex> selves;
  for (uint64_t i = 0; i < 2000; ++i) {
    selves.push_back(index);
    index.Add(Xxh3(std::to_string(i)), i);
  }
  for (uint64_t i = 0; i < 2000; ++i) {
    const uint64_t hash = Xxh3(std::to_string(i));
    EXPECT_TRUE(index.Any(hash, [i](uint64_t number) { return number == i; }));
    EXPECT_FALSE(selves[i].Any(hash, [](uint64_t) { return true; }));
  }
}

TEST(PersistentIndexTest, OneHashMayStandForMany) {
  PersistentIndex index;
  for (uint64_t i = 0; i < 100; ++i) index.Add(42, i);
  for (uint64_t i = 0; i < 100; ++i) EXPECT_TRUE(index.Any(42, [i](uint64_t number) { return number == i; }));
  EXPECT_FALSE(index.Any(42, [](uint64_t number) { return number == 100; }));
}

class StateTest : public ::testing::Test {
 protected:
  static LogEntry Entry(LogEntry::Kind kind, std::string name, std::vector<std::string> keys = {}) {
    LogEntry entry;
    entry.kind = kind;
    entry.name = std::move(name);
    entry.fingerprint = "f";
    for (std::string& key : keys) entry.objects.push_back({std::move(key), 10, 5, {}});
    entry.row_count = 5 * entry.objects.size();
    return entry;
  }
  // Applies it a second after the one before.
  void Do(LogEntry entry) {
    entry.committed_at = WallTime(std::chrono::seconds(1000 + state_.seq().value));
    entry.commit_id = fmt::format("commit-{}", state_.seq().value);
    entry.table_uuid = fmt::format("table-{}", state_.seq().value);
    const Status applied = state_.Replay(entry, state_.seq().Next());
    ASSERT_TRUE(applied) << applied.error().detail;
  }
  Manifest Of(std::string_view name, uint64_t version) {
    const DatasetPtr dataset = state_.Find(name);
    return ToManifest(*dataset, *dataset->Find(DatasetVersion(version)));
  }

  LakeState state_;
};

TEST_F(StateTest, CreatedAtBelongsToTheTable) {
  using enum LogEntry::Kind;
  Do(Entry(kReplace, "t", {"a"}));
  Do(Entry(kAppend, "t", {"b"}));
  Do(Entry(kReplace, "t", {"c"}));
  Do(Entry(kDrop, "t"));
  Do(Entry(kReplace, "t", {"d"}));
  Do(Entry(kAppend, "t", {"e"}));
  state_ = DecodeState(state_.seq(), EncodeState(state_).value()).value();
  const auto first = Of("t", 1).created_at;
  EXPECT_EQ(Of("t", 2).created_at, first);
  EXPECT_EQ(Of("t", 3).created_at, first);
  EXPECT_EQ(Of("t", 4).created_at, first + std::chrono::seconds(4));
  EXPECT_EQ(Of("t", 5).created_at, Of("t", 4).created_at);
}

TEST_F(StateTest, AVersionKnowsItsOwnObjectsAlone) {
  using enum LogEntry::Kind;
  for (int i = 0; i < 50; ++i) Do(Entry(kAppend, "t", {fmt::format("k{}", i)}));
  Do(Entry(kDrop, "t"));
  for (int round = 0; round < 2; ++round) {
    for (const uint64_t version : {1, 2, 17, 50}) {
      const Manifest manifest = Of("t", version);
      ASSERT_EQ(manifest.objects.size(), version);
      EXPECT_EQ(manifest.objects.back().key, fmt::format("k{}", version - 1));
    }
    EXPECT_EQ(state_.Find("t")->At(Seq(51))->is_drop, true);
    EXPECT_EQ(state_.Find("t")->At(Seq(50))->version.value, 50U);
    EXPECT_EQ(state_.Find("t")->FindCommit("commit-3")->version.value, 4U);
    EXPECT_EQ(state_.Find("t")->FindCommit("commit-50"), nullptr) << "a drop is no register";
    state_ = DecodeState(state_.seq(), EncodeState(state_).value()).value();
  }
}

TEST_F(StateTest, ExpiredVersionsGoAndTheRestStays) {
  using enum LogEntry::Kind;
  for (int i = 0; i < 6; ++i) Do(Entry(kAppend, "t", {fmt::format("k{}", i)}));
  LogEntry pin = Entry(kPin, "t");
  pin.version = DatasetVersion(2);
  Do(pin);
  LogEntry expire = Entry(kExpire, "");
  for (const uint64_t version : {1, 2, 3, 4, 6}) expire.versions.emplace_back("t", DatasetVersion(version));
  Do(expire);
  std::vector<uint64_t> kept;
  for (const VersionPtr& version : state_.Find("t")->versions().ToVector()) kept.push_back(version->version.value);
  EXPECT_THAT(kept, ElementsAre(2, 5, 6)) << "pinned and current ones stay";
  EXPECT_EQ(state_.history_floor().value, 5U);
  EXPECT_EQ(Of("t", 6).objects.size(), 6U);
  EXPECT_EQ(state_.Find("t")->FindCommit("commit-0"), nullptr);
  EXPECT_NE(state_.Find("t")->FindCommit("commit-4"), nullptr);
}

TEST_F(StateTest, AKeyThatWasPurgedIsRefused) {
  using enum LogEntry::Kind;
  LogEntry purge = Entry(kPurge, "");
  purge.keys = {"datasets/t/gone"};
  Do(purge);
  for (int round = 0; round < 2; ++round) {
    const auto refused = state_.Apply(Entry(kAppend, "t", {"datasets/t/new", "datasets/t/gone"}), state_.seq().Next());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
    EXPECT_THAT(refused.error().detail, HasSubstr("datasets/t/gone"));
    state_ = DecodeState(state_.seq(), EncodeState(state_).value()).value();
  }
  Do(Entry(kAppend, "t", {"datasets/t/new"}));
  // The memory of it does not grow for ever.
  purge.keys = {"datasets/t/later"};
  purge.committed_at = WallTime(std::chrono::seconds(1000)) + std::chrono::hours(24 * 8);
  ASSERT_TRUE(state_.Replay(purge, state_.seq().Next()));
  EXPECT_THAT(state_.purged(), ElementsAre(::testing::Pair("datasets/t/later", purge.committed_at)));
}

TEST_F(StateTest, TheCacheOfManifestsKeepsToItsBytes) {
  using enum LogEntry::Kind;
  for (int i = 0; i < 100; ++i) Do(Entry(kReplace, fmt::format("t{}", i), {std::string(500, 'k')}));
  constexpr size_t kBytes = 20'000;
  ManifestCache cache(kBytes);
  const auto get = [&](int i) {
    const DatasetPtr dataset = state_.Find(fmt::format("t{}", i));
    return cache.Get(dataset, dataset->Current());
  };
  const auto first = get(0);
  for (int i = 1; i < 100; ++i) {
    EXPECT_EQ(get(i)->name, fmt::format("t{}", i));
    EXPECT_EQ(get(0), first) << "what is asked for stays";
    EXPECT_LE(cache.bytes(), kBytes);
  }
  EXPECT_GT(cache.bytes(), kBytes / 2);
  EXPECT_EQ(get(99), get(99));
  ManifestCache tiny(10);
  const DatasetPtr dataset = state_.Find("t5");
  EXPECT_EQ(tiny.Get(dataset, dataset->Current())->name, "t5");
  EXPECT_EQ(tiny.bytes(), 0U);
}

}  // namespace
}  // namespace lakehouse::catalog
