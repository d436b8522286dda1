#include "vector/batch.h"

#include <gtest/gtest.h>

namespace lakehouse::vector {
namespace {

IndexOptions BatchOptions(Metric metric = Metric::kCosine) {
  IndexOptions options;
  options.dimension = 2;
  options.metric = metric;
  return options;
}

std::string Items(std::string_view items) { return "{\"items\":[" + std::string(items) + "]}"; }

void ExpectInvalid(std::string_view json, std::string_view detail, Metric metric = Metric::kCosine) {
  const auto parsed = ParseBatch(BatchOptions(metric), json);
  ASSERT_FALSE(parsed) << json.substr(0, 200);
  EXPECT_TRUE(parsed.error().kind == ErrorKind::kInvalid || parsed.error().kind == ErrorKind::kTooLarge);
  EXPECT_NE(parsed.error().detail.find(detail), std::string::npos) << json.substr(0, 200) << "\n"
                                                                   << parsed.error().detail;
}

// The item that is wrong stands second; the error must say so.
void ExpectItemInvalid(std::string_view item, std::string_view detail) {
  const std::string json = Items("{\"id\":\"ok\",\"vector\":[1,2]}," + std::string(item));
  ExpectInvalid(json, detail);
  ExpectInvalid(json, "items[1]");
}

TEST(ParseBatch, ItemsAsTheyCame) {
  const auto batch =
      ParseBatch(BatchOptions(),
                 Items(R"({"id":"a","vector":[1,-2.5e0],"metadata":{"x":[1,{"y":null}]}},{"vector":[0,1],"id":"\u00e9"},
                         {"metadata":null,"id":"c","vector":[3,4]},{"id":"d","vector":[3,4],"metadata":{}})"));
  ASSERT_TRUE(batch) << batch.error().detail;
  EXPECT_EQ(batch->ids, (std::vector<std::string>{"a", "é", "c", "d"}));
  EXPECT_EQ(batch->vectors, (std::vector<float>{1, -2.5, 0, 1, 3, 4, 3, 4}));
  EXPECT_EQ(batch->metadata[0], R"({"x":[1,{"y":null}]})");
  EXPECT_FALSE(batch->metadata[1]);
  EXPECT_FALSE(batch->metadata[2]);
  EXPECT_EQ(batch->metadata[3], "{}");
}

TEST(ParseBatch, NoItemsAreABatch) { EXPECT_TRUE(ParseBatch(BatchOptions(), Items(""))); }

TEST(ParseBatch, WrongDimension) {
  ExpectItemInvalid(R"({"id":"b","vector":[1]})", "2");
  ExpectItemInvalid(R"({"id":"b","vector":[1,2,3]})", "2 dimensions");
  ExpectItemInvalid(R"({"id":"b","vector":[]})", "0 dimensions");
}

TEST(ParseBatch, NumbersNoFloatHolds) {
  for (const char* number : {"NaN", "nan", "Infinity", "1e39", "-1e39", "1e400", "1e999999999", "null", "true", "\"1\"",
                             "[1]", "{}", "01", "+1", "1.", "0x1", ""}) {
    ExpectItemInvalid(fmt::format(R"({{"id":"b","vector":[1,{}]}})", number), "vector");
  }
  EXPECT_TRUE(ParseBatch(BatchOptions(Metric::kL2), Items(R"({"id":"b","vector":[1e-400,1e-46]})")));
}

TEST(ParseBatch, ZeroHasNoDirection) {
  ExpectItemInvalid(R"({"id":"b","vector":[0,-0.0]})", "zero");
  EXPECT_TRUE(ParseBatch(BatchOptions(Metric::kL2), Items(R"({"id":"b","vector":[0,0]})")));
  EXPECT_TRUE(ParseBatch(BatchOptions(Metric::kDot), Items(R"({"id":"b","vector":[0,0]})")));
}

TEST(ParseBatch, LengthsWhoseDistancesOverflow) { ExpectItemInvalid(R"({"id":"b","vector":[1e20,1]})", "too long"); }

TEST(ParseBatch, DuplicateIds) {
  ExpectItemInvalid(R"({"id":"ok","vector":[1,2]})", "twice");
  ExpectItemInvalid(R"({"id":"\u006fk","vector":[1,2]})", "twice");
}

TEST(ParseBatch, BadIds) {
  ExpectItemInvalid(R"({"id":"","vector":[1,2]})", "empty");
  ExpectItemInvalid(R"({"vector":[1,2]})", "empty");
  for (const char* id : {R"(a\u0000b)", R"(a\nb)", R"(a\tb)", R"(a\u007fb)"}) {
    ExpectItemInvalid(fmt::format(R"({{"id":"{}","vector":[1,2]}})", id), "control");
  }
  ExpectItemInvalid("{\"id\":\"" + std::string(1025, 'x') + "\",\"vector\":[1,2]}", "1024");
  EXPECT_TRUE(ParseBatch(BatchOptions(), Items("{\"id\":\"" + std::string(1024, 'x') + "\",\"vector\":[1,2]}")));
  for (const char* id : {"1", "null", "{}", "[]", "true"}) {
    ExpectItemInvalid(fmt::format(R"({{"id":{},"vector":[1,2]}})", id), "string");
  }
}

TEST(ParseBatch, BadMetadata) {
  for (const char* metadata : {"1", "[]", "\"x\"", "true", "{\"a\":01}", "{\"a\" 1}", "{,}", "{\"a\":nul}"}) {
    ExpectItemInvalid(fmt::format(R"({{"id":"b","vector":[1,2],"metadata":{}}})", metadata), "");
  }
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "{\"a\":";
  deep += "1" + std::string(1000, '}');
  ExpectItemInvalid(R"({"id":"b","vector":[1,2],"metadata":)" + deep + "}", "");
  const std::string large = R"({"a":")" + std::string(size_t{1} << 20, 'x') + R"("})";
  ExpectItemInvalid(R"({"id":"b","vector":[1,2],"metadata":)" + large + "}", "1048576");
}

TEST(ParseBatch, TextsInPlaceOfVectors) {
  IndexOptions options = BatchOptions();
  auto items = ParseBatch(options, Items(R"({"id":"a","text":"hi"},{"id":"b","vector":[1,2]})"));
  ASSERT_TRUE(items) << items.error().detail;
  EXPECT_EQ(items->vectors, (std::vector<float>{0, 0, 1, 2}));
  ASSERT_EQ(items->texts.size(), 1U);
  EXPECT_EQ(items->texts[0].text, "hi");
  EXPECT_FALSE(items->texts[0].has_vector);
  ExpectItemInvalid(R"({"id":"b","text":" "})", "empty");
  ExpectItemInvalid(R"({"id":"b","text":7})", "string");
  ExpectItemInvalid(R"({"id":"ok","text":"x"})", "twice");
  ExpectItemInvalid(R"({"id":"b","text":"x","vector":[1,2]})", "text_field");
}

TEST(ParseBatch, TextsAreKeptInTheTextField) {
  IndexOptions options = BatchOptions();
  options.text_field = "body.text";
  auto items =
      ParseBatch(options, Items(R"({"id":"a","text":"h\"i","vector":[1,2]},{"id":"b","text":"x","metadata":{ }},
      {"id":"c","text":"x","metadata":{"body":{"text":"own"}}},{"id":"d","text":"x","metadata":{"n":1}})"));
  ASSERT_TRUE(items) << items.error().detail;
  EXPECT_TRUE(items->texts[0].has_vector);
  ASSERT_TRUE(KeepTexts(options, *items));
  EXPECT_EQ(items->metadata[0], R"({"body.text":"h\"i"})");
  EXPECT_EQ(items->metadata[1], R"({"body.text":"x" })");
  EXPECT_EQ(items->metadata[2], R"({"body":{"text":"own"}})");
  EXPECT_EQ(items->metadata[3], R"({"body.text":"x","n":1})");
}

TEST(ParseBatch, FieldsOfAnItem) {
  ExpectItemInvalid(R"({"id":"b"})", "missing");
  ExpectItemInvalid(R"({"id":"b","vector":[1,2],"vector":[1,2]})", "twice");
  ExpectItemInvalid(R"({"id":"b","vector":[1,2],"colour":1})", "colour");
  ExpectItemInvalid("17", "object");
}

TEST(ParseBatch, BodiesThatAreNot) {
  for (const char* json : {"",
                           " ",
                           "17",
                           "[]",
                           "null",
                           "{}",
                           R"({"items":{}})",
                           R"({"items":null})",
                           R"({"items":[]},)",
                           R"({"items":[]} x)",
                           R"({"items":[]}{"items":[]})",
                           R"({"items":[)",
                           R"({"items":[{"id":"a")",
                           R"({"items":[{"id":"a","vector":[1,2]})",
                           R"({"items":[{"id":"a","vector":[1,2]}])",
                           R"({"items":[{"id":"a","vector":[1,2]},]})",
                           R"({"items":[],"items":[]})",
                           R"({"items":[],"more":1})",
                           "{\"items\":[{\"id\":\"\xff\",\"vector\":[1,2]}]}",
                           "{\"items\":[{\"id\":\"a\",\"vector\":[1,2],\"metadata\":{\"a\":\"\xff\"}}]}"}) {
    ExpectInvalid(json, "");
  }
}

TEST(CheckBatch, AnIdIsRemovedOnceAndNotAdded) {
  Batch batch;
  batch.removed = {"a", "b"};
  EXPECT_TRUE(CheckBatch(BatchOptions(), batch));
  batch.removed = {"a", "a"};
  EXPECT_FALSE(CheckBatch(BatchOptions(), batch));
  batch.removed = {"a"};
  batch.ids = {"a"};
  batch.vectors = {1, 2};
  batch.metadata = {std::nullopt};
  EXPECT_FALSE(CheckBatch(BatchOptions(), batch));
}

TEST(ParseSearch, EveryField) {
  const auto parsed = ParseSearch(
      R"({"vector":[1,2],"k":3,"ef":50,"filter":{"a":1},"include":["vector"],"exact":true,"max_distance":0.5,
          "min_version":7,"recall_target":0.9})");
  ASSERT_TRUE(parsed) << parsed.error().detail;
  ASSERT_EQ(parsed->requests.size(), 1U);
  const SearchRequest& request = parsed->requests[0];
  EXPECT_FALSE(parsed->batch);
  EXPECT_EQ(request.vector, (std::vector<float>{1, 2}));
  EXPECT_EQ(request.k, 3U);
  EXPECT_EQ(request.ef, 50U);
  EXPECT_TRUE(request.filter && request.exact && request.include_vector && !request.include_metadata);
  EXPECT_EQ(request.max_distance, 0.5F);
  EXPECT_EQ(request.min_version, IndexVersion(7));
  EXPECT_EQ(request.recall_target, 0.9);
}

TEST(ParseSearch, ManyInOneBody) {
  const auto parsed = ParseSearch(R"({"searches":[{"vector":[1,2]},{"vector":[3,4],"k":2}]})");
  ASSERT_TRUE(parsed) << parsed.error().detail;
  EXPECT_TRUE(parsed->batch);
  ASSERT_EQ(parsed->requests.size(), 2U);
  EXPECT_EQ(parsed->requests[1].vector, (std::vector<float>{3, 4}));
  EXPECT_EQ(parsed->requests[1].k, 2U);
}

TEST(ParseSearch, BodiesThatAreNot) {
  for (const char* json : {"",
                           "[]",
                           "{}",
                           R"({"vector":[]})",
                           R"({"vector":[1],"vector":[2]})",
                           R"({"vector":[1e39]})",
                           R"({"vector":[1],"k":0})",
                           R"({"vector":[1],"k":10001})",
                           R"({"vector":[1],"k":1.5})",
                           R"({"vector":[1],"k":-1})",
                           R"({"vector":[1],"ef":0})",
                           R"({"vector":[1],"recall_target":0})",
                           R"({"vector":[1],"recall_target":1.5})",
                           R"({"vector":[1],"include":["x"]})",
                           R"({"vector":[1],"exact":1})",
                           R"({"vector":[1],"filter":[]})",
                           R"({"vector":[1],"filter":{"a":{"$near":1}}})",
                           R"({"vector":[1],"what":1})",
                           R"({"vector":[1]} x)",
                           R"({"vector":[1])",
                           R"({"searches":[{"vector":[1]}]} x)",
                           R"({"searches":[{"vector":[1]}])",
                           R"({"searches":[{"vector":[1]}],"k":1})",
                           R"({"vector":[1],"searches":[{"vector":[1]}]})",
                           R"({"searches":[],"searches":[]})",
                           R"({"searches":{}})",
                           R"({"searches":[1]})",
                           R"({"searches":[{"vector":[1]},])"}) {
    const auto parsed = ParseSearch(json);
    EXPECT_FALSE(parsed) << json;
    if (!parsed) EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid) << json;
  }
}

