// The check that every way in makes: keys, scopes, limits, time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "auth/access.h"
#include "auth/key.h"

namespace lakehouse::auth {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class HandClock final : public Clock {
 public:
  WallTime Now() const override { return wall; }
  MonotonicTime Monotonic() const override { return monotonic; }
  void Pass(milliseconds time) {
    wall += time;
    monotonic += time;
  }
  WallTime wall{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};
  MonotonicTime monotonic{seconds(1000)};
};

NewKey Make(Scope scope, Limits limits = {}) {
  NewKey key = *MakeKey();
  key.known.name = "test";
  key.known.scope = scope;
  key.known.limits = limits;
  return key;
}

ErrorKind KindOf(const auto& result) { return result ? ErrorKind::kInternal : result.error().kind; }

class AccessTest : public testing::Test {
 protected:
  HandClock clock;
};

TEST_F(AccessTest, OpenWithoutKeys) {
  const Access access({}, clock);
  const auto caller = access.Check("", Scope::kAdmin);
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->IsAnonymous());
  EXPECT_TRUE(access.Check("Basic whatever", Scope::kAdmin));
  EXPECT_TRUE(access.Admit(*caller));
}

TEST_F(AccessTest, ClosedWhereAKeyIsAMust) {
  const Access access({.must_have_key = true}, clock);
  EXPECT_EQ(KindOf(access.Check("", Scope::kRead)), ErrorKind::kUnauthenticated);
}

TEST_F(AccessTest, NobodyGetsInBeforeTheStoreHasTold) {
  Access access({.has_store = true}, clock);
  EXPECT_EQ(KindOf(access.Check("", Scope::kRead)), ErrorKind::kUnavailable);
  access.SetKeys({});
  EXPECT_TRUE(access.Check("", Scope::kRead));
}

TEST_F(AccessTest, FixedKeysAreAdmins) {
  const Access access({.fixed_keys = {"one", "two"}}, clock);
  const auto caller = access.Check("Bearer two", Scope::kAdmin);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->name, "environment-2");
  EXPECT_TRUE(access.Check("bearer  one ", Scope::kAdmin));
  EXPECT_EQ(KindOf(access.Check("Bearer three", Scope::kRead)), ErrorKind::kUnauthenticated);
  EXPECT_EQ(KindOf(access.Check("Bearer", Scope::kRead)), ErrorKind::kUnauthenticated);
  EXPECT_EQ(KindOf(access.Check("Bearer ", Scope::kRead)), ErrorKind::kUnauthenticated);
  EXPECT_EQ(KindOf(access.Check("Basic b25l", Scope::kRead)), ErrorKind::kUnauthenticated);
}

TEST_F(AccessTest, StoredKeysHaveScopes) {
  Access access({}, clock);
  const NewKey reader = Make(Scope::kRead);
  const NewKey writer = Make(Scope::kWrite);
  access.SetKeys({reader.known, writer.known});
  EXPECT_TRUE(access.Check("Bearer " + reader.text, Scope::kRead));
  EXPECT_TRUE(access.CheckKey(writer.text, Scope::kRead));
  EXPECT_TRUE(access.CheckKey(writer.text, Scope::kWrite));
  const auto refused = access.Check("Bearer " + reader.text, Scope::kWrite);
  ASSERT_EQ(KindOf(refused), ErrorKind::kForbidden);
  EXPECT_THAT(refused.error().detail, HasSubstr("scope write"));
  EXPECT_EQ(KindOf(access.CheckKey(writer.text, Scope::kAdmin)), ErrorKind::kForbidden);
}

TEST_F(AccessTest, WrongSecretsAreUnknown) {
  Access access({}, clock);
  const NewKey key = Make(Scope::kRead);
  access.SetKeys({key.known});
  for (size_t i = 0; i < key.text.size(); ++i) {
    std::string wrong = key.text;
    wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
    EXPECT_EQ(KindOf(access.CheckKey(wrong, Scope::kRead)), ErrorKind::kUnauthenticated) << i;
  }
  EXPECT_EQ(KindOf(access.CheckKey(key.text + "a", Scope::kRead)), ErrorKind::kUnauthenticated);
}

TEST_F(AccessTest, RevokedAndExpiredKeysAreRefused) {
  Access access({}, clock);
  NewKey key = Make(Scope::kRead);
  key.known.expires_at = clock.wall + seconds(10);
  access.SetKeys({key.known});
  EXPECT_TRUE(access.CheckKey(key.text, Scope::kRead));
  clock.Pass(seconds(10));
  EXPECT_EQ(KindOf(access.CheckKey(key.text, Scope::kRead)), ErrorKind::kUnauthenticated);
  key.known.expires_at = WallTime::max();
  access.SetKeys({key.known});
  EXPECT_TRUE(access.CheckKey(key.text, Scope::kRead));
  key.known.revoked = true;
  access.SetKeys({key.known});
  const auto refused = access.CheckKey(key.text, Scope::kRead);
  ASSERT_EQ(KindOf(refused), ErrorKind::kUnauthenticated);
  EXPECT_THAT(refused.error().detail, HasSubstr("revoked"));
}

