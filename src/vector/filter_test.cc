#include "vector/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "vector/slot_set.h"

namespace lakehouse::vector {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

bool Matches(std::string_view filter, std::string_view metadata) {
  const auto parsed = Filter::Parse(filter);
  if (!parsed) {
    ADD_FAILURE() << parsed.error().detail;
    return false;
  }
  const auto value = ParseMetadata(metadata);
  if (!value) {
    ADD_FAILURE() << value.error().detail;
    return false;
  }
  return parsed->Matches(*value);
}

std::string ErrorOf(std::string_view filter) {
  const auto parsed = Filter::Parse(filter);
  if (parsed) return "(it parsed)";
  EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid);
  return parsed.error().detail;
}

std::string CanonicalOf(std::string_view filter) {
  const auto parsed = Filter::Parse(filter);
  return parsed ? parsed->Canonical() : parsed.error().detail;
}

TEST(SlotSetTest, SetsClearsAndCounts) {
  SlotSet set;
  EXPECT_FALSE(set.Test(7));
  set.Set(7);
  set.Set(1'000);
  set.Set(7);
  EXPECT_EQ(set.Count(), 2U);
  EXPECT_TRUE(set.Test(1'000));
  EXPECT_FALSE(set.Test(1'000'000));
  set.Clear(7);
  set.Clear(5'000'000);
  EXPECT_EQ(set.Count(), 1U);
  std::vector<Slot> slots;
  set.ForEach([&](Slot slot) { slots.push_back(slot); });
  EXPECT_THAT(slots, ElementsAre(1'000));
  const SlotSet moved = std::move(set);
  EXPECT_EQ(moved.Count(), 1U);
}

TEST(SlotSetTest, CombinesSetsOfDifferentLengths) {
  SlotSet a, b;
  a.SetAll(std::vector<Slot>{1, 70, 700});
  b.SetAll(std::vector<Slot>{70, 2});
  SlotSet both = a;
  both.And(b);
  SlotSet either = b;
  either.Or(a);
  SlotSet only = a;
  only.AndNot(b);
  SlotSet want;
  want.Set(70);
  EXPECT_EQ(both, want);
  EXPECT_EQ(either.Count(), 4U);
  EXPECT_EQ(only.Count(), 2U);
  EXPECT_FALSE(only.Test(70));
  EXPECT_NE(only, either);
}

TEST(FilterTest, ComparesByType) {
  EXPECT_TRUE(Matches(R"({"a":1})", R"({"a":1})"));
  EXPECT_TRUE(Matches(R"({"a":1})", R"({"a":1.0})"));
  EXPECT_FALSE(Matches(R"({"a":1})", R"({"a":"1"})"));
  EXPECT_FALSE(Matches(R"({"a":{"$gt":0}})", R"({"a":"1"})"));
  EXPECT_FALSE(Matches(R"({"a":{"$gt":""}})", R"({"a":1})"));
  EXPECT_TRUE(Matches(R"({"a":{"$gt":"a"}})", R"({"a":"ab"})"));
  EXPECT_TRUE(Matches(R"({"a":{"$gt":"z"}})", R"({"a":"ä"})"));
  EXPECT_TRUE(Matches(R"({"a":{"$lt":true}})", R"({"a":false})"));
  EXPECT_FALSE(Matches(R"({"a":0})", R"({"a":false})"));
  EXPECT_TRUE(Matches(R"({"a":-0.0})", R"({"a":0})"));
  EXPECT_TRUE(Matches(R"({"a":null})", R"({"a":null})"));
  EXPECT_FALSE(Matches(R"({"a":null})", R"({})"));
}

TEST(FilterTest, NumbersAreExact) {
  EXPECT_FALSE(Matches(R"({"a":9007199254740992})", R"({"a":9007199254740993})"));
  EXPECT_FALSE(Matches(R"({"a":9007199254740992.0})", R"({"a":9007199254740993})"));
  EXPECT_TRUE(Matches(R"({"a":{"$gt":9007199254740992.0}})", R"({"a":9007199254740993})"));
  EXPECT_TRUE(Matches(R"({"a":{"$lt":18446744073709551615}})", R"({"a":18446744073709551614})"));
  EXPECT_TRUE(Matches(R"({"a":{"$lt":18446744073709551616}})", R"({"a":18446744073709551615})"));
  EXPECT_TRUE(Matches(R"({"a":{"$gte":-9223372036854775808}})", R"({"a":-9223372036854775808})"));
  EXPECT_TRUE(Matches(R"({"a":{"$lt":-9223372036854775807}})", R"({"a":-9.223372036854775808e18})"));
  EXPECT_TRUE(Matches(R"({"a":0.3})", R"({"a":0.30})"));
  EXPECT_TRUE(Matches(R"({"a":0.1e-5})", R"({"a":0.000001})"));
}

TEST(FilterTest, NumbersAreOrderedAsWideIntegers) {
  std::mt19937_64 random(7);
  const auto wide = [](ExactNumber n) { return static_cast<__int128>(n.nearest) + n.rest; };
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t a = random() >> (random() % 12), b = a + random() % 4'000 - 2'000;
    const ExactNumber x = ExactNumber::Of(a), y = ExactNumber::Of(static_cast<int64_t>(b));
    ASSERT_EQ(wide(x), static_cast<__int128>(a));
    ASSERT_EQ(wide(y), static_cast<__int128>(static_cast<int64_t>(b)));
    ASSERT_EQ(x < y, wide(x) < wide(y));
    ASSERT_EQ(x == y, wide(x) == wide(y));
  }
}

TEST(FilterTest, AbsentFieldsMatchOnlyNeAndExists) {
  EXPECT_TRUE(Matches(R"({"a":{"$ne":1}})", "{}"));
  EXPECT_TRUE(Matches(R"({"a":{"$ne":null}})", "{}"));
  EXPECT_FALSE(Matches(R"({"a":{"$ne":null}})", R"({"a":null})"));
  EXPECT_TRUE(Matches(R"({"a":{"$exists":false}})", "{}"));
  EXPECT_TRUE(Matches(R"({"a":{"$exists":true}})", R"({"a":null})"));
  EXPECT_FALSE(Matches(R"({"a":{"$in":[null,1]}})", "{}"));
  EXPECT_TRUE(Matches(R"({"a":{"$in":[null,1]}})", R"({"a":null})"));
  EXPECT_FALSE(Matches(R"({"a":{"$in":[]}})", R"({"a":1})"));
  EXPECT_FALSE(Matches(R"({"a":{"$lte":5}})", "{}"));
  EXPECT_FALSE(Matches(R"({"a":1})", "17"));
  EXPECT_TRUE(Matches("{}", "17"));
}

TEST(FilterTest, ArraysMatchByElementOrWhole) {
  EXPECT_TRUE(Matches(R"({"tags":"b"})", R"({"tags":["a","b"]})"));
  EXPECT_TRUE(Matches(R"({"tags":{"$in":["x","a"]}})", R"({"tags":["a","b"]})"));
  EXPECT_FALSE(Matches(R"({"tags":{"$ne":"b"}})", R"({"tags":["a","b"]})"));
  EXPECT_TRUE(Matches(R"({"n":{"$gt":3,"$lt":2}})", R"({"n":[1,4]})"));
  EXPECT_TRUE(Matches(R"({"tags":["a","b"]})", R"({"tags":["a","b"]})"));
  EXPECT_FALSE(Matches(R"({"tags":["b","a"]})", R"({"tags":["a","b"]})"));
  EXPECT_TRUE(Matches(R"({"tags":["a"]})", R"({"tags":[["a"],1]})"));
  EXPECT_FALSE(Matches(R"({"tags":"a"})", R"({"tags":[["a"]]})"));
  EXPECT_TRUE(Matches(R"({"o":{"x":1,"y":[2]}})", R"({"o":{"y":[2.0],"x":1}})"));
  EXPECT_TRUE(Matches(R"({"o":{"$eq":{}}})", R"({"o":{}})"));
  EXPECT_TRUE(Matches(R"({"o":[]})", R"({"o":[]})"));
}

TEST(FilterTest, DottedNames) {
  EXPECT_TRUE(Matches(R"({"a.b":1})", R"({"a":{"b":1}})"));
  EXPECT_TRUE(Matches(R"({"a.b":1})", R"({"a.b":1,"a":{"b":2}})"));
  EXPECT_FALSE(Matches(R"({"a.b":2})", R"({"a.b":1,"a":{"b":2}})"));
  EXPECT_TRUE(Matches(R"({"a.b.c":1})", R"({"a":{"b.c":1}})"));
  EXPECT_FALSE(Matches(R"({"a.b":{"$exists":true}})", R"({"a":[{"b":1}]})"));
  EXPECT_TRUE(Matches(R"({"a.":1,".":2})", R"({"a":{"":1},"":{"":2}})"));
  EXPECT_TRUE(Matches(R"({"a":2})", R"({"a":1,"a":2})"));
}

TEST(FilterTest, Combines) {
  EXPECT_TRUE(Matches(R"({"$or":[{"a":1},{"b":2}]})", R"({"b":2})"));
  EXPECT_FALSE(Matches(R"({"$and":[{"a":1},{"b":2}]})", R"({"b":2})"));
  EXPECT_TRUE(Matches(R"({"$not":{"a":1,"b":2}})", R"({"b":2})"));
  EXPECT_FALSE(Matches(R"({"$not":{}})", "{}"));
  EXPECT_FALSE(Matches(R"({"a":{"$gte":1,"$lt":5},"b":1})", R"({"a":5,"b":1})"));
  EXPECT_TRUE(Filter::Parse("{}")->MatchesEverything());
  EXPECT_TRUE(Filter().Matches(boost::json::value()));
}

TEST(FilterTest, OneTextForOneMeaning) {
  EXPECT_EQ(CanonicalOf(R"({"b":1.0, "a":{"$in":[2,"x",1,1.0]}})"),
            R"({"$and":[{"a":{"$in":[1,2,"x"]}},{"b":{"$eq":1}}]})");
  EXPECT_EQ(CanonicalOf(R"({"$and":[{"a":1},{"$and":[{"a":1}]}]})"), R"({"a":{"$eq":1}})");
  EXPECT_EQ(CanonicalOf(R"({"$not":{"$not":{"a":{"$exists":true}}}})"), R"({"a":{"$exists":true}})");
  EXPECT_EQ(CanonicalOf(R"({"$or":[{"a":null},{"a":{"y":1,"x":[true]}}]})"),
            R"({"$or":[{"a":{"$eq":null}},{"a":{"$eq":{"x":[true],"y":1}}}]})");
  EXPECT_EQ(CanonicalOf("{}"), "{}");
  for (const char* number : {"0.1", "1e300", "18446744073709551615", "18446744073709551616", "9007199254740993",
                             "-9223372036854775808", "5e-324", "123456789012345678901234567890"}) {
    const std::string text = CanonicalOf(std::string(R"({"a":)") + number + "}");
    EXPECT_EQ(CanonicalOf(text), text);
  }
}

TEST(FilterTest, ErrorsNameThePlace) {
  EXPECT_THAT(ErrorOf("{"), HasSubstr("filter: not JSON"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("expected an object of conditions, not an array"));
  EXPECT_THAT(ErrorOf(R"({"age":{"$gt":5,"$near":1}})"),
              AllOf(HasSubstr("at age.$near"), HasSubstr("unknown operator")));
  EXPECT_THAT(ErrorOf(R"({"$nor":[]})"), AllOf(HasSubstr("at $nor"), HasSubstr("$and, $or or $not")));
  EXPECT_THAT(ErrorOf(R"({"$or":[{"a":1},{"b":{"$in":3}}]})"), HasSubstr("at $or[1].b.$in: expected an array"));
  EXPECT_THAT(ErrorOf(R"({"$and":[]})"), HasSubstr("at least one filter"));
  EXPECT_THAT(ErrorOf(R"({"$and":{}})"), HasSubstr("not an object"));
  EXPECT_THAT(ErrorOf(R"({"a":{"$lt":null}})"), HasSubstr("a.$lt: expected a number, a string or a boolean, not null"));
  EXPECT_THAT(ErrorOf(R"({"a":{"$exists":1}})"), HasSubstr("expected true or false"));
  EXPECT_THAT(ErrorOf(R"({"a":{}})"), HasSubstr("at least one operator"));
  EXPECT_THAT(ErrorOf(R"({"a":{"$eq":1,"x":2}})"), HasSubstr("at a.x: unknown operator"));
  EXPECT_THAT(ErrorOf(R"({"$not":[{"a":1}]})"), HasSubstr("at $not: expected an object"));
}

TEST(FilterTest, IsBounded) {
  const auto nested = [](int depth) {
    std::string text = R"({"a":1})";
    for (int i = 0; i < depth; ++i) text = R"({"$not":{"b":2,"$or":[{"c":3},)" + text + "]}}";
    return text;
  };
  EXPECT_TRUE(Filter::Parse(nested(10)));
  EXPECT_THAT(ErrorOf(nested(11)), HasSubstr("32 deep"));
  std::string deep = R"({"a":1})";
  for (int i = 0; i < 40; ++i) deep = R"({"$and":[)" + deep + "]}";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("32 deep"));
  EXPECT_THAT(ErrorOf(R"({"a":)" + std::string(100, '[') + std::string(100, ']') + "}"), HasSubstr("64 deep"));
  EXPECT_THAT(ErrorOf(std::string(100'000, '[')), HasSubstr("not JSON"));

  std::string many = R"({"$or":[)", list = R"({"a":{"$in":[)";
  for (int i = 0; i <= 10'000; ++i) {
    many.append(i > 0 ? "," : "").append(R"({"a":)" + std::to_string(i) + "}");
    list.append(i > 0 ? "," : "").append(std::to_string(i));
  }
  EXPECT_THAT(ErrorOf(many + "]}"), HasSubstr("more than 1000 conditions"));
  EXPECT_THAT(ErrorOf(list + "]}}"), HasSubstr("at most 10000 values"));
}

}  // namespace
}  // namespace lakehouse::vector