TEST(ParseSearch, TheSearchThatIsWrongIsNamed) {
  const auto parsed = ParseSearch(R"({"searches":[{"vector":[1]},{"vector":[1],"k":0}]})");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().detail.find("searches[1]"), std::string::npos) << parsed.error().detail;
}

TEST(ParseSearch, AtMostAThousand) {
  std::string searches = R"({"vector":[1]})";
  for (int i = 1; i < 1000; ++i) searches += R"(,{"vector":[1]})";
  EXPECT_TRUE(ParseSearch("{\"searches\":[" + searches + "]}"));
  EXPECT_FALSE(ParseSearch("{\"searches\":[" + searches + R"(,{"vector":[1]}]})"));
}

TEST(Batch, ARequestIsLimitedAndWhatIsStoredIsNot) {
  const IndexOptions options{.dimension = 1, .metric = Metric::kL2};
  Batch batch;
  std::string json = "{\"items\":[";
  for (size_t i = 0; i <= kMaxBatchItems; ++i) {
    batch.ids.push_back(std::to_string(i));
    batch.vectors.push_back(1);
    batch.metadata.emplace_back();
    json += (i == 0 ? "{\"id\":\"" : ",{\"id\":\"") + std::to_string(i) + "\",\"vector\":[1]}";
  }
  EXPECT_TRUE(CheckBatch(options, batch));
  EXPECT_EQ(CheckRequestSize(batch).error().kind, ErrorKind::kTooLarge);
  EXPECT_EQ(ParseBatch(options, json + "]}").error().kind, ErrorKind::kTooLarge);
}

TEST(Batch, OneReadForAnotherDimensionIsRefused) {
  Batch batch;
  batch.ids = {"a"};
  batch.vectors = {1, 2};
  batch.metadata = {std::nullopt};
  EXPECT_TRUE(CheckBatch({.dimension = 2, .metric = Metric::kL2}, batch));
  EXPECT_EQ(CheckBatch({.dimension = 3, .metric = Metric::kL2}, batch).error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace lakehouse::vector
