#include "vector/index_log.h"

#include <gtest/gtest.h>

#include "vector/faulty_store.h"

namespace lakehouse::vector {
namespace {

Batch One(std::string id) {
  Batch batch;
  batch.ids = {std::move(id)};
  batch.vectors = {1};
  batch.metadata = {std::nullopt};
  return batch;
}

class IndexLogTest : public testing::Test {
 protected:
  static constexpr const char* kPrefix = "vectors/u/log/";
  IndexLog Log(std::string writer) { return {store, kPrefix, std::move(writer), 1}; }
  static Status Ignore(const LogRecord&) { return {}; }
  static void Claim(IndexLog& log) {
    const Status claimed = log.Claim({}, {}, Ignore);
    ASSERT_TRUE(claimed) << claimed.error().detail;
  }
  static Status Append(IndexLog& log, const std::string& id) {
    const Batch batch = One(id);
    return log.Append({}, 0, {&batch});
  }
  // The ids that a new owner finds, in order.
  std::vector<std::string> Found() {
    IndexLog log = Log("reader");
    std::vector<std::string> ids;
    const Status claimed = log.Claim({}, {}, [&](const LogRecord& record) -> Status {
      for (const Batch& batch : record.batches) ids.insert(ids.end(), batch.ids.begin(), batch.ids.end());
      return {};
    });
    EXPECT_TRUE(claimed) << claimed.error().detail;
    return ids;
  }

