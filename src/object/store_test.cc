// One suite for every backend: what an ObjectStore promises. S3 is versitygw, a real server, started here.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/uuid.h"
#include "object/block_cache.h"
#include "object/key.h"
#include "object/local_store.h"
#include "object/memory_store.h"
#include "object/s3_store.h"
#include "object/store_test_folder.h"

namespace lakehouse::object {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

uint16_t FreePort() {
  const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

// versitygw over a folder of its own, for as long as the test program runs.
class S3Server {
 public:
  static S3Server& Get() {
    static S3Server server;
    return server;
  }
  bool running() const { return pid_ > 0; }
  std::string endpoint() const { return fmt::format("http://127.0.0.1:{}", port_); }
  void MakeBucket(const std::string& name) { fs::create_directories(folder_.path() / name); }

 private:
  S3Server() {
    const char* path = ::getenv("PATH");
    fs::path program;
    for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
      const size_t colon = rest.find(':');
      const fs::path candidate = fs::path(rest.substr(0, colon)) / "versitygw";
      if (program.empty() && fs::exists(candidate)) program = candidate;
      rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
    if (program.empty()) return;
    ::setenv("ROOT_ACCESS_KEY", "test", 1);
    ::setenv("ROOT_SECRET_KEY", "test-secret", 1);
    const std::string address = fmt::format("127.0.0.1:{}", port_), folder = folder_.path();
    const char* arguments[] = {program.c_str(), "--quiet", "--port", address.c_str(), "posix", folder.c_str(), nullptr};
    if (::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, const_cast<char**>(arguments), environ) != 0) return;
    const Deadline deadline = Deadline::After(std::chrono::seconds(20));
    while (!deadline.HasPassed()) {
      const FileDescriptor probe(::socket(AF_INET, SOCK_STREAM, 0));
      const sockaddr_in to = Loopback(port_);
      if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  ~S3Server() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  const TemporaryFolder folder_;
  const uint16_t port_ = FreePort();
  pid_t pid_ = 0;
};

config::Environment KeysOf(const std::string& secret) {
  return config::Environment([secret](std::string_view name) -> std::optional<std::string> {
    if (name == "AWS_ACCESS_KEY_ID") return "test";
    if (name == "AWS_SECRET_ACCESS_KEY") return secret;
    return std::nullopt;
  });
}

std::unique_ptr<ObjectStore> MakeS3(net::HttpClient& client, const std::string& bucket,
                                    const std::string& secret = "test-secret") {
  S3StoreOptions options;
  options.endpoint = S3Server::Get().endpoint();
  options.bucket = bucket;
  options.part_bytes = 5 << 20;
  return MakeS3Store(
      options, client,
      std::make_unique<net::AwsCredentialChain>(KeysOf(secret), net::CredentialOptions{}, client, SystemClock()),
      SystemClock());
}

class ObjectStoreTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "memory") store_ = std::make_unique<MemoryStore>();
    if (GetParam() == "local") OpenLocal(std::chrono::milliseconds(0));
    if (GetParam() == "pending") OpenLocal(std::chrono::hours(1));
    if (GetParam() == "s3") {
      if (!S3Server::Get().running())
        GTEST_SKIP() << "versitygw is not on the PATH; scripts/setup.sh --test installs it";
      const std::string bucket = "b" + RandomUuid();
      S3Server::Get().MakeBucket(bucket);
      store_ = MakeS3(client_, bucket);
    }
    const Status checked = store_->Check(context_);
    ASSERT_TRUE(checked) << checked.error().detail;
  }
  void OpenLocal(std::chrono::milliseconds linger) {
    LocalStoreOptions options;
    options.root = folder_.path() / "store";
    options.linger = linger;
    auto opened = OpenLocalStore(options);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = std::move(*opened);
  }
  Result<PutResult> Put(std::string_view key, std::string_view bytes, const PutOptions& options = {}) {
    return PutWhole(*store_, context_, key, bytes, options);
  }
  std::string Read(std::string_view key, const GetOptions& options = {}) {
    const auto reader = store_->Get(context_, key, options);
    if (!reader) return std::string(ErrorKindName(reader.error().kind));
    const auto bytes = ReadAll(**reader, UINT64_MAX);
    return bytes ? *bytes : bytes.error().detail;
  }
  std::vector<std::string> Keys(const ListOptions& options = {}) {
    std::vector<std::string> keys;
    ListOptions page_options = options;
    while (true) {
      const auto page = store_->List(context_, page_options);
      EXPECT_TRUE(page) << page.error().detail;
      if (!page) return keys;
      for (const auto& info : page->objects) keys.push_back(info.key);
      for (const auto& prefix : page->prefixes) keys.push_back(prefix + "*");
      if (!page->next_token) return keys;
      page_options.token = *page->next_token;
    }
  }

