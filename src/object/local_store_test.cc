// What only the local store promises: paths, crashes between journal and tree, what is pending, trouble on the disk.
#include "object/local_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include "base/file.h"
#include "object/store_test_folder.h"

namespace lakehouse::object {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LocalStoreTest : public ::testing::Test {
 protected:
  // With an hour's linger nothing comes into the tree before the store is closed.
  std::unique_ptr<ObjectStore> Open(const fs::path& root, std::chrono::milliseconds linger = std::chrono::hours(1)) {
    LocalStoreOptions options;
    options.root = root;
    options.linger = linger;
    auto opened = OpenLocalStore(options);
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }
  static void WaitFor(const std::function<bool()>& come_true) {
    const Deadline deadline = Deadline::After(std::chrono::seconds(20));
    while (!come_true()) {
      ASSERT_FALSE(deadline.HasPassed());
      std::this_thread::yield();
    }
  }
  std::vector<std::string> Keys(ObjectStore& store, const ListOptions& options = {}) {
    std::vector<std::string> keys;
    const auto page = store.List(context_, options);
    EXPECT_TRUE(page) << page.error().detail;
    if (page)
      for (const auto& info : page->objects) keys.push_back(info.key);
    return keys;
  }
  TemporaryFolder folder_;
  RequestContext context_;
};

TEST_F(LocalStoreTest, OrdinaryKeysAreOrdinaryPaths) {
  const auto store = Open(folder_.path(), std::chrono::milliseconds(0));
  ASSERT_TRUE(PutWhole(*store, context_, "datasets/t/x.parquet", "bytes"));
  const fs::path path = folder_.path() / "datasets/t/x.parquet";
  WaitFor([&] { return fs::exists(path); });
  EXPECT_EQ(fs::file_size(path), 5U);
}

TEST_F(LocalStoreTest, AFileWithoutANameIsKept) {
  const auto store = Open(folder_.path());
  const std::string large(1 << 20, 'x');
  PutOptions keep;
  keep.may_keep_file = true;
  for (const std::string& body : {large, std::string("small")}) {
    keep.size = body.size();
    const auto file = OpenTemporaryFile(folder_.path());
    ASSERT_TRUE(file);
    ASSERT_TRUE(WriteFully(file->get(), body));
    FileSource source(file->get(), 0, body.size());
    const auto kept = store->Put(context_, "kept/" + std::to_string(body.size()), source, keep);
    ASSERT_TRUE(kept) << kept.error().detail;
    const auto copied = PutWhole(*store, context_, "copied", body);
    EXPECT_EQ(kept->info.etag, copied->info.etag);
    EXPECT_EQ(*GetWhole(*store, context_, kept->info.key), body);
  }
  struct stat kept = {}, copied = {};
  ASSERT_TRUE(PutWhole(*store, context_, "copied", large));
  ASSERT_EQ(::stat((folder_.path() / "kept/1048576").c_str(), &kept), 0);
  ASSERT_EQ(::stat((folder_.path() / "copied").c_str(), &copied), 0);
  EXPECT_EQ(kept.st_mode, copied.st_mode);
  EXPECT_EQ(kept.st_nlink, 1U);
}

// Part of a file, or a file with a name of its own, is copied: what becomes of it later does not touch the object.
TEST_F(LocalStoreTest, AFileThatIsSomebodysIsCopied) {
  const auto store = Open(folder_.path());
  const std::string large(1 << 20, 'x');
  const fs::path path = folder_.path() / "named";
  const FileDescriptor named(::open(path.c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_TRUE(WriteFully(named.get(), large));
  PutOptions keep;
  keep.may_keep_file = true;
  for (const uint64_t size : {large.size(), large.size() / 2}) {
    keep.size = size;
    FileSource source(named.get(), 0, size);
    ASSERT_TRUE(store->Put(context_, "k", source, keep));
    ASSERT_TRUE(WriteFullyAt(named.get(), "changed", 0));
    EXPECT_EQ(GetWhole(*store, context_, "k")->substr(0, 7), size == large.size() ? "xxxxxxx" : "changed");
    fs::remove(path);
  }
}

TEST_F(LocalStoreTest, OneOwnerAtATime) {
  const auto store = Open(folder_.path());
  const auto second = OpenLocalStore({folder_.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(second.error().detail, HasSubstr(std::to_string(::getpid())));
}

// The folder as a crash would leave it: the journal is whole, and of the tree nothing need have reached the disk.
TEST_F(LocalStoreTest, TheJournalRestoresWhatTheTreeLost) {
  const fs::path crashed = folder_.path() / "crashed";
  {
    const auto store = Open(folder_.path() / "live");
    ASSERT_TRUE(PutWhole(*store, context_, "a/kept", "1"));
    ASSERT_TRUE(PutWhole(*store, context_, "a/replaced", "2"));
    ASSERT_TRUE(PutWhole(*store, context_, "a/replaced", "3"));
    ASSERT_TRUE(PutWhole(*store, context_, "a/gone", "4"));
    ASSERT_TRUE(store->Delete(context_, "a/gone"));
    ASSERT_TRUE(PutWhole(*store, context_, "large", std::string(1 << 20, 'x')));
    fs::copy(folder_.path() / "live", crashed, fs::copy_options::recursive);
  }
  fs::remove_all(crashed / "a");
  fs::create_directories(crashed / "a");
  ASSERT_TRUE(WriteFully(FileDescriptor(::open((crashed / "a/gone").c_str(), O_CREAT | O_WRONLY, 0600)).get(), "4"));
  const auto store = Open(crashed);
  EXPECT_EQ(*GetWhole(*store, context_, "a/kept"), "1");
  EXPECT_EQ(*GetWhole(*store, context_, "a/replaced"), "3");
  EXPECT_FALSE(store->Head(context_, "a/gone"));
  EXPECT_EQ(GetWhole(*store, context_, "large")->size(), size_t{1} << 20);
}

// Records of a session that ended well stay in the file; they must not pass for those of the next.
TEST_F(LocalStoreTest, AnEarlierSessionIsNotReplayed) {
  const fs::path crashed = folder_.path() / "crashed";
  {
    const auto store = Open(folder_.path() / "live");
    ASSERT_TRUE(PutWhole(*store, context_, "a", "1"));
    ASSERT_TRUE(PutWhole(*store, context_, "b", "1"));
    ASSERT_TRUE(PutWhole(*store, context_, "c", "1"));
  }
  {
    const auto store = Open(folder_.path() / "live");
    ASSERT_TRUE(PutWhole(*store, context_, "b", "2"));
    ASSERT_TRUE(PutWhole(*store, context_, "b", "3"));
    fs::copy(folder_.path() / "live", crashed, fs::copy_options::recursive);
  }
  const auto store = Open(crashed);
  EXPECT_EQ(*GetWhole(*store, context_, "b"), "3");
  EXPECT_EQ(*GetWhole(*store, context_, "c"), "1");
}

TEST_F(LocalStoreTest, DamagedBytesAreNotServed) {
  ASSERT_TRUE(PutWhole(*Open(folder_.path()), context_, "k", "precious"));
  const auto store = Open(folder_.path());
  EXPECT_EQ(*GetWhole(*store, context_, "k"), "precious");
  const FileDescriptor file(::open((folder_.path() / "k").c_str(), O_WRONLY));
  ASSERT_TRUE(WriteFullyAt(file.get(), "X", 3));
  const auto read = GetWhole(*store, context_, "k");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().detail, HasSubstr("damaged"));
}

// As a crash between the journal and the tree leaves it: the tree holds nothing.
TEST_F(LocalStoreTest, WhatIsPendingSurvivesACrash) {
  const fs::path crashed = folder_.path() / "crashed";
  const auto store = Open(folder_.path() / "live");
  ASSERT_TRUE(PutWhole(*store, context_, "a/kept", "1"));
  ASSERT_TRUE(PutWhole(*store, context_, "a/replaced", "2"));
  ASSERT_TRUE(PutWhole(*store, context_, "a/replaced", "3"));
  ASSERT_TRUE(PutWhole(*store, context_, "a/gone", "4"));
  ASSERT_TRUE(store->Delete(context_, "a/gone"));
  ASSERT_TRUE(PutWhole(*store, context_, "a/back", "5"));
  ASSERT_TRUE(store->Delete(context_, "a/back"));
  ASSERT_TRUE(PutWhole(*store, context_, "a/back", "6"));
  ASSERT_FALSE(fs::exists(folder_.path() / "live/a"));
  fs::copy(folder_.path() / "live", crashed, fs::copy_options::recursive);
  const auto restored = Open(crashed);
  EXPECT_THAT(Keys(*restored), ElementsAre("a/back", "a/kept", "a/replaced"));
  EXPECT_EQ(*GetWhole(*restored, context_, "a/kept"), "1");
  EXPECT_EQ(*GetWhole(*restored, context_, "a/replaced"), "3");
  EXPECT_EQ(*GetWhole(*restored, context_, "a/back"), "6");
}

// A copy without extended attributes, as a crash leaves a file whose bytes alone reached the disk.
TEST_F(LocalStoreTest, TheJournalRestoresAttributes) {
  const fs::path crashed = folder_.path() / "crashed";
  const auto store = Open(folder_.path() / "live", std::chrono::milliseconds(0));
  PutOptions text;
  text.content_type = "text/plain";
  const auto made = PutWhole(*store, context_, "k", "1", text);
  ASSERT_TRUE(made);
  WaitFor([&] { return fs::exists(folder_.path() / "live/k"); });
  fs::copy(folder_.path() / "live", crashed, fs::copy_options::recursive);
  const auto head = Open(crashed)->Head(context_, "k");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->etag, made->info.etag);
  EXPECT_EQ(head->content_type, "text/plain");
}

TEST_F(LocalStoreTest, ListsWhatIsPendingBesideWhatIsThere) {
  {
    const auto store = Open(folder_.path());
    for (const char* key : {"b", "d", "f", "x/1"}) ASSERT_TRUE(PutWhole(*store, context_, key, "old"));
  }
  const auto store = Open(folder_.path());
  for (const char* key : {"a", "c", "d", "g", "x/2"}) ASSERT_TRUE(PutWhole(*store, context_, key, "newer"));
  ASSERT_TRUE(store->Delete(context_, "b"));
  ASSERT_TRUE(store->Delete(context_, "a"));
  EXPECT_THAT(Keys(*store), ElementsAre("c", "d", "f", "g", "x/1", "x/2"));
  EXPECT_THAT(Keys(*store, {.start_after = "c", .limit = 2}), ElementsAre("d", "f"));
  EXPECT_THAT(Keys(*store, {.prefix = "x/"}), ElementsAre("x/1", "x/2"));
  EXPECT_THAT(store->List(context_, {.delimiter = "/"})->prefixes, ElementsAre("x/"));
  EXPECT_EQ(store->List(context_, {.prefix = "d"})->objects[0].size, 5U);
  const auto head = store->Head(context_, "d");
  EXPECT_EQ(store->List(context_, {.prefix = "d"})->objects[0].etag, head->etag);
}

TEST_F(LocalStoreTest, ConditionsSeeWhatIsPending) {
  std::string old_etag;
  {
    const auto store = Open(folder_.path());
    old_etag = PutWhole(*store, context_, "k", "1")->info.etag;
  }
  const auto store = Open(folder_.path());
  PutOptions only_new, over_old;
  only_new.if_none_match = true;
  over_old.if_match = old_etag;
  EXPECT_FALSE(PutWhole(*store, context_, "k", "2", only_new));
  ASSERT_TRUE(PutWhole(*store, context_, "k", "2", over_old));
  EXPECT_EQ(PutWhole(*store, context_, "k", "3", over_old).error().kind, ErrorKind::kPreconditionFailed);
  GetOptions if_old;
  if_old.if_match = old_etag;
  EXPECT_EQ(store->Get(context_, "k", if_old).error().kind, ErrorKind::kPreconditionFailed);
  ASSERT_TRUE(store->Delete(context_, "k"));
  EXPECT_FALSE(store->Head(context_, "k"));
  const auto made = PutWhole(*store, context_, "k", "4", only_new);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->created);
}

TEST_F(LocalStoreTest, LargeAndSmallTakeTurnsUnderOneKey) {
  const std::string large(1 << 20, 'x');
  {
    const auto store = Open(folder_.path());
    for (const char* key : {"large", "small", "gone"}) {
      ASSERT_TRUE(PutWhole(*store, context_, key, "1"));
      ASSERT_TRUE(PutWhole(*store, context_, key, large));
      EXPECT_EQ(*GetWhole(*store, context_, key), large);
    }
    ASSERT_TRUE(PutWhole(*store, context_, "small", "2"));
    ASSERT_TRUE(store->Delete(context_, "gone"));
    EXPECT_EQ(*GetWhole(*store, context_, "small"), "2");
    EXPECT_FALSE(store->Head(context_, "gone"));
  }
  const auto store = Open(folder_.path());
  EXPECT_TRUE(*GetWhole(*store, context_, "large") == large);
  EXPECT_EQ(*GetWhole(*store, context_, "small"), "2");
  EXPECT_FALSE(store->Head(context_, "gone"));
}

// A large put that failed after its record was answered with an error; the object before it is still the object.
TEST_F(LocalStoreTest, ALargeRecordWithoutItsFileHidesNothing) {
  const fs::path crashed = folder_.path() / "crashed";
  const auto store = Open(folder_.path() / "live");
  ASSERT_TRUE(PutWhole(*store, context_, "k", "before"));
  ASSERT_TRUE(PutWhole(*store, context_, "k", std::string(1 << 20, 'x')));
  fs::copy(folder_.path() / "live", crashed, fs::copy_options::recursive);
  fs::remove(crashed / "k");
  EXPECT_EQ(*GetWhole(*Open(crashed), context_, "k"), "before");
}

TEST_F(LocalStoreTest, ATreeThatTakesNothingRefusesPutsAndRecovers) {
  auto store = Open(folder_.path(), std::chrono::milliseconds(0));
  // A folder stands in the way of the object and of its place beside a folder.
  fs::create_directories(folder_.path() / "k/in");
  fs::create_directories(folder_.path() / "k%o/in");
  ASSERT_TRUE(PutWhole(*store, context_, "other", "1"));
  ASSERT_TRUE(PutWhole(*store, context_, "k", "kept"));
  WaitFor([&] { return !PutWhole(*store, context_, "new", "2"); });
  EXPECT_EQ(*GetWhole(*store, context_, "k"), "kept");
  EXPECT_TRUE(store->Delete(context_, "other"));
  WaitFor([&] { return !fs::exists(folder_.path() / "other"); });
  // Not even closing the store loses what was answered with success.
  store.reset();
  fs::remove_all(folder_.path() / "k%o");
  store = Open(folder_.path(), std::chrono::milliseconds(0));
  EXPECT_EQ(*GetWhole(*store, context_, "k"), "kept");
  EXPECT_TRUE(PutWhole(*store, context_, "new", "3"));
}

TEST_F(LocalStoreTest, TheJournalsFilesTakeTurns) {
  for (const std::chrono::milliseconds linger : {std::chrono::milliseconds(0), std::chrono::milliseconds(3'600'000)}) {
    const fs::path root = folder_.path() / fmt::format("store-{}", linger.count());
    constexpr int kWriters = 8, kRounds = 100;
    const auto body = [](int writer, int round) {
      return fmt::format("{} {} ", writer, round) + std::string(60'000, 'x');
    };
    {
      const auto store = Open(root, linger);
      {
        std::vector<std::jthread> writers;
        for (int w = 0; w < kWriters; ++w) {
          writers.emplace_back([&, w] {
            for (int i = 0; i < kRounds; ++i) {
              const std::string key = fmt::format("t/{}/{}", w, i % 10);
              ASSERT_TRUE(PutWhole(*store, context_, key, body(w, i)));
              ASSERT_EQ(*GetWhole(*store, context_, key), body(w, i));
              if (i % 7 == 0) ASSERT_TRUE(store->Delete(context_, key));
              ASSERT_EQ(store->Head(context_, key).has_value(), i % 7 != 0);
            }
          });
        }
      }
      EXPECT_EQ(Keys(*store).size(), 8U * 8U);  // of the last ten rounds two end with a delete
    }
    const auto store = Open(root);
    for (int w = 0; w < kWriters; ++w) {
      for (int i = kRounds - 10; i < kRounds; ++i) {
        const auto bytes = GetWhole(*store, context_, fmt::format("t/{}/{}", w, i % 10));
        ASSERT_EQ(bytes.has_value(), i % 7 != 0);
        if (bytes) EXPECT_EQ(*bytes, body(w, i));
      }
    }
  }
}

// New keys faster than they come into the tree: writers wait for segments, and nothing is lost or mixed up.
TEST_F(LocalStoreTest, ALittleJournalTakesManyNewKeys) {
  constexpr int kWriters = 4, kKeys = 100;
  LocalStoreOptions options;
  options.root = folder_.path() / "live";
  options.journal_segment_bytes = 32 << 10;
  const auto body = [](int writer, int i) { return fmt::format("{}/{} ", writer, i) + std::string(2000, 'x'); };
  {
    auto opened = OpenLocalStore(options);
    ASSERT_TRUE(opened);
    {
      std::vector<std::jthread> writers;
      for (int w = 0; w < kWriters; ++w) {
        writers.emplace_back([&, w] {
          for (int i = 0; i < kKeys; ++i) {
            const auto put = PutWhole(**opened, context_, fmt::format("d{}/{}", i % 3, i * kWriters + w), body(w, i));
            ASSERT_TRUE(put) << put.error().detail;
            EXPECT_TRUE(put->created);
          }
        });
      }
    }
    fs::copy(options.root, folder_.path() / "crashed", fs::copy_options::recursive);
  }
  for (const char* name : {"live", "crashed"}) {
    const auto store = Open(folder_.path() / name);
    for (int w = 0; w < kWriters; ++w) {
      for (int i = 0; i < kKeys; ++i)
        EXPECT_EQ(*GetWhole(*store, context_, fmt::format("d{}/{}", i % 3, i * kWriters + w)), body(w, i));
    }
  }
}

// What stood in the way of a new object's place is found out when it comes into the tree, not before.
TEST_F(LocalStoreTest, ANewObjectAndAFolderOfItsName) {
  {
    const auto store = Open(folder_.path());
    for (const char* key : {"a", "a/b", "c/d", "c", "e/f/g", "e/f"}) ASSERT_TRUE(PutWhole(*store, context_, key, key));
  }
  const auto store = Open(folder_.path());
  for (const char* key : {"a", "a/b", "c/d", "c", "e/f/g", "e/f"}) EXPECT_EQ(*GetWhole(*store, context_, key), key);
}

TEST_F(LocalStoreTest, WhatTheJournalCouldNotSyncIsNotThere) {
  std::atomic<int> failing{0};
  LocalStoreOptions options;
  options.root = folder_.path() / "live";
  options.linger = std::chrono::hours(1);
  options.sync_journal = [&](int descriptor) {
    if (failing.exchange(0) == 0) return ::fdatasync(descriptor);
    errno = EIO;
    return -1;
  };
  auto store = OpenLocalStore(options);
  ASSERT_TRUE(store);
  ASSERT_TRUE(PutWhole(**store, context_, "k", "kept"));
  failing = 1;
  EXPECT_FALSE(PutWhole(**store, context_, "k", "refused"));
  failing = 1;
  EXPECT_FALSE((*store)->Delete(context_, "k"));
  failing = 1;
  PutOptions only_new;
  only_new.if_none_match = true;
  EXPECT_FALSE(PutWhole(**store, context_, "new", "refused", only_new));
  EXPECT_EQ(*GetWhole(**store, context_, "k"), "kept");
  EXPECT_FALSE((*store)->Head(context_, "new"));
  fs::copy(options.root, folder_.path() / "crashed", fs::copy_options::recursive);
  EXPECT_TRUE(PutWhole(**store, context_, "new", "kept", only_new));
  const auto crashed = Open(folder_.path() / "crashed");
  EXPECT_EQ(*GetWhole(*crashed, context_, "k"), "kept");
  EXPECT_FALSE(crashed->Head(context_, "new"));
}

TEST_F(LocalStoreTest, ManyWritersShareTheJournal) {
  const auto store = Open(folder_.path());
  {
    std::vector<std::jthread> writers;
    for (int w = 0; w < 32; ++w) {
      writers.emplace_back([&, w] {
        for (int i = 0; i < 20; ++i)
          ASSERT_TRUE(PutWhole(*store, context_, fmt::format("w/{}/{}", w, i), std::string(4096, 'x')));
      });
    }
  }
  EXPECT_EQ(store->List(context_, {.prefix = "w/"})->objects.size(), 640U);
}

}  // namespace
}  // namespace lakehouse::object
