#include "flight/prepared.h"

#include <gmock/gmock.h>

#include "flight/test_clock.h"

namespace lakehouse::flight {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const std::string kSession(32, 'a');

ParameterRows OneRow(int64_t value) { return {{query::Parameter(value)}}; }

struct Statements {
  HandClock clock;
  PreparedStatements prepared{clock};
};

TEST(PreparedTest, KeepsItsTextAndWhatIsBound) {
  Statements s;
  const Caller caller = CallerOf("k");
  const auto handle = s.prepared.Add(caller, "SELECT $1", 1);
  ASSERT_TRUE(handle);
  EXPECT_EQ(s.prepared.Get(caller, *handle)->rows, nullptr);
  ASSERT_TRUE(s.prepared.Bind(caller, *handle, OneRow(3), 8));
  const auto statement = s.prepared.Get(caller, *handle);
  EXPECT_EQ(statement->sql, "SELECT $1");
  EXPECT_EQ(std::get<int64_t>(statement->rows->at(0).at(0)), 3);
}

TEST(PreparedTest, IsNobodyElses) {
  Statements s;
  const auto handle = s.prepared.Add(CallerOf("k", kSession), "SELECT 1", 0);
  for (const Caller& other : {CallerOf("other", kSession), CallerOf("k"), CallerOf("k", std::string(32, 'b'))}) {
    EXPECT_EQ(s.prepared.Get(other, *handle).error().kind, ErrorKind::kNotFound);
    EXPECT_FALSE(s.prepared.Bind(other, *handle, OneRow(1), 8));
    EXPECT_FALSE(s.prepared.Close(other, *handle));
  }
  EXPECT_TRUE(s.prepared.Get(CallerOf("k", kSession), *handle));
}

TEST(PreparedTest, ClosingEndsIt) {
  Statements s;
  const Caller caller = CallerOf("k", kSession);
  const auto one = s.prepared.Add(caller, "SELECT 1", 0);
  const auto other = s.prepared.Add(CallerOf("k"), "SELECT 2", 0);
  EXPECT_TRUE(s.prepared.Close(caller, *one));
  EXPECT_EQ(s.prepared.Get(caller, *one).error().kind, ErrorKind::kNotFound);
  EXPECT_FALSE(s.prepared.Close(caller, *one));
  s.prepared.CloseSession("");
  EXPECT_TRUE(s.prepared.Get(caller, *other));
}

TEST(PreparedTest, EndsWithItsSession) {
  Statements s;
  const auto handle = s.prepared.Add(CallerOf("k", kSession), "SELECT 1", 0);
  s.prepared.CloseSession(kSession);
  EXPECT_FALSE(s.prepared.Get(CallerOf("k", kSession), *handle));
  EXPECT_EQ(s.prepared.size(), 0U);
}

TEST(PreparedTest, TheirNumberIsBounded) {
  Statements s;
  const Caller caller = CallerOf("k");
  for (size_t i = 0; i < PreparedStatements::kMost; ++i) ASSERT_TRUE(s.prepared.Add(caller, "SELECT 1", 0));
  EXPECT_EQ(s.prepared.Add(caller, "SELECT 1", 0).error().kind, ErrorKind::kUnavailable);
  s.clock.Pass(hours(1) + seconds(1));
  EXPECT_TRUE(s.prepared.Add(caller, "SELECT 1", 0));
  EXPECT_EQ(s.prepared.size(), 1U);
}

TEST(PreparedTest, TheirBytesAreBounded) {
  Statements s;
  const Caller caller = CallerOf("k");
  const auto one = s.prepared.Add(caller, "", 1), other = s.prepared.Add(caller, "", 1);
  constexpr uint64_t kMost = PreparedStatements::kMostBytes;
  ASSERT_TRUE(s.prepared.Bind(caller, *one, OneRow(1), kMost));
  EXPECT_EQ(s.prepared.Bind(caller, *other, OneRow(1), 1).error().kind, ErrorKind::kUnavailable);
  // Binding again replaces, and what is refused leaves nothing bound.
  EXPECT_TRUE(s.prepared.Bind(caller, *one, OneRow(2), kMost - 1));
  EXPECT_TRUE(s.prepared.Bind(caller, *other, OneRow(1), 1));
  EXPECT_FALSE(s.prepared.Bind(caller, *other, OneRow(1), 2));
  EXPECT_EQ(s.prepared.Get(caller, *other)->rows, nullptr);
  EXPECT_TRUE(s.prepared.Close(caller, *one));
  EXPECT_TRUE(s.prepared.Bind(caller, *other, OneRow(1), kMost));
}

}  // namespace
}  // namespace lakehouse::flight
