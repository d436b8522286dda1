#include "vector/field_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <thread>

namespace lakehouse::vector {
namespace {

using ::testing::ElementsAre;

Filter Parsed(const std::string& text) {
  auto filter = Filter::Parse(text);
  if (!filter) ADD_FAILURE() << text << ": " << filter.error().detail;
  return filter.value_or(Filter());
}

// The plain way: metadata by slot, every filter asked of every one.
class Model {
 public:
  FieldIndexes::Scan Scan() {
    return [this](const auto& callback) {
      ++scans;
      for (const auto& [slot, text] : items) callback(slot, text);
    };
  }
  SlotSet Evaluate(const Filter& filter) const {
    SlotSet result;
    for (const auto& [slot, text] : items) {
      const auto value = ParseMetadata(text);
      if (filter.Matches(value.value_or(boost::json::object()))) result.Set(slot);
    }
    return result;
  }
  std::map<Slot, std::string> items;
  int scans = 0;
};

// Documents and filters out of a few fields and values, so that they often meet.
class DocumentGenerator {
 public:
  explicit DocumentGenerator(uint64_t seed) : random_(seed) {}
  size_t Below(size_t bound) { return random_() % bound; }

  std::string Scalar() {
    static const char* const kScalars[] = {"0",
                                           "1",
                                           "1.0",
                                           "2",
                                           "-3",
                                           "2.5",
                                           "1e2",
                                           "100",
                                           "9007199254740992",
                                           "9007199254740993",
                                           "9007199254740992.0",
                                           "18446744073709551615",
                                           "18446744073709551616",
                                           "-9223372036854775808",
                                           "0.3",
                                           "\"\"",
                                           "\"a\"",
                                           "\"ab\"",
                                           "\"b\"",
                                           "\"1\"",
                                           "\"\\u00e4\"",
                                           "\"\\u0000\"",
                                           "true",
                                           "false",
                                           "null"};
    return kScalars[Below(std::size(kScalars))];
  }
  std::string Value(int depth = 0) {
    const size_t kind = Below(10);
    if (kind == 0 && depth < 2) {
      std::string out = "[";
      for (size_t i = 0, n = Below(4); i < n; ++i) out += (i > 0 ? "," : "") + Value(depth + 1);
      return out + "]";
    }
    if (kind == 1 && depth < 2) return Document(depth + 1);
    return Scalar();
  }
  std::string Key() {
    static const char* const kKeys[] = {"a", "b", "c", "a.b", "b.c", ""};
    return kKeys[Below(std::size(kKeys))];
  }
  std::string Document(int depth = 0) {
    std::string out = "{";
    for (size_t i = 0, n = Below(5); i < n; ++i) {
      out += (i > 0 ? ",\"" : "\"") + Key() + "\":" + Value(depth);
    }
    return out + "}";
  }
  std::string Metadata() {
    static const char* const kOdd[] = {"", "{", "17", "[{\"a\":1}]", "null", "{\"a\":123456789012345678901234567890}"};
    return Below(12) == 0 ? kOdd[Below(std::size(kOdd))] : Document();
  }
  std::string Condition() {
    static const char* const kRanges[] = {"$gt", "$gte", "$lt", "$lte"};
    switch (Below(6)) {
      case 0:
        return R"({"$eq":)" + Value() + "}";
      case 1:
        return R"({"$ne":)" + Value() + "}";
      case 2: {
        std::string list;
        for (size_t i = 0, n = Below(5); i < n; ++i) list += (i > 0 ? "," : "") + Value();
        return R"({"$in":[)" + list + "]}";
      }
      case 3:
        return Below(2) == 0 ? R"({"$exists":true})" : R"({"$exists":false})";
      case 4:
        return R"({"$gte":)" + Bound() + R"(,"$lt":)" + Bound() + "}";
      default:
        return std::string("{\"") + kRanges[Below(4)] + "\":" + Bound() + "}";
    }
  }
  std::string AFilter(int depth = 0) {
    const size_t kind = depth < 3 ? Below(6) : 5;
    if (kind == 0) return R"({"$not":)" + AFilter(depth + 1) + "}";
    if (kind <= 2) {
      std::string out = kind == 1 ? R"({"$and":[)" : R"({"$or":[)";
      for (size_t i = 0, n = 1 + Below(3); i < n; ++i) out += (i > 0 ? "," : "") + AFilter(depth + 1);
      return out + "]}";
    }
    static const char* const kFields[] = {"a", "b", "c", "a.b", "a.b.c", "b.c", "", "b.a", "absent"};
    return "{\"" + std::string(kFields[Below(std::size(kFields))]) + "\":" + Condition() + "}";
  }

