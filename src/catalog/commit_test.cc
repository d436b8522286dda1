// The catalog as its callers see it, over a store in memory: commits, batches, ambiguity, several catalogds, restarts,
// checkpoints, garbage.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <thread>

#include "base/log.h"
#include "base/mutex.h"
#include "catalog/codec.h"
#include "catalog/hooked_store.h"
#include "catalog/lake_catalog.h"
#include "catalog/replica.h"
#include "object/memory_store.h"

namespace lakehouse::catalog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SetClock final : public Clock {
 public:
  WallTime Now() const override { return WallTime(std::chrono::microseconds(now_us_.load())); }
  MonotonicTime Monotonic() const override { return std::chrono::steady_clock::now(); }
  void Advance(std::chrono::microseconds by) { now_us_ += by.count(); }

 private:
  std::atomic<int64_t> now_us_{1'700'000'000'000'000};
};

class CatalogTest : public ::testing::Test {
 protected:
  std::unique_ptr<LakeCatalog> Open(LakeCatalogOptions options = {}) {
    auto opened = LakeCatalog::Open(context_, hooked_, clock_, Logger::Silent(), metrics_, options);
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }

  static RegisterRequest Request(std::string name, std::string key, WriteMode mode = WriteMode::kReplace) {
    RegisterRequest request;
    request.name = std::move(name);
    request.schema_fingerprint = "f1";
    request.schema = {{"x", "BIGINT", true, 0}};
    request.objects = {{std::move(key), 10, 5, {{1, 0, "1", "5"}}}};
    request.row_count = 5;
    request.mode = mode;
    return request;
  }
  static RegisterRequest FromSource(std::string key, std::string source, WriteMode mode) {
    RegisterRequest request = Request("t", std::move(key), mode);
    request.source_sha256 = std::move(source);
    request.allow_duplicate_source = false;
    return request;
  }
  void PutData(const std::string& key) { ASSERT_TRUE(object::PutWhole(memory_, context_, key, "data")); }
  bool HasData(const std::string& key) { return memory_.Head(context_, key).has_value(); }

  SetClock clock_;
  object::MemoryStore memory_{clock_};
  HookedStore hooked_{memory_};
  observe::Metrics metrics_;
  RequestContext context_;
};

TEST_F(CatalogTest, NewExistingAndConflicting) {
  const auto catalog = Open();
  const auto made = catalog->Register(context_, Request("Trips", "k1"));
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->existing);
  EXPECT_EQ(made->manifest.version.value, 1U);
  EXPECT_EQ(made->manifest.schema[0].field_id, 1);
  const auto same = catalog->Register(context_, Request("trips", "k1"));
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->existing);
  EXPECT_EQ(same->manifest.name, "Trips");
  EXPECT_EQ(catalog->Epoch(context_, std::nullopt, {})->value, 1U) << "a repeated register is no commit";
  auto other = Request("trips", "k1");
  other.schema_fingerprint = "f2";
  const auto conflict = catalog->Register(context_, other);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(conflict.error().detail, HasSubstr("f1"));
  EXPECT_THAT(conflict.error().detail, HasSubstr("f2"));
}

TEST_F(CatalogTest, OneOfManyCreates) {
  LakeCatalogOptions options;
  options.shared_log = true;
  const auto first = Open(options), second = Open(options);
  std::atomic<int> made{0}, refused{0};
  {
    std::vector<std::jthread> clients;
    clients.reserve(8);
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&, i] {
        const auto created =
            (i % 2 == 0 ? first : second)->Register(context_, Request("t", fmt::format("k{}", i), WriteMode::kCreate));
        ++(created ? made : refused);
        if (!created) EXPECT_EQ(created.error().kind, ErrorKind::kConflict);
      });
    }
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 7);
  EXPECT_EQ(first->Get(context_, "t", std::nullopt)->version.value, 1U);
  ASSERT_TRUE(first->Drop(context_, "t"));
  EXPECT_TRUE(second->Register(context_, Request("T", "k9", WriteMode::kCreate))) << "a dropped name is free";
  const auto snapshots = second->Snapshots(context_, "t");
  ASSERT_TRUE(snapshots) << snapshots.error().detail;
  ASSERT_FALSE(snapshots->empty());
  for (const Snapshot& snapshot : *snapshots) EXPECT_EQ(snapshot.mode, WriteMode::kReplace);
  auto again = Request("once", "k10", WriteMode::kCreate);
  again.commit_id = "c";
  EXPECT_TRUE(first->Register(context_, again));
  EXPECT_TRUE(first->Register(context_, again)->replayed) << "the same commit, asked for twice";
}

