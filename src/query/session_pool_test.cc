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
  auto first = pool.Take();
  auto second = pool.Take();
  ASSERT_TRUE(first && second);
  auto* const before = (*first)->database.get();
  EXPECT_EQ((*second)->database.get(), before);
  (*first)->database->MarkBroken();
  pool.Give(*std::move(first));
  const auto third = pool.Take();
  ASSERT_TRUE(third);
  EXPECT_NE((*third)->database.get(), before);
  EXPECT_FALSE((*third)->connection->Query("SELECT 1")->HasError());
  // A query that still runs on the old one ends there.
  EXPECT_FALSE((*second)->connection->Query("SELECT 1")->HasError());
}

}  // namespace
}  // namespace lakehouse::query