 private:
  std::string Bound() {
    std::string bound = Scalar();
    while (bound == "null") bound = Scalar();
    return bound;
  }
  std::mt19937_64 random_;
};

TEST(FieldIndexTest, AgreesWithFilterOnWhateverHappens) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    DocumentGenerator make(seed);
    Model model;
    FieldIndexes indexes;
    for (int step = 0; step < 600; ++step) {
      const auto slot = static_cast<Slot>(make.Below(150));
      switch (make.Below(4)) {
        case 0:
          model.items.erase(slot);
          indexes.Remove(slot);
          break;
        case 1:
        case 2: {
          const std::string text = make.Metadata();
          model.items[slot] = text;
          indexes.Add(slot, text);
          break;
        }
        default: {
          const std::string text = make.AFilter();
          const Filter filter = Parsed(text);
          ASSERT_EQ(*indexes.Evaluate(filter, model.Scan()), model.Evaluate(filter)) << "seed " << seed << ": " << text;
          ASSERT_EQ(Parsed(filter.Canonical()).Canonical(), filter.Canonical()) << text;
        }
      }
    }
    // One scan for each field that came up, counting whole values apart, at the most.
    EXPECT_LE(model.scans, 19);
  }
}

// Enough for bitsets, for merges of what was added, and for merges of what was removed.
TEST(FieldIndexTest, AgreesAcrossMerges) {
  constexpr Slot kSlots = 6'000;
  std::mt19937_64 random(5);
  Model model;
  FieldIndexes indexes;
  const auto put = [&](Slot slot) {
    const uint64_t id = random() % 100'000;
    const std::string text = R"({"n":)" + std::to_string(id) + R"(,"s":"k)" + std::to_string(id % 5'000) +
                             R"(","kind":")" + std::to_string(id % 7) + R"(","tags":[)" + std::to_string(id % 3) + "," +
                             std::to_string(id % 50) + "]}";
    model.items[slot] = text;
    indexes.Add(slot, text);
  };
  const auto check = [&] {
    for (const char* text : {R"({"n":{"$gte":20000,"$lt":30000}})", R"({"n":{"$gt":99000}})", R"({"s":{"$lt":"k2"}})",
                             R"({"kind":"3"})", R"({"kind":{"$ne":"3"},"tags":1})", R"({"tags":{"$gte":2,"$lte":1}})",
                             R"({"n":{"$lte":50},"kind":{"$in":["1","2"]}})"}) {
      const Filter filter = Parsed(text);
      ASSERT_EQ(*indexes.Evaluate(filter, model.Scan()), model.Evaluate(filter)) << text;
    }
  };
  for (Slot slot = 0; slot < kSlots / 2; ++slot) put(slot);
  check();
  for (Slot slot = kSlots / 2; slot < kSlots; ++slot) put(slot);
  check();
  for (int i = 0; i < 4'000; ++i) put(static_cast<Slot>(random() % kSlots));
  check();
  for (Slot slot = 0; slot < kSlots; slot += 1 + slot % 2) {
    model.items.erase(slot);
    indexes.Remove(slot);
  }
  check();
  for (Slot slot = 0; slot < kSlots; ++slot) put(slot);
  check();
  EXPECT_EQ(model.scans, 4);
}

TEST(FieldIndexTest, NamesItsFieldsAndScansOnceForEach) {
  Model model;
  model.items = {{0, R"({"a":1,"b":[2]})"}, {3, R"({"a":2})"}, {4, ""}};
  FieldIndexes indexes;
  EXPECT_EQ(indexes.Evaluate(Parsed("{}"), model.Scan())->Count(), 3U);
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"a":1,"b":2})"), model.Scan())->Count(), 1U);
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"b":{"$ne":2}})"), model.Scan())->Count(), 2U);
  EXPECT_EQ(model.scans, 2);
  EXPECT_THAT(indexes.fields(), ElementsAre("a", "b"));
  EXPECT_GT(indexes.bytes(), 0U);
}

