#include "flight/active_queries.h"

#include <arrow/c/abi.h>
#include <gmock/gmock.h>

#include <atomic>
#include <latch>

namespace lakehouse::flight {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

MonotonicTime Now() { return std::chrono::steady_clock::now(); }

void ReleaseSchema(ArrowSchema* schema) { schema->release = nullptr; }
void ReleaseArray(ArrowArray* array) { array->release = nullptr; }

// So many batches; each waits until it may come.
class Batches final : public query::BatchStream {
 public:
  Batches(int count, std::atomic<bool>& alive, std::function<Status()> wait)
      : count_(count), alive_(alive), wait_(std::move(wait)) {
    alive_ = true;
  }
  ~Batches() override { alive_ = false; }
  Seq seq() const override { return Seq(1); }
  uint64_t rows() const override { return 0; }
  Status ExportSchema(ArrowSchema* out) override {
    *out = ArrowSchema{};
    out->release = ReleaseSchema;
    return {};
  }
  Result<bool> Next(ArrowArray* out) override {
    LH_TRY(wait_());
    if (count_-- == 0) return false;
    *out = ArrowArray{};
    out->release = ReleaseArray;
    return true;
  }

 private:
  int count_;
  std::atomic<bool>& alive_;
  const std::function<Status()> wait_;
};

class ActiveQueryTest : public testing::Test {
 protected:
  ActiveQuery::Run Gives(int batches, std::function<Status()> wait = [] { return Status(); }) {
    return [this, batches, wait = std::move(wait)]() -> Result<std::unique_ptr<query::BatchStream>> {
      return std::make_unique<Batches>(batches, alive, wait);
    };
  }
  Status Begin(const ActiveQuery::Run& run) {
    ArrowSchema schema;
    const Status begun = query->Begin(run, &schema);
    if (begun) schema.release(&schema);
    return begun;
  }
  Result<bool> Next() {
    ArrowArray array;
    const auto next = query->Next(&array);
    if (next && *next) array.release(&array);
    return next;
  }