TEST_F(AccessTest, StaysClosedWhenTheLastKeyGoes) {
  Access access({}, clock);
  access.SetKeys({Make(Scope::kRead).known});
  access.SetKeys({});
  EXPECT_EQ(KindOf(access.Check("", Scope::kRead)), ErrorKind::kUnauthenticated);
}

TEST_F(AccessTest, KeysAreNotBelievedForEver) {
  Access access({.fixed_keys = {"fixed"}, .has_store = true, .trust_for = seconds(60)}, clock);
  const NewKey key = Make(Scope::kRead);
  access.SetKeys({key.known});
  clock.Pass(seconds(60));
  EXPECT_TRUE(access.CheckKey(key.text, Scope::kRead));
  clock.Pass(milliseconds(1));
  EXPECT_EQ(KindOf(access.CheckKey(key.text, Scope::kRead)), ErrorKind::kUnavailable);
  EXPECT_TRUE(access.CheckKey("fixed", Scope::kAdmin));
  access.SetKeys({key.known});
  EXPECT_TRUE(access.CheckKey(key.text, Scope::kRead));
}

TEST_F(AccessTest, RateIsATokenBucket) {
  Access access({}, clock);
  const NewKey key = Make(Scope::kRead, {.calls_per_second = 2});
  access.SetKeys({key.known});
  const auto caller = access.CheckKey(key.text, Scope::kRead);
  ASSERT_TRUE(caller);
  EXPECT_TRUE(access.Admit(*caller));
  EXPECT_TRUE(access.Admit(*caller));
  const auto refused = access.Admit(*caller);
  ASSERT_EQ(KindOf(refused), ErrorKind::kTooManyRequests);
  EXPECT_EQ(refused.error().retry_after, seconds(1));
  clock.Pass(milliseconds(499));
  EXPECT_FALSE(access.Admit(*caller));
  clock.Pass(milliseconds(2));
  // Keys that are read again keep what they have used.
  access.SetKeys({key.known});
  EXPECT_TRUE(access.Admit(*caller));
  EXPECT_FALSE(access.Admit(*caller));
  clock.Pass(seconds(3600));
  EXPECT_TRUE(access.Admit(*caller));
  EXPECT_TRUE(access.Admit(*caller));
  EXPECT_FALSE(access.Admit(*caller));
}

TEST_F(AccessTest, ConcurrencyIsGivenBack) {
  Access access({}, clock);
  const NewKey key = Make(Scope::kRead, {.concurrent_calls = 2});
  access.SetKeys({key.known});
  const auto caller = access.CheckKey(key.text, Scope::kRead);
  ASSERT_TRUE(caller);
  auto first = access.Admit(*caller);
  {
    auto second = access.Admit(*caller);
    ASSERT_TRUE(second);
    Admission moved = std::move(*second);
    EXPECT_EQ(KindOf(access.Admit(*caller)), ErrorKind::kTooManyRequests);
  }
  EXPECT_TRUE(access.Admit(*caller));
}

TEST_F(AccessTest, DefaultLimitsAreForKeysWithoutTheirOwn) {
  Access access({.default_limits = {.calls_per_second = 1}}, clock);
  const NewKey plain = Make(Scope::kRead);
  const NewKey fast = Make(Scope::kRead, {.calls_per_second = 3});
  access.SetKeys({plain.known, fast.known});
  const auto allowed = [&](const NewKey& key) {
    const auto caller = access.CheckKey(key.text, Scope::kRead);
    int count = 0;
    while (count < 100 && access.Admit(*caller)) ++count;
    return count;
  };
  EXPECT_EQ(allowed(plain), 1);
  EXPECT_EQ(allowed(fast), 3);
}

TEST_F(AccessTest, ManyThreads) {
  Access access({.has_store = true}, clock);
  const NewKey key = Make(Scope::kRead, {.concurrent_calls = 3});
  access.SetKeys({key.known});
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < 2000; ++call) {
        const auto caller = access.Check("Bearer " + key.text, Scope::kRead);
        const auto admission = access.Admit(*caller);
        if (!admission) continue;
        const int now = ++running;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --running;
      }
    });
  }
  for (int i = 0; i < 200; ++i) access.SetKeys({key.known});
  threads.clear();
  EXPECT_LE(most.load(), 3);
  EXPECT_GE(most.load(), 1);
}

TEST(KeyText, RoundTrip) {
  const NewKey key = *MakeKey();
  const auto parsed = ParseKey(key.text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->id, key.known.id);
  EXPECT_EQ(HashSecret(key.known.salt, parsed->secret), key.known.hash);
  EXPECT_EQ(key.text.find(key.known.salt), std::string::npos);
  EXPECT_NE(MakeKey()->text, key.text);
}

TEST(KeyText, WhatIsNoKey) {
  const std::string key = MakeKey()->text;
  EXPECT_FALSE(ParseKey(""));
  EXPECT_FALSE(ParseKey("lh_"));
  EXPECT_FALSE(ParseKey(key.substr(1)));
  EXPECT_FALSE(ParseKey(" " + key.substr(1)));
  std::string upper = key;
  upper[5] = 'F';
  EXPECT_FALSE(ParseKey(upper));
  EXPECT_FALSE(IsKeyId("../../../etc"));
}

}  // namespace
}  // namespace lakehouse::auth
