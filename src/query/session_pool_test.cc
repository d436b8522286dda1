#include "query/session_pool.h"

#include <gtest/gtest.h>

#include "query/test_lake.h"

namespace lakehouse::query {
namespace {

TEST(SessionPool, ABrokenDatabaseIsOpenedAgain) {
  TestStore store;
  object::BlockCache cache(store, {});
  SessionPool pool(EngineOptions{}, cache);
  ASSERT_TRUE(pool.Start());
  auto first = pool.Take({});
  auto second = pool.Take({});
  ASSERT_TRUE(first && second);
  auto* const before = (*first)->database.get();
  EXPECT_EQ((*second)->database.get(), before);
  (*first)->database->MarkBroken();
  pool.Give(*std::move(first));
  const auto third = pool.Take({});
  ASSERT_TRUE(third);
  EXPECT_NE((*third)->database.get(), before);
  EXPECT_FALSE((*third)->connection->Query("SELECT 1")->HasError());
  // A query that still runs on the old one ends there.
  EXPECT_FALSE((*second)->connection->Query("SELECT 1")->HasError());
}

TEST(SessionPool, WaitingEndsWithTheRequest) {
  TestStore store;
  object::BlockCache cache(store, {});
  EngineOptions options;
  options.max_concurrent = 1;
  SessionPool pool(options, cache);
  auto held = pool.Take({});
  ASSERT_TRUE(held);
  RequestContext late;
  late.deadline = Deadline::After(std::chrono::milliseconds(20));
  EXPECT_EQ(pool.Take(late).error().kind, ErrorKind::kDeadline);
  std::stop_source gone;
  gone.request_stop();
  RequestContext cancelled;
  cancelled.cancelled = gone.get_token();
  EXPECT_EQ(pool.Take(cancelled).error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(pool.queued(), 0u);
  EXPECT_EQ(pool.running(), 1u);
}

}  // namespace
}  // namespace lakehouse::query