  TemporaryFolder folder_;
  net::HttpClient client_{{}};
  RequestContext context_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_P(ObjectStoreTest, WhatIsPutIsThere) {
  PutOptions options;
  options.content_type = "text/plain";
  const auto made = Put("a/b.txt", "hello", options);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_TRUE(made->created);
  EXPECT_EQ(made->info.size, 5U);
  const auto head = store_->Head(context_, "a/b.txt");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->etag, made->info.etag);
  EXPECT_EQ(head->content_type, "text/plain");
  EXPECT_EQ(Read("a/b.txt"), "hello");
  const auto replaced = Put("a/b.txt", "other");
  EXPECT_FALSE(replaced->created);
  EXPECT_NE(replaced->info.etag, made->info.etag);
  EXPECT_EQ(Read("a/b.txt"), "other");
  EXPECT_EQ(Put("empty", "")->info.size, 0U);
  EXPECT_EQ(Read("empty"), "");
}

TEST_P(ObjectStoreTest, RangesAreCutAtTheEnd) {
  ASSERT_TRUE(Put("k", "0123456789"));
  EXPECT_EQ(Read("k", {ByteRange{2, 3}, {}}), "234");
  EXPECT_EQ(Read("k", {ByteRange{8, 100}, {}}), "89");
  EXPECT_EQ(Read("k", {ByteRange{5, std::nullopt}, {}}), "56789");
  EXPECT_EQ(Read("k", {ByteRange{10, 1}, {}}), "range-not-satisfiable");
  const auto reader = store_->Get(context_, "k", {ByteRange{2, 3}, {}});
  EXPECT_EQ((*reader)->info().size, 10U);
  EXPECT_EQ((*reader)->offset(), 2U);
  EXPECT_EQ((*reader)->length(), 3U);
}

TEST_P(ObjectStoreTest, ConditionsHold) {
  PutOptions only_new;
  only_new.if_none_match = true;
  const auto first = Put("k", "1", only_new);
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(Put("k", "2", only_new).error().kind, ErrorKind::kPreconditionFailed);
  EXPECT_EQ(Read("k"), "1");
  PutOptions over;
  over.if_match = "no-such-etag";
  EXPECT_EQ(Put("k", "3", over).error().kind, ErrorKind::kPreconditionFailed);
  over.if_match = first->info.etag;
  EXPECT_TRUE(Put("k", "4", over));
  EXPECT_EQ(Read("k"), "4");
  EXPECT_EQ(Put("absent", "5", over).error().kind, ErrorKind::kPreconditionFailed);
}

TEST_P(ObjectStoreTest, OneOfManyWins) {
  std::atomic<int> won{0};
  {
    std::vector<std::jthread> writers;
    writers.reserve(8);
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&, i] {
        PutOptions only_new;
        only_new.if_none_match = true;
        const auto put = Put("contested", std::to_string(i), only_new);
        if (put) ++won;
        if (!put)
          EXPECT_THAT(put.error().kind, ::testing::AnyOf(ErrorKind::kPreconditionFailed, ErrorKind::kAmbiguous));
      });
    }
  }
  EXPECT_EQ(won, 1);
}

