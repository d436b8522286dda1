// What counts after a crash, whatever the disk refused before it. A crash is a copy of the files as they are.
#include "object/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>

#include "object/store_test_folder.h"

namespace lakehouse::object {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class JournalTest : public ::testing::Test {
 protected:
  using Contents = std::map<std::string, std::string>;

  std::unique_ptr<Journal> Open(const fs::path& folder, Contents* replayed = nullptr) {
    fs::create_directories(folder);
    Journal::Tree tree;
    tree.replay = [replayed](const JournalRecord& record) -> Result<bool> {
      if (replayed != nullptr) (*replayed)[std::string(record.key)] = record.bytes;
      return true;
    };
    tree.settle = [this]() -> Status {
      ++settled_;
      if (refuse_settle_) return Fail(ErrorKind::kInternal, "the disk is broken");
      return {};
    };
    tree.hurry = [this]() -> Status {
      if (in_trouble_) return Fail(ErrorKind::kExhausted, "the tree is full");
      return {};
    };
    JournalOptions options;
    options.segment_bytes = 1000;
    options.most_segments = 3;
    options.sync = [this](int) {
      if (failing_syncs_ == 0) return 0;
      --failing_syncs_;
      errno = EIO;
      return -1;
    };
    auto opened = Journal::Open(folder, std::move(tree), std::move(options));
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }
  // What a store would find after a crash now.
  Contents AfterACrash() {
    const fs::path crashed = folder_.path() / fmt::format("crashed-{}", crashes_++);
    fs::copy(Live(), crashed);
    Contents replayed;
    Open(crashed, &replayed);
    return replayed;
  }
  static Result<Journal::Entry> Put(Journal& journal, std::string_view key, std::string_view bytes) {
    return journal.Append({JournalRecord::Kind::kPut, key, "etag", "text/plain", bytes});
  }
  fs::path Live() const { return folder_.path() / "live"; }

  TemporaryFolder folder_;
  std::atomic<int> failing_syncs_ = 0, settled_ = 0;
  std::atomic<bool> refuse_settle_ = false, in_trouble_ = false;
  int crashes_ = 0;
};

TEST_F(JournalTest, WhatWasAppendedIsReplayed) {
  const auto journal = Open(Live());
  const auto a = Put(*journal, "a", "1");
  const auto b = Put(*journal, "b", "2");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(*a->ReadBytes(), "1");
  EXPECT_EQ(*b->ReadBytes(), "2");
  EXPECT_THAT(AfterACrash(), UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(JournalTest, NothingIsReplayedAfterAGoodEnd) {
  ASSERT_TRUE(Put(*Open(Live()), "a", "1"));
  Contents replayed;
  {
    const auto journal = Open(Live(), &replayed);
    EXPECT_THAT(replayed, IsEmpty());
    ASSERT_TRUE(Put(*journal, "b", "2"));
    EXPECT_THAT(AfterACrash(), UnorderedElementsAre(Pair("b", "2")));
  }
  EXPECT_THAT(AfterACrash(), IsEmpty());
}

// The bytes of the refused record stand in the file, whole: only what the next segment says keeps them from counting.
TEST_F(JournalTest, ARecordWhoseSyncFailedDoesNotCount) {
  const auto journal = Open(Live());
  const auto a = Put(*journal, "a", "1");
  ASSERT_TRUE(a);
  failing_syncs_ = 1;
  const auto refused = Put(*journal, "a", "refused");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInternal);
  EXPECT_THAT(AfterACrash(), UnorderedElementsAre(Pair("a", "1")));
  const auto b = Put(*journal, "b", "2");
  ASSERT_TRUE(b);
  EXPECT_THAT(AfterACrash(), UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(JournalTest, WhereNothingCanBeSyncedTheAnswerIsOpen) {
  const auto journal = Open(Live());
  const auto a = Put(*journal, "a", "1");
  ASSERT_TRUE(a);
  failing_syncs_ = 3;
  EXPECT_EQ(Put(*journal, "a", "open").error().kind, ErrorKind::kAmbiguous);
  // Refused before it was written anywhere.
  EXPECT_EQ(Put(*journal, "a", "refused").error().kind, ErrorKind::kInternal);
  const auto b = Put(*journal, "b", "2");
  ASSERT_TRUE(b);
  EXPECT_THAT(AfterACrash(), UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(JournalTest, AFullDiskLeavesNoPartOfABatch) {
  const auto journal = Open(Live());
  const auto a = Put(*journal, "a", "1");
  ASSERT_TRUE(a);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit little{(1 << 20) + 300'000, before.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  const auto refused = Put(*journal, "a", std::string(3 << 20, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_FALSE(refused);
  EXPECT_THAT(AfterACrash(), UnorderedElementsAre(Pair("a", "1")));
  const auto b = Put(*journal, "b", "2");
  ASSERT_TRUE(b);
  EXPECT_THAT(AfterACrash(), UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
}

TEST_F(JournalTest, SegmentsTakeTurns) {
  const auto journal = Open(Live());
  const std::string padding(200, 'x');
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Put(*journal, fmt::format("k{}", i % 7), fmt::format("{}{}", i, padding)));
    if (i % 20 != 0) continue;
    // Whatever of the past is replayed too, a key's last record is its last.
    for (const auto& [key, bytes] : AfterACrash()) {
      const int last = i - (i % 7 - std::stoi(key.substr(1)) + 7) % 7;
      EXPECT_EQ(bytes, fmt::format("{}{}", last, padding)) << key;
    }
  }
  // Two, where the settler keeps up.
  EXPECT_LE(std::distance(fs::directory_iterator(Live()), {}), 3);
  EXPECT_GT(settled_, 0);
}

TEST_F(JournalTest, LiveEntriesKeepTheirSegments) {
  const auto journal = Open(Live());
  const std::string padding(300, 'x');
  std::vector<Journal::Entry> live;
  in_trouble_ = true;
  for (int i = 0; i < 40; ++i) {
    auto entry = Put(*journal, fmt::format("k{}", i), std::to_string(i) + padding);
    ASSERT_TRUE(entry) << entry.error().detail;
    live.push_back(std::move(*entry));
  }
  for (int i = 0; i < 40; ++i) EXPECT_EQ(*live[i].ReadBytes(), std::to_string(i) + padding);
  EXPECT_EQ(AfterACrash().size(), 40U);
  live.clear();
  in_trouble_ = false;
}

TEST_F(JournalTest, ATreeThatWasNotSettledIsReplayed) {
  refuse_settle_ = true;
  {
    const auto journal = Open(Live());
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(Put(*journal, fmt::format("k{}", i), std::string(300, 'x')));
  }
  refuse_settle_ = false;
  EXPECT_EQ(AfterACrash().size(), 40U);
}

}  // namespace
}  // namespace lakehouse::object
