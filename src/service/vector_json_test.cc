#include "service/vector_json.h"

#include <gtest/gtest.h>

#include "base/json_value.h"
#include "vector/batch.h"

namespace lakehouse::service {
namespace {

TEST(VectorJson, SearchesComeBackAsTheyWere) {
  vector::SearchRequest request;
  request.vector = {1, -0.5F, 3e-7F};
  request.k = 7;
  request.ef = 90;
  request.filter = *vector::Filter::Parse(R"({"n":{"$gte":3},"tag":"a\"b"})");
  request.text = "two words";
  request.max_distance = 0.25F;
  request.min_version = vector::IndexVersion(12);
  request.include_vector = true;
  request.include_metadata = false;
  const auto parsed = vector::ParseSearch(WriteSearch(request));
  ASSERT_TRUE(parsed) << parsed.error().detail;
  const auto& back = parsed->requests.front();
  EXPECT_EQ(back.vector, request.vector);
  EXPECT_EQ(back.k, 7U);
  EXPECT_EQ(back.ef, 90U);
  EXPECT_EQ(back.filter->Canonical(), request.filter->Canonical());
  EXPECT_EQ(back.text, request.text);
  EXPECT_EQ(back.max_distance, request.max_distance);
  EXPECT_EQ(back.min_version, request.min_version);
  EXPECT_TRUE(back.include_vector);
  EXPECT_FALSE(back.include_metadata);
}

TEST(VectorJson, AnswersKeepTheTextOfMetadata) {
  vector::SearchRequest request;
  request.vector = {1};
  request.include_vector = true;
  vector::SearchAnswer answer;
  answer.version = vector::IndexVersion(3);
  answer.hits = {{"a \"b\"", 0.1F, 0, R"({"price": 1.10, "list":[1, 2]})", {0.1F, 2}},
                 {"c", 7, 0, std::nullopt, {1, 2}}};
  std::string text;
  JsonWriter json(text);
  WriteAnswer(json, answer, request);
  const auto back = ParseAnswer(text);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(back->version, answer.version);
  ASSERT_EQ(back->hits.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back->hits[i].id, answer.hits[i].id);
    EXPECT_EQ(back->hits[i].distance, answer.hits[i].distance);
    EXPECT_EQ(back->hits[i].metadata, answer.hits[i].metadata);
    EXPECT_EQ(back->hits[i].vector, answer.hits[i].vector);
  }
  EXPECT_EQ(ParseAnswer("{\"results\":7}").error().kind, ErrorKind::kUpstream);
  EXPECT_EQ(ParseAnswer("").error().kind, ErrorKind::kUpstream);
}

TEST(VectorJson, DefinitionsAndInfosComeBack) {
  const VectorIndexDefinition definition{
      "docs", {.dimension = 3, .metric = vector::Metric::kDot, .quantization = vector::Quantization::kBf16, .m = 8}};
  const auto back = ParseDefinition(WriteDefinition(definition));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(back->name, "docs");
  EXPECT_EQ(back->options.metric, vector::Metric::kDot);
  EXPECT_EQ(back->options.m, 8U);
  std::string text;
  JsonWriter json(text);
  WriteInfo(json, {"docs", definition.options, 10, 4, 1000});
  const auto info = ParseInfo(*ParseJson(text));
  ASSERT_TRUE(info) << info.error().detail;
  EXPECT_EQ(info->version, 4U);
  EXPECT_EQ(info->options.quantization, vector::Quantization::kBf16);
}

}  // namespace
}  // namespace lakehouse::service