  object::MemoryStore memory;
  FaultyStore store{memory};
};

using Ids = std::vector<std::string>;

TEST_F(IndexLogTest, WhatWasAppendedIsFound) {
  IndexLog log = Log("a");
  Claim(log);
  EXPECT_TRUE(Append(log, "1"));
  EXPECT_TRUE(Append(log, "2"));
  EXPECT_EQ(Found(), (Ids{"1", "2"}));
  EXPECT_EQ(Found(), (Ids{"1", "2"}));
}

TEST_F(IndexLogTest, TheSecondOwnerFencesTheFirst) {
  IndexLog first = Log("a"), second = Log("b");
  Claim(first);
  EXPECT_TRUE(Append(first, "1"));
  Claim(second);
  for (int i = 0; i < 3; ++i) {
    const Status late = Append(first, "late");
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
  }
  EXPECT_TRUE(first.lost());
  EXPECT_FALSE(first.Settle({}, Ignore));
  EXPECT_TRUE(Append(second, "2"));
  EXPECT_EQ(Found(), (Ids{"1", "2"}));
}

// Two claims that race: the second reads the first one's fence before the first one opens its epoch.
TEST_F(IndexLogTest, ClaimsThatRaceMeetAtOneKey) {
  IndexLog old = Log("old");
  Claim(old);
  EXPECT_TRUE(Append(old, "1"));
  IndexLog first = Log("a"), second = Log("b");
  // The first one's fence is stored, its opening record comes late.
  store.Plan({PutFault::kNone, PutFault::kDelayed});
  EXPECT_FALSE(first.Claim({}, {}, Ignore));
  // The second one's too; then both arrive, the first one's first.
  store.Plan({PutFault::kDelayed});
  EXPECT_FALSE(second.Claim({}, {}, Ignore));
  store.Deliver();
  Claim(second);
  EXPECT_TRUE(Append(second, "2"));
  EXPECT_EQ(Found(), (Ids{"1", "2"}));
}

TEST_F(IndexLogTest, AClaimIsTriedAgainAtEveryFault) {
  for (const PutFault fault :
       {PutFault::kRefused, PutFault::kLostBefore, PutFault::kLostAfter, PutFault::kAmbiguous, PutFault::kDelayed}) {
    for (size_t at = 0; at < 2; ++at) {
      IndexLog log = Log("a");
      std::vector<PutFault> faults(at, PutFault::kNone);
      faults.push_back(fault);
      store.Plan(faults);
      (void)log.Claim({}, {}, Ignore);
      store.Plan({});
      IndexLog again = Log("a");
      Claim(again);
      store.Deliver();
      EXPECT_TRUE(Append(again, std::to_string(static_cast<int>(fault)) + std::to_string(at)));
    }
  }
  EXPECT_EQ(Found().size(), 10U);
}

TEST_F(IndexLogTest, AnAppendWithoutAnAnswerIsSettled) {
  for (const PutFault fault : {PutFault::kLostBefore, PutFault::kLostAfter, PutFault::kDelayed}) {
    IndexLog log = Log("a");
    Claim(log);
    const std::string id = std::to_string(static_cast<int>(fault));
    store.Plan({fault});
    EXPECT_FALSE(Append(log, "maybe-" + id));
    ASSERT_TRUE(log.uncertain());
    Ids settled;
    ASSERT_TRUE(log.Settle({}, [&](const LogRecord& record) -> Status {
      for (const Batch& batch : record.batches) settled.insert(settled.end(), batch.ids.begin(), batch.ids.end());
      return {};
    }));
    EXPECT_FALSE(log.uncertain());
    EXPECT_EQ(settled, fault == PutFault::kLostAfter ? Ids{"maybe-" + id} : Ids{});
    // What comes later than this comes too late.
    store.Deliver();
    EXPECT_TRUE(Append(log, "sure-" + id));
  }
  EXPECT_EQ(Found(), (Ids{"sure-2", "maybe-3", "sure-3", "sure-5"}));
}

TEST_F(IndexLogTest, SettlingIsTriedAgainAtEveryFault) {
  for (const PutFault fault : {PutFault::kLostBefore, PutFault::kLostAfter, PutFault::kDelayed}) {
    for (size_t at = 0; at < 2; ++at) {
      IndexLog log = Log("a");
      Claim(log);
      std::vector<PutFault> faults{PutFault::kLostBefore};
      faults.resize(1 + at, PutFault::kNone);
      faults.push_back(fault);
      store.Plan(faults);
      EXPECT_FALSE(Append(log, "never"));
      EXPECT_FALSE(log.Settle({}, Ignore));
      EXPECT_TRUE(log.uncertain());
      const Status settled = log.Settle({}, Ignore);
      ASSERT_TRUE(settled) << settled.error().detail;
      store.Deliver();
      EXPECT_TRUE(Append(log, "sure"));
    }
  }
  EXPECT_EQ(Found(), Ids(6, "sure"));
}

TEST_F(IndexLogTest, AnAmbiguousAppendThatHappenedIsAcknowledged) {
  IndexLog log = Log("a");
  Claim(log);
  store.Plan({PutFault::kAmbiguous});
  EXPECT_TRUE(Append(log, "1"));
  EXPECT_EQ(Found(), (Ids{"1"}));
}

TEST_F(IndexLogTest, ARefusedAppendLeavesNoDoubt) {
  IndexLog log = Log("a");
  Claim(log);
  store.Plan({PutFault::kRefused});
  EXPECT_FALSE(Append(log, "1"));
  EXPECT_FALSE(log.uncertain());
  EXPECT_TRUE(Append(log, "2"));
  EXPECT_EQ(Found(), (Ids{"2"}));
}

TEST_F(IndexLogTest, ADelayedPutLosesAgainstANewOwner) {
  IndexLog first = Log("a");
  Claim(first);
  store.Plan({PutFault::kDelayed});
  EXPECT_FALSE(Append(first, "late"));
  EXPECT_EQ(Found(), Ids{});
  store.Deliver();
  EXPECT_EQ(Found(), Ids{});
  const Status settled = first.Settle({}, Ignore);
  ASSERT_FALSE(settled);
  EXPECT_EQ(settled.error().kind, ErrorKind::kConflict);
}

// However long it slept, and whatever was cut from the log meanwhile.
TEST_F(IndexLogTest, AnOwnerThatSleptThroughTrimsIsFenced) {
  class Later final : public Clock {
   public:
    WallTime Now() const override { return now; }
    MonotonicTime Monotonic() const override { return std::chrono::steady_clock::now(); }
    WallTime now = SystemClock().Now();
  };
  Later clock;
  object::MemoryStore aging(clock);
  IndexLog first(aging, kPrefix, "a", 1), second(aging, kPrefix, "b", 1);
  Claim(first);
  EXPECT_TRUE(Append(first, "1"));
  Claim(second);
  EXPECT_TRUE(Append(second, "2"));
  clock.now += std::chrono::hours(24 * 30);
  ASSERT_TRUE(second.Trim({}, second.last()));
  const Status late = Append(first, "late");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::kConflict);
}

TEST_F(IndexLogTest, TrimKeepsWhatIsPastThePosition) {
  IndexLog log = Log("a");
  Claim(log);
  EXPECT_TRUE(Append(log, "1"));
  const LogPosition covered = log.last();
  EXPECT_TRUE(Append(log, "2"));
  ASSERT_TRUE(log.Trim({}, covered));
  EXPECT_FALSE(object::GetWhole(memory, {}, kPrefix + LogName(covered)));
  IndexLog reader = Log("reader");
  Ids ids;
  ASSERT_TRUE(reader.Claim({}, covered, [&](const LogRecord& record) -> Status {
    for (const Batch& batch : record.batches) ids.insert(ids.end(), batch.ids.begin(), batch.ids.end());
    return {};
  }));
  EXPECT_EQ(ids, (Ids{"2"}));
}

TEST_F(IndexLogTest, AGapIsNamed) {
  IndexLog log = Log("a");
  Claim(log);
  EXPECT_TRUE(Append(log, "1"));
  const LogPosition missing = log.last();
  EXPECT_TRUE(Append(log, "2"));
  ASSERT_TRUE(memory.Delete({}, kPrefix + LogName(missing)));
  IndexLog reader = Log("reader");
  const Status claimed = reader.Claim({}, {}, Ignore);
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().kind, ErrorKind::kInternal);
  EXPECT_NE(claimed.error().detail.find(LogName(log.last())), std::string::npos) << claimed.error().detail;
}

}  // namespace
}  // namespace lakehouse::vector