TEST_F(CatalogTest, NamesAndFingerprintsAreChecked) {
  const auto catalog = Open();
  for (const char* name : {"", "1x", "a b", "a/b", "é"}) {
    const auto refused = catalog->Register(context_, Request(name, "k"));
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  }
  EXPECT_FALSE(catalog->Register(context_, Request(std::string(129, 'a'), "k")));
  EXPECT_TRUE(catalog->Register(context_, Request(std::string(128, 'a'), "k")));
}

TEST_F(CatalogTest, ASourceIsKnownAgain) {
  const auto catalog = Open();
  ASSERT_TRUE(catalog->Register(context_, FromSource("k1", "A", WriteMode::kReplace)));
  EXPECT_TRUE(catalog->Register(context_, FromSource("k2", "A", WriteMode::kReplace))->replayed);
  EXPECT_TRUE(catalog->Register(context_, FromSource("k2", "A", WriteMode::kAppend))->replayed);
  EXPECT_FALSE(catalog->Register(context_, FromSource("k3", "B", WriteMode::kAppend))->replayed);
  EXPECT_TRUE(catalog->Register(context_, FromSource("k4", "A", WriteMode::kAppend))->replayed);
  // B is the newest commit, but not the whole content.
  const auto replaced = catalog->Register(context_, FromSource("k5", "B", WriteMode::kReplace));
  ASSERT_TRUE(replaced);
  EXPECT_FALSE(replaced->replayed);
  EXPECT_EQ(replaced->manifest.row_count, 5U);
}

TEST_F(CatalogTest, VersionsGoOnCountingAfterADrop) {
  const auto catalog = Open();
  const auto first = catalog->Register(context_, Request("t", "k1"));
  ASSERT_TRUE(catalog->Drop(context_, "T"));
  EXPECT_EQ(catalog->Get(context_, "t", std::nullopt).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(catalog->Drop(context_, "t").error().kind, ErrorKind::kNotFound);
  auto request = Request("t", "k2");
  request.schema_fingerprint = "other";
  const auto again = catalog->Register(context_, request);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->existing);
  EXPECT_EQ(again->manifest.version.value, 2U);
  EXPECT_EQ(again->manifest.dataset_id, first->manifest.dataset_id);
  const auto view = catalog->At(context_, Seq(2));
  ASSERT_TRUE(view);
  EXPECT_EQ((*view)->Find("t"), nullptr) << "at seq 2 it was dropped";
  EXPECT_NE((*catalog->At(context_, Seq(1)))->Find("t"), nullptr);
  EXPECT_FALSE(catalog->At(context_, Seq(99)));
}

TEST_F(CatalogTest, EveryCallerOfABatchGetsItsOwnVersion) {
  const auto catalog = Open();
  ASSERT_TRUE(catalog->Register(context_, Request("t", "k0")));
  constexpr int kThreads = 16;
  std::vector<uint64_t> versions(kThreads), rows(kThreads);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const auto result = catalog->Register(context_, Request("t", "k" + std::to_string(i + 1), WriteMode::kAppend));
        ASSERT_TRUE(result);
        versions[static_cast<size_t>(i)] = result->manifest.version.value;
        rows[static_cast<size_t>(i)] = result->manifest.row_count;
      });
    }
  }
  EXPECT_EQ(std::set<uint64_t>(versions.begin(), versions.end()).size(), static_cast<size_t>(kThreads));
  for (size_t i = 0; i < versions.size(); ++i) EXPECT_EQ(rows[i], versions[i] * 5);
}