  std::atomic<bool> alive{false}, gone{false};
  std::stop_source stop;
  std::shared_ptr<ActiveQuery> query = std::make_shared<ActiveQuery>(
      stop, ActiveQuery::Limits{Deadline::After(seconds(60)), seconds(10)}, "session", [this] { return gone.load(); });
};

TEST_F(ActiveQueryTest, GivesItsBatchesAndEnds) {
  ASSERT_TRUE(Begin(Gives(2)));
  EXPECT_TRUE(*Next());
  EXPECT_TRUE(*Next());
  EXPECT_FALSE(*Next());
  EXPECT_FALSE(*Next());
  EXPECT_FALSE(alive);
}

TEST_F(ActiveQueryTest, AnEndAfterTheLastRowChangesNothing) {
  ASSERT_TRUE(Begin(Gives(0)));
  EXPECT_FALSE(*Next());
  query->End(Error{ErrorKind::kCancelled, "too late", std::nullopt, {}});
  EXPECT_FALSE(*Next());
}

TEST_F(ActiveQueryTest, FailsAsWhatItRuns) {
  const auto failed =
      Begin([]() -> Result<std::unique_ptr<query::BatchStream>> { return Fail(ErrorKind::kInvalid, "bad SQL"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().detail, "bad SQL");
  EXPECT_EQ(Next().error().detail, "bad SQL");
}

TEST_F(ActiveQueryTest, IsStoppedWhenItsClientTakesNoRow) {
  ASSERT_TRUE(Begin(Gives(5)));
  EXPECT_TRUE(*Next());
  query->Check(Now() + seconds(9));
  EXPECT_TRUE(alive);
  query->Check(Now() + seconds(11));
  // The engine's session is given back at once, not when the client comes back.
  EXPECT_FALSE(alive);
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_THAT(Next().error().detail, HasSubstr("stall_timeout"));
}

TEST_F(ActiveQueryTest, IsStoppedWhenItsTimeIsUpWhileRowsWait) {
  ASSERT_TRUE(Begin(Gives(5)));
  query->Check(Now() + seconds(61));
  EXPECT_EQ(Next().error().kind, ErrorKind::kDeadline);
}

TEST_F(ActiveQueryTest, IsStoppedWhenItsClientIsGone) {
  ASSERT_TRUE(Begin(Gives(5)));
  gone = true;
  query->Check(Now());
  EXPECT_EQ(Next().error().kind, ErrorKind::kCancelled);
}

TEST_F(ActiveQueryTest, AClientIsNotAskedForOnceTheCallIsOver) {
  ASSERT_TRUE(Begin(Gives(5)));
  gone = true;
  query->Detach();
  query->Check(Now() + seconds(100));
  EXPECT_TRUE(*Next());
}

TEST_F(ActiveQueryTest, TheFirstReasonCounts) {
  ASSERT_TRUE(Begin(Gives(5)));
  query->End(Error{ErrorKind::kCancelled, "first", std::nullopt, {}});
  query->End(Error{ErrorKind::kCancelled, "second", std::nullopt, {}});
  EXPECT_EQ(Next().error().detail, "first");
}

TEST_F(ActiveQueryTest, EndsWhileTheEngineWorks) {
  std::latch working(1);
  ASSERT_TRUE(Begin(Gives(5, [&]() -> Status {
    working.count_down();
    while (!stop.stop_requested()) std::this_thread::yield();
    return {};  // the row was found all the same
  })));
  std::jthread ender([&] {
    working.wait();
    query->Check(Now() + seconds(1000));  // a client that waits for the engine does not stall
    query->End(Error{ErrorKind::kCancelled, "cancelled", std::nullopt, {}});
  });
  EXPECT_EQ(Next().error().kind, ErrorKind::kDeadline);  // the query's own time, which Check was told is long over
  EXPECT_FALSE(alive);
}

TEST_F(ActiveQueryTest, EndsBeforeItHasBegunOrWhileItDoes) {
  query->End(Error{ErrorKind::kCancelled, "early", std::nullopt, {}});
  EXPECT_EQ(Begin(Gives(1)).error().detail, "early");

  query = std::make_shared<ActiveQuery>(stop, ActiveQuery::Limits{Deadline(), seconds(10)}, "", [] { return false; });
  const auto begun = Begin([&]() -> Result<std::unique_ptr<query::BatchStream>> {
    query->End(Error{ErrorKind::kCancelled, "meanwhile", std::nullopt, {}});
    return Gives(1)();
  });
  EXPECT_EQ(begun.error().detail, "meanwhile");
  EXPECT_FALSE(alive);
}

TEST_F(ActiveQueryTest, AreFoundByTheirTicket) {
  ActiveQueries active;
  ASSERT_TRUE(Begin(Gives(5)));
  ASSERT_TRUE(active.Add("t", query));
  EXPECT_EQ(active.Add("t", query).error().kind, ErrorKind::kConflict);
  active.Cancel("other", Now() + seconds(60));
  EXPECT_TRUE(*Next());
  active.Cancel("t", Now() + seconds(60));
  EXPECT_EQ(Next().error().kind, ErrorKind::kCancelled);
  active.Remove("t");
  EXPECT_EQ(active.size(), 0U);
  // The ticket is not good any more, and neither is one that was cancelled before it was read.
  EXPECT_EQ(active.Add("t", query).error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(active.Add("other", query).error().kind, ErrorKind::kCancelled);
}

TEST_F(ActiveQueryTest, EndWithTheirSessionOrTheServer) {
  ActiveQueries active;
  ASSERT_TRUE(Begin(Gives(5)));
  ASSERT_TRUE(active.Add("t", query));
  active.EndSession("another");
  EXPECT_TRUE(*Next());
  active.EndSession("session");
  EXPECT_THAT(Next().error().detail, HasSubstr("session was closed"));

  auto later =
      std::make_shared<ActiveQuery>(stop, ActiveQuery::Limits{Deadline(), seconds(10)}, "", [] { return false; });
  ASSERT_TRUE(active.Add("u", later));
  active.EndAll();
  ArrowSchema schema;
  EXPECT_EQ(later->Begin(Gives(1), &schema).error().kind, ErrorKind::kUnavailable);
}

TEST_F(ActiveQueryTest, AreWatched) {
  ActiveQueries active;
  ASSERT_TRUE(Begin(Gives(5)));
  ASSERT_TRUE(active.Add("t", query));
  gone = true;
  std::stop_callback ended(stop.get_token(), [] {});
  while (!stop.stop_requested()) std::this_thread::yield();
  while (alive) std::this_thread::yield();
  EXPECT_EQ(Next().error().kind, ErrorKind::kCancelled);
}

TEST(WhileClientStaysTest, StopsTheWorkOfAClientThatIsGone) {
  ActiveQueries active;
  std::stop_source stop;
  std::atomic<bool> gone{false};
  {
    const WhileClientStays watched(active, stop, [&gone] { return gone.load(); });
    gone = true;
    while (!stop.stop_requested()) std::this_thread::yield();
  }
  std::stop_source other;
  {
    const WhileClientStays watched(active, other, [] { return false; });
  }
  EXPECT_FALSE(other.stop_requested());
}

}  // namespace
}  // namespace lakehouse::flight