TEST_P(ObjectStoreTest, WhatIsGoneIsGone) {
  EXPECT_EQ(Read("nothing"), "not-found");
  EXPECT_EQ(store_->Head(context_, "nothing").error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(store_->Delete(context_, "nothing"));
  ASSERT_TRUE(Put("x/y/z", "1"));
  EXPECT_TRUE(store_->Delete(context_, "x/y/z"));
  EXPECT_EQ(Read("x/y/z"), "not-found");
  EXPECT_THAT(Keys({.prefix = "x"}), IsEmpty());
}

TEST_P(ObjectStoreTest, ListsInByteOrder) {
  for (const char* key : {"b", "a/2", "a/10", "a/1/x", "a-", "B", "ä"}) ASSERT_TRUE(Put(key, "1"));
  EXPECT_THAT(Keys(), ElementsAre("B", "a-", "a/1/x", "a/10", "a/2", "b", "ä"));
  EXPECT_THAT(Keys({.limit = 2}), ElementsAre("B", "a-", "a/1/x", "a/10", "a/2", "b", "ä"));
  EXPECT_THAT(Keys({.prefix = "a/"}), ElementsAre("a/1/x", "a/10", "a/2"));
  EXPECT_THAT(Keys({.prefix = "a/", .delimiter = "/"}), ElementsAre("a/10", "a/2", "a/1/*"));
  EXPECT_THAT(Keys({.start_after = "a/10"}), ElementsAre("a/2", "b", "ä"));
}

TEST_P(ObjectStoreTest, ForEachObjectSeesEveryPageUntilItIsEnough) {
  std::vector<std::string> keys;
  for (int i = 0; i < 7; ++i) keys.push_back(fmt::format("pages/{}", i));
  for (const std::string& key : keys) ASSERT_TRUE(PutWhole(*store_, context_, key, "x"));
  ASSERT_TRUE(PutWhole(*store_, context_, "other", "x"));
  std::vector<std::string> seen;
  const auto see = [&](size_t enough) {
    seen.clear();
    return ForEachObject(*store_, context_, {.prefix = "pages/", .limit = 3}, [&](const auto& info) -> Result<Listing> {
      seen.push_back(info.key);
      return seen.size() == enough ? Listing::kEnough : Listing::kGoOn;
    });
  };
  EXPECT_TRUE(see(100));
  EXPECT_EQ(seen, keys);
  EXPECT_TRUE(see(4));
  EXPECT_EQ(seen.size(), 4U);
  const Status failed = ForEachObject(
      *store_, {}, {}, [](const auto&) -> Result<Listing> { return Fail(ErrorKind::kConflict, "not this one"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kConflict);
}

TEST_P(ObjectStoreTest, LargeBodiesComeBack) {
  std::string body(size_t{12} << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 + i / 4096);
  ASSERT_TRUE(Put("large", body));
  EXPECT_TRUE(Read("large") == body);
  // The length is not known beforehand, and the limit is met on the way.
  StringSource source(body);
  PutOptions bounded;
  bounded.max_size = body.size() - 1;
  EXPECT_EQ(store_->Put(context_, "bounded", source, bounded).error().kind, ErrorKind::kTooLarge);
  EXPECT_EQ(Read("bounded"), "not-found");
  StringSource shorter(body);
  PutOptions wrong;
  wrong.size = body.size() + 1;
  EXPECT_FALSE(store_->Put(context_, "wrong", shorter, wrong));
  EXPECT_EQ(Read("wrong"), "not-found");
}

TEST_P(ObjectStoreTest, StrangeKeysLiveSideBySide) {
  std::vector<std::string> keys = {"%", "%25", "a b", "ü/é", "x+y", "q?w=1&e", "p#f", "tilde~", "C"};
  if (GetParam() != "s3") {
    for (const char* key : {"c", "c/d", "c%o", ".lakehouse/x", "c/d/e"}) keys.emplace_back(key);
    keys.push_back(std::string(900, 'l'));
    keys.push_back(std::string(900, 'l') + "m");
    keys.push_back(std::string(900, 'l') + "/n");
  }
  for (const std::string& key : keys) ASSERT_TRUE(Put(key, "of " + key)) << key;
  for (const std::string& key : keys) EXPECT_EQ(Read(key), "of " + key);
  std::ranges::sort(keys);
  EXPECT_EQ(Keys(), keys);
}

// A long component is cut for the file system; what is left of it may be dots, which must not climb out of the folder.
TEST_P(ObjectStoreTest, LongNamesThatEndInDotsStayWhereTheyAre) {
  const std::string folder(200, 's');
  const std::vector<std::string> keys = {
      "t/" + folder + "../x", "t/" + folder + "./x", "u/" + folder + "..", "t/" + folder + "/x", "t/x", "x"};
  for (const std::string& key : keys) ASSERT_TRUE(Put(key, "of " + key)) << key;
  for (const std::string& key : keys) EXPECT_EQ(Read(key), "of " + key);
}

INSTANTIATE_TEST_SUITE_P(Backends, ObjectStoreTest, ::testing::Values("memory", "local", "pending", "s3"),
                         [](const auto& info) { return info.param; });

TEST(S3StoreTest, SaysWhatIsWrongWithTheBucket) {
  if (!S3Server::Get().running()) GTEST_SKIP() << "versitygw is not on the PATH; scripts/setup.sh --test installs it";
  net::HttpClient client({});
  RequestContext context;
  const auto missing = MakeS3(client, "no-such-bucket")->Check(context);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_THAT(missing.error().detail, HasSubstr("no-such-bucket"));
  const auto refused = MakeS3(client, "no-such-bucket", "wrong-secret")->Check(context);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kForbidden);
  EXPECT_THAT(refused.error().detail, ::testing::Not(HasSubstr("wrong-secret")));
}

TEST(KeyTest, RulesAreNamed) {
  for (const std::string& key :
       {std::string(), std::string("/a"), std::string("a//b"), std::string("a/"), std::string("a/./b"),
        std::string(".."), std::string("a/%2E%2e/b"), std::string("a\tb"), std::string("a\0b", 3), std::string("\xFF"),
        std::string(1025, 'a')}) {
    const auto refused = CheckKey(key);
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  }
  for (const std::string& key : {std::string("a"), std::string("a/b"), std::string("..."), std::string("a..b/.c"),
                                 std::string(1024, 'a'), std::string("grüße")}) {
    EXPECT_TRUE(CheckKey(key)) << key;
  }
  EXPECT_TRUE(IsReservedKey("catalog/x"));
  EXPECT_FALSE(IsReservedKey("catalogs/x"));
}

TEST(BlockCacheTest, ReadsOnceAndBounded) {
  MemoryStore store;
  RequestContext context;
  std::string body(100'000, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i % 251);
  ASSERT_TRUE(PutWhole(store, context, "k", body));
  BlockCacheOptions options;
  options.block_bytes = 4096;
  options.memory_bytes = uint64_t{16} * 8192;
  BlockCache cache(store, options);
  const ObjectInfo info = *cache.Info(context, "k");
  {
    std::vector<std::jthread> readers;
    readers.reserve(8);
    for (int r = 0; r < 8; ++r) {
      readers.emplace_back([&] {
        std::string out(1000, '\0');
        for (size_t at = 0; at < body.size(); at += 777) {
          const auto taken = cache.ReadAt(context, info, at, out);
          ASSERT_TRUE(taken);
          EXPECT_EQ(*taken, std::min<size_t>(1000, body.size() - at));
          EXPECT_EQ(out.substr(0, *taken), body.substr(at, *taken));
        }
      });
    }
  }
  std::string past(10, '\0');
  EXPECT_EQ(*cache.ReadAt(context, info, body.size(), past), 0U);
  EXPECT_LE(cache.stats().bytes_in_memory, options.memory_bytes);
  EXPECT_GT(cache.stats().hits, 0U);
  ObjectInfo liar = info;
  liar.size = body.size() * 2;
  liar.etag = "liar";
  EXPECT_FALSE(cache.ReadAt(context, liar, body.size() + 5000, past));
}

}  // namespace
}  // namespace lakehouse::object