TEST_F(CatalogTest, ARestartFindsEverything) {
  for (const uint64_t every : {1000, 3}) {
    LakeCatalogOptions options;
    options.checkpoint_every = every;
    const std::string name = "d" + std::to_string(every);
    {
      const auto catalog = Open(options);
      ASSERT_TRUE(catalog->Register(context_, Request(name, "a")));
      for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(catalog->Register(context_, Request(name, "b" + std::to_string(i), WriteMode::kAppend)));
      ASSERT_TRUE(catalog->SetPin(context_, name, DatasetVersion(3), true));
    }
    const auto catalog = Open(options);
    const auto manifest = catalog->Get(context_, name, std::nullopt);
    ASSERT_TRUE(manifest);
    EXPECT_EQ(manifest->objects.size(), 11U);
    EXPECT_EQ(manifest->row_count, 55U);
    EXPECT_EQ(manifest->objects[1].stats[0].max, "5");
    EXPECT_EQ(catalog->Get(context_, name, DatasetVersion(4))->objects.size(), 4U);
    const auto snapshots = catalog->Snapshots(context_, name);
    ASSERT_EQ(snapshots->size(), 11U);
    EXPECT_TRUE((*snapshots)[8].pinned);
  }
}

TEST_F(CatalogTest, ADamagedLogObjectIsNamed) {
  {
    ASSERT_TRUE(Open()->Register(context_, Request("t", "k")));
  }
  ASSERT_TRUE(object::PutWhole(memory_, context_, LogKey(Seq(1)), "no parquet"));
  const auto opened = LakeCatalog::Open(context_, memory_, clock_, Logger::Silent(), metrics_, {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().detail, HasSubstr(LogKey(Seq(1))));
}

TEST_F(CatalogTest, AnAnswerThatWasLostIsSettled) {
  const auto catalog = Open();
  int lost = 1;
  hooked_.after_put = [&lost](std::string_view) -> std::optional<Error> {
    if (lost-- <= 0) return std::nullopt;
    return Error{ErrorKind::kAmbiguous, "the connection broke", std::nullopt, {}};
  };
  ASSERT_TRUE(catalog->Register(context_, Request("t", "k1")));
  EXPECT_EQ(catalog->Get(context_, "t", std::nullopt)->version.value, 1U);
  EXPECT_EQ(catalog->Epoch(context_, std::nullopt, {})->value, 1U);
}

TEST_F(CatalogTest, AWriteThatNeverHappenedLeavesNothing) {
  const auto catalog = Open();
  int failing = 1;
  hooked_.before_put = [&failing](std::string_view) -> std::optional<Error> {
    if (failing-- <= 0) return std::nullopt;
    return Error{ErrorKind::kExhausted, "the disk is full", std::nullopt, {}};
  };
  EXPECT_EQ(catalog->Register(context_, Request("t", "k1")).error().kind, ErrorKind::kExhausted);
  EXPECT_FALSE(catalog->Get(context_, "t", std::nullopt));
  EXPECT_TRUE(catalog->Register(context_, Request("t", "k1")));
}

// Several catalogds over one log: every acknowledged commit is there once, and real-time order is log order.
TEST_F(CatalogTest, SeveralCatalogdsAreLinearizable) {
  LakeCatalogOptions options;
  options.shared_log = true;
  options.checkpoint_every = 5;
  struct Event {
    MonotonicTime start, end;
    uint64_t seq = 0, version = 0;
    std::string key;
  };
  Mutex mutex;
  std::vector<Event> history;
  constexpr int kCatalogs = 3, kCommits = 12;
  {
    std::vector<std::jthread> threads;
    threads.reserve(kCatalogs);
    for (int c = 0; c < kCatalogs; ++c) {
      threads.emplace_back([&, c] {
        const auto catalog = Open(options);
        for (int i = 0; i < kCommits; ++i) {
          Event event;
          event.key = fmt::format("k-{}-{}", c, i);
          event.start = std::chrono::steady_clock::now();
          const auto result = catalog->Register(context_, Request("t", event.key, WriteMode::kAppend));
          event.end = std::chrono::steady_clock::now();
          ASSERT_TRUE(result) << result.error().detail;
          event.seq = result->manifest.seq.value;
          event.version = result->manifest.version.value;
          const auto read = catalog->Get(context_, "t", std::nullopt);
          ASSERT_TRUE(read);
          EXPECT_GE(read->version.value, event.version) << "what was acknowledged is read";
          MutexLock lock(mutex);
          history.push_back(event);
        }
      });
    }
  }
  std::set<uint64_t> versions;
  for (const Event& event : history) versions.insert(event.version);
  EXPECT_EQ(versions.size(), static_cast<size_t>(kCatalogs * kCommits));
  EXPECT_EQ(*versions.rbegin(), static_cast<uint64_t>(kCatalogs * kCommits));
  for (const Event& a : history) {
    for (const Event& b : history) {
      if (a.end < b.start) {
        EXPECT_LT(a.version, b.version) << a.key << " ended before " << b.key << " began";
      }
    }
  }
  const auto manifest = Open(options)->Get(context_, "t", std::nullopt);
  std::set<std::string> keys;
  for (const DataObject& object : manifest->objects) keys.insert(object.key);
  EXPECT_EQ(keys.size(), static_cast<size_t>(kCatalogs * kCommits));
}

TEST_F(CatalogTest, GarbageGoesInTwoPhases) {
  LakeCatalogOptions options;
  options.keep_versions = 1;
  options.keep_age = std::chrono::seconds(0);
  options.gc_min_age_floor = std::chrono::seconds(60);
  const auto catalog = Open(options);
  const auto run = [&](bool dry) {
    std::vector<std::string> keys;
    const auto report = catalog->Gc(context_, {dry, std::chrono::seconds(60)});
    EXPECT_TRUE(report);
    for (const auto& removal : report->removed) keys.push_back(removal.key);
    return keys;
  };
  EXPECT_EQ(catalog->Gc(context_, {true, std::chrono::seconds(59)}).error().kind, ErrorKind::kInvalid);
  for (const char* key : {"datasets/t/old", "datasets/t/new", "datasets/t/orphan", "raw/other"}) PutData(key);
  ASSERT_TRUE(catalog->Register(context_, Request("t", "datasets/t/old")));
  ASSERT_TRUE(catalog->Register(context_, Request("t", "datasets/t/new")));
  EXPECT_THAT(run(false), ElementsAre()) << "everything is young";
  EXPECT_FALSE(catalog->Get(context_, "t", DatasetVersion(1))) << "but the old version has been let go";
  clock_.Advance(std::chrono::seconds(30));
  PutData("datasets/t/upload");
  clock_.Advance(std::chrono::seconds(31));
  EXPECT_THAT(run(true), ElementsAre("datasets/t/old", "datasets/t/orphan"));
  EXPECT_TRUE(HasData("datasets/t/old")) << "a dry run removes nothing";
  EXPECT_THAT(run(false), ElementsAre("datasets/t/old", "datasets/t/orphan"));
  EXPECT_FALSE(HasData("datasets/t/old"));
  EXPECT_FALSE(HasData("datasets/t/orphan"));
  EXPECT_TRUE(HasData("datasets/t/new"));
  EXPECT_TRUE(HasData("datasets/t/upload"));
  EXPECT_TRUE(HasData("raw/other"));
  EXPECT_THAT(run(false), ElementsAre());
}

TEST_F(CatalogTest, WhatWasPurgedCannotBeRegistered) {
  LakeCatalogOptions options;
  options.gc_min_age_floor = std::chrono::seconds(0);
  auto catalog = Open(options);
  PutData("datasets/t/late");
  clock_.Advance(std::chrono::seconds(1));
  ASSERT_TRUE(catalog->Gc(context_, {false, std::chrono::seconds(0)}));
  catalog = Open(options);
  const auto late = catalog->Register(context_, Request("t", "datasets/t/late"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(late.error().detail, HasSubstr("datasets/t/late"));
  EXPECT_TRUE(catalog->Register(context_, Request("t", "datasets/t/again")));
}

// Two catalogds collect at the same time, each purging between any two steps of the other.
TEST_F(CatalogTest, TwoMayCollectAtOnce) {
  LakeCatalogOptions options;
  options.shared_log = true;
  options.keep_versions = 1;
  options.keep_age = std::chrono::seconds(0);
  options.gc_min_age_floor = std::chrono::seconds(0);
  const auto one = Open(options), other = Open(options);
  for (int i = 0; i < 5; ++i) {
    PutData(fmt::format("datasets/t/{}", i));
    ASSERT_TRUE(one->Register(context_, Request("t", fmt::format("datasets/t/{}", i))));
  }
  clock_.Advance(std::chrono::seconds(1));
  bool inside = false;
  size_t removed_by_other = 0;
  hooked_.before_put = [&](std::string_view) -> std::optional<Error> {
    if (std::exchange(inside, true)) return std::nullopt;
    const auto report = other->Gc(context_, {false, std::chrono::seconds(0)});
    EXPECT_TRUE(report);
    removed_by_other += report->removed.size();
    return std::nullopt;
  };
  const auto report = one->Gc(context_, {false, std::chrono::seconds(0)});
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_EQ(report->removed.size() + removed_by_other, 4U) << "each object is removed once";
  EXPECT_TRUE(HasData("datasets/t/4"));
  EXPECT_FALSE(HasData("datasets/t/0"));
}

TEST_F(CatalogTest, CollectsByItselfWhenToldTo) {
  LakeCatalogOptions options;
  options.gc_every = std::chrono::milliseconds(1);
  options.gc_min_age = std::chrono::seconds(0);
  PutData("datasets/t/orphan");
  clock_.Advance(std::chrono::seconds(1));
  const auto catalog = Open(options);
  const Deadline patience = Deadline::After(std::chrono::seconds(20));
  while (HasData("datasets/t/orphan") && !patience.HasPassed()) std::this_thread::yield();
  EXPECT_FALSE(HasData("datasets/t/orphan"));
}

TEST_F(CatalogTest, AnOrderlyEndLeavesACheckpoint) {
  const auto checkpoints = [&] { return *LogReader(memory_).Checkpoints(context_); };
  {
    const auto catalog = Open();
    ASSERT_TRUE(catalog->Checkpoint(context_));
    EXPECT_THAT(checkpoints(), ElementsAre()) << "nothing happened";
    ASSERT_TRUE(catalog->Register(context_, Request("t", "k1")));
    ASSERT_TRUE(catalog->Register(context_, Request("t", "k2")));
    ASSERT_TRUE(catalog->Checkpoint(context_));
    ASSERT_TRUE(catalog->Checkpoint(context_));
    EXPECT_THAT(checkpoints(), ElementsAre(Seq(2)));
  }
  ASSERT_TRUE(memory_.Delete(context_, LogKey(Seq(1)))) << "the checkpoint says it all";
  for (uint64_t end = 3; end < 9; ++end) {
    const auto catalog = Open();
    ASSERT_TRUE(catalog->Register(context_, Request("t", fmt::format("k{}", end))));
    ASSERT_TRUE(catalog->Checkpoint(context_));
  }
  EXPECT_THAT(checkpoints(), ElementsAre(Seq(8), Seq(7), Seq(6))) << "old ones go";
  EXPECT_EQ(Open()->Get(context_, "t", std::nullopt)->version.value, 8U);
}

// Every write of a GC run fails once, at each step in turn: nothing that a kept version names is ever removed.
TEST_F(CatalogTest, GarbageCollectionSurvivesAFailureAtAnyStep) {
  LakeCatalogOptions options;
  options.keep_versions = 1;
  options.keep_age = std::chrono::seconds(0);
  options.gc_min_age_floor = std::chrono::seconds(0);
  for (int step = 0; step < 3; ++step) {
    const std::string name = "g" + std::to_string(step);
    auto catalog = Open(options);
    const auto key = [&](const char* part) { return fmt::format("datasets/{}/{}", name, part); };
    PutData(key("old"));
    PutData(key("new"));
    ASSERT_TRUE(catalog->Register(context_, Request(name, key("old"))));
    ASSERT_TRUE(catalog->Register(context_, Request(name, key("new"))));
    clock_.Advance(std::chrono::seconds(1));
    int left = step;
    hooked_.before_put = [&left](std::string_view) -> std::optional<Error> {
      if (left-- != 0) return std::nullopt;
      return Error{ErrorKind::kExhausted, "full", std::nullopt, {}};
    };
    static_cast<void>(catalog->Gc(context_, {false, std::chrono::seconds(0)}));
    hooked_.before_put = nullptr;
    catalog = Open(options);
    EXPECT_TRUE(HasData(key("new")));
    ASSERT_TRUE(catalog->Gc(context_, {false, std::chrono::seconds(0)}));
    EXPECT_TRUE(HasData(key("new")));
    EXPECT_FALSE(HasData(key("old")));
  }
}

TEST_F(CatalogTest, AReplicaFollows) {
  const auto catalog = Open();
  ASSERT_TRUE(catalog->Register(context_, Request("t", "k1")));
  const auto newest = [&](const RequestContext& context) { return catalog->Epoch(context, std::nullopt, {}); };
  const auto replica = Replica::Open(context_, memory_, newest, std::chrono::milliseconds(0));
  ASSERT_TRUE(replica);
  EXPECT_NE((*(*replica)->Current(context_))->Find("T"), nullptr);
  ASSERT_TRUE(catalog->Register(context_, Request("u", "k2")));
  const auto view = (*replica)->Current(context_);
  EXPECT_THAT((*view)->Names(), ElementsAre("t", "u"));
  ASSERT_TRUE(catalog->Drop(context_, "t"));
  EXPECT_THAT((*(*replica)->Current(context_))->Names(), ElementsAre("u"));
  EXPECT_THAT((*view)->Names(), ElementsAre("t", "u")) << "a view does not change";
}

TEST_F(CatalogTest, EpochWaitsForACommit) {
  const auto catalog = Open();
  EXPECT_EQ(catalog->Epoch(context_, Seq(0), std::chrono::milliseconds(1))->value, 0U);
  std::jthread writer([&] { ASSERT_TRUE(catalog->Register(context_, Request("t", "k"))); });
  EXPECT_EQ(catalog->Epoch(context_, Seq(0), std::chrono::seconds(20))->value, 1U);
}

TEST(CodecTest, BytesThatLieAreErrors) {
  LogEntry entry;
  entry.name = "t";
  entry.commit_id = "c";
  entry.fingerprint = "f";
  entry.objects = {{"k", 1, 2, {}}};
  const auto bytes = EncodeEntries(Seq(7), {entry});
  ASSERT_TRUE(bytes);
  EXPECT_EQ(DecodeEntries(Seq(7), *bytes)->at(0).objects[0].key, "k");
  EXPECT_FALSE(DecodeEntries(Seq(8), *bytes)) << "WrongTitle";
  EXPECT_FALSE(DecodeEntries(Seq(7), "")) << "Empty";
  for (size_t cut = 0; cut < bytes->size(); cut += 97)
    EXPECT_FALSE(DecodeEntries(Seq(7), bytes->substr(0, cut))) << cut;
  int undetected = 0;
  for (size_t at = 0; at < bytes->size(); at += 13) {
    std::string damaged = *bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    const auto decoded = DecodeEntries(Seq(7), damaged);
    // A flipped bit that changes no value (in a footer's padding, say) may pass; a changed entry may not.
    if (decoded && (decoded->size() != 1 || decoded->at(0).objects != entry.objects || decoded->at(0).name != "t"))
      ++undetected;
  }
  EXPECT_EQ(undetected, 0);
  EXPECT_EQ(SeqOfKey(LogKey(Seq(42)))->value, 42U);
  EXPECT_FALSE(SeqOfKey("catalog/log/x.parquet"));
}

}  // namespace
}  // namespace lakehouse::catalog