TEST(FieldIndexTest, RemembersResultsUntilAChange) {
  Model model;
  model.items = {{0, R"({"a":1})"}};
  FieldIndexes indexes;
  const auto once = indexes.Evaluate(Parsed(R"({"a":1})"), model.Scan());
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"a":{"$in":[1.0]}})"), model.Scan())->Count(), 1U);
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"$and":[{"a":1.0}]})"), model.Scan()), once);
  indexes.Add(5, R"({"a":1})");
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"a":1})"), model.Scan())->Count(), 2U);
  EXPECT_EQ(once->Count(), 1U);
}

TEST(FieldIndexTest, OldFieldsMakeRoom) {
  Model model;
  model.items = {{0, R"({"f7":1})"}};
  FieldIndexes indexes;
  for (int i = 0; i < 300; ++i) {
    const Filter filter = Parsed(R"({"f)" + std::to_string(i) + R"(":1})");
    EXPECT_EQ(*indexes.Evaluate(filter, model.Scan()), model.Evaluate(filter));
  }
  EXPECT_EQ(indexes.fields().size(), 256U);
  const Filter again = Parsed(R"({"f7":1})");
  EXPECT_EQ(indexes.Evaluate(again, model.Scan())->Count(), 1U);
}

// Changes made while the scan that builds an index is under way are not lost, wherever the scan has got to.
TEST(FieldIndexTest, ChangesDuringAScanCount) {
  FieldIndexes indexes;
  std::map<Slot, std::string> items = {{0, R"({"a":1})"}, {1, R"({"a":1})"}, {2, R"({"a":1})"}};
  const auto scan = [&](const auto& callback) {
    callback(0, items[0]);
    items[0] = R"({"a":2})";
    indexes.Remove(0);
    indexes.Add(0, items[0]);
    callback(1, items[1]);
    callback(2, items[2]);
    items.erase(2);
    indexes.Remove(2);
    indexes.Add(9, R"({"a":1})");
  };
  const auto found = indexes.Evaluate(Parsed(R"({"a":1})"), scan);
  EXPECT_EQ(found->Count(), 2U);
  EXPECT_TRUE(found->Test(1));
  EXPECT_TRUE(found->Test(9));
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"a":{"$ne":1}})"), scan)->Count(), 1U);
}

TEST(FieldIndexTest, ThreadsAddRemoveAndEvaluateAtOnce) {
  constexpr Slot kSlots = 2'000;
  FieldIndexes indexes;
  std::mutex mutex;
  std::map<Slot, std::string> items;
  const auto scan = [&](const auto& callback) {
    const std::lock_guard lock(mutex);
    for (const auto& [slot, text] : items) callback(slot, text);
  };
  const auto text_of = [](Slot slot, int round) {
    return R"({"n":)" + std::to_string(slot) + R"(,"round":)" + std::to_string(round) + "}";
  };
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int round = 0; round < 4; ++round) {
      for (Slot slot = 0; slot < kSlots; ++slot) {
        const std::string text = text_of(slot, round);
        {
          const std::lock_guard lock(mutex);
          items[slot] = text;
        }
        indexes.Remove(slot);
        indexes.Add(slot, text);
      }
    }
    stop = true;
  });
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      for (int i = 0; !stop; ++i) {
        const Slot from = static_cast<Slot>((i * 37 + reader) % 1'000);
        const Filter filter =
            Parsed(R"({"n":{"$gte":)" + std::to_string(from) + R"(,"$lt":)" + std::to_string(from + 10) + R"(},"f)" +
                   std::to_string(i % 5) + R"(":{"$exists":false}})");
        indexes.Evaluate(filter, scan)->ForEach([&](Slot slot) {
          if (slot < from || slot >= from + 10) ADD_FAILURE() << slot << " is not from " << from;
        });
      }
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"round":3})"), scan)->Count(), kSlots);
  EXPECT_EQ(indexes.Evaluate(Parsed(R"({"n":{"$lt":10}})"), scan)->Count(), 10U);
}

}  // namespace
}  // namespace lakehouse::vector
