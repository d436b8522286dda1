#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "embed/openai_provider.h"

namespace lakehouse::embed {
namespace {

using Texts = std::vector<std::string>;

float Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
}

Vectors Hashed(const Texts& texts, uint32_t dimension = 256) {
  auto made = MakeHashProvider()->Embed({}, texts, dimension);
  EXPECT_TRUE(made);
  return made.value_or(Vectors());
}

TEST(HashProvider, NormalisedInEveryDimension) {
  for (const uint32_t dimension : {1U, 2U, 3U, 384U, 4096U}) {
    for (const auto& vector : Hashed({"a", "Hello, world", "!!!", " ", "a b c d e f g", "日本"}, dimension)) {
      ASSERT_EQ(vector.size(), dimension);
      EXPECT_NEAR(Cosine(vector, vector), 1, 1e-5);
    }
  }
}

TEST(HashProvider, TheSameOnEveryMachine) {
  // These numbers may never change, or stored indexes lose their meaning.
  for (const char* text : {"a", "A!"}) {
    const auto vector = Hashed({text}, 4)[0];
    EXPECT_NEAR(vector[0], -0.4472136, 1e-6);
    EXPECT_NEAR(vector[2], 0.8944272, 1e-6);
    EXPECT_EQ(std::abs(vector[1]) + std::abs(vector[3]), 0);
  }
}

TEST(HashProvider, SharedWordsAreNear) {
  const auto v = Hashed({"red apples from the garden", "apples, red ones", "quarterly revenue report", "red appels"});
  EXPECT_GT(Cosine(v[0], v[1]), Cosine(v[0], v[2]) + 0.2F);
  EXPECT_GT(Cosine(v[1], v[3]), Cosine(v[2], v[3]) + 0.2F);
}

// Counts what it is asked for.
class CountingProvider final : public Provider {
 public:
  Result<Vectors> Embed(const RequestContext&, std::span<const std::string> texts, uint32_t dimension) override {
    if (fail) return Fail(ErrorKind::kUnavailable, "busy");
    asked.insert(asked.end(), texts.begin(), texts.end());
    Vectors vectors;
    for (const std::string& text : texts) vectors.emplace_back(dimension, static_cast<float>(text.size()));
    return vectors;
  }
  uint32_t dimension() const override { return 0; }
  const std::string& name() const override { return name_; }
  Texts asked;
  bool fail = false;

 private:
  const std::string name_ = "counting";
};

struct Cached {
  explicit Cached(uint64_t bytes) {
    auto made = std::make_unique<CountingProvider>();
    inner = made.get();
    provider = MakeCachedProvider(std::move(made), bytes);
  }
  CountingProvider* inner;
  std::unique_ptr<Provider> provider;
};

TEST(CachedProvider, AsksOnceForEachText) {
  Cached cached(1 << 20);
  const auto vectors = cached.provider->Embed({}, Texts{"a", "bb", "a", "ccc"}, 2);
  ASSERT_TRUE(vectors);
  EXPECT_EQ(*vectors, (Vectors{{1, 1}, {2, 2}, {1, 1}, {3, 3}}));
  EXPECT_EQ(cached.inner->asked, (Texts{"a", "bb", "ccc"}));
  EXPECT_EQ(*cached.provider->Embed({}, Texts{"ccc", "dddd", "a"}, 2), (Vectors{{3, 3}, {4, 4}, {1, 1}}));
  EXPECT_EQ(cached.inner->asked, (Texts{"a", "bb", "ccc", "dddd"}));
}

TEST(CachedProvider, DimensionsAreApart) {
  Cached cached(1 << 20);
  ASSERT_TRUE(cached.provider->Embed({}, Texts{"a"}, 2));
  EXPECT_EQ((*cached.provider->Embed({}, Texts{"a"}, 3))[0].size(), 3U);
}

TEST(CachedProvider, WhatWasUsedLongestAgoGoes) {
  Cached cached(1000);  // room for two
  for (const char* text : {"a", "bb", "a", "ccc", "a", "bb"}) ASSERT_TRUE(cached.provider->Embed({}, Texts{text}, 2));
  EXPECT_EQ(cached.inner->asked, (Texts{"a", "bb", "ccc", "bb"}));
}

TEST(CachedProvider, FailuresAreNotKept) {
  Cached cached(1 << 20);
  cached.inner->fail = true;
  EXPECT_EQ(cached.provider->Embed({}, Texts{"a"}, 2).error().kind, ErrorKind::kUnavailable);
  cached.inner->fail = false;
  EXPECT_TRUE(cached.provider->Embed({}, Texts{"a"}, 2));
}

TEST(ParseEmbeddings, InTheOrderOfTheirIndexes) {
  const auto vectors =
      ParseEmbeddings(R"({"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1.5,-2]}],"model":"m"})", 2, 2);
  ASSERT_TRUE(vectors) << vectors.error().detail;
  EXPECT_EQ(*vectors, (Vectors{{1.5, -2}, {3, 4}}));
  EXPECT_TRUE(ParseEmbeddings(R"({"data":[{"embedding":[3,4]},{"embedding":[1,2]}]})", 2, 2));
}

TEST(ParseEmbeddings, WhatIsNoAnswer) {
  for (const char* json :
       {"", "17", "{}", R"({"data":{}})", R"({"data":[]})", R"({"data":[1]})", R"({"data":[{"index":0}]})",
        R"({"data":[{"index":1,"embedding":[1,2]}]})", R"({"data":[{"index":-1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":"x"}]})", R"({"data":[{"index":0,"embedding":[1,"x"]}]})",
        R"({"data":[{"index":0,"embedding":[1,1e39]}]})", R"({"data":[{"index":0,"embedding":[1,null]}]})",
        R"({"data":[{"embedding":[1,2]},{"embedding":[1,2]}]})"}) {
    const auto vectors = ParseEmbeddings(json, 1, 2);
    ASSERT_FALSE(vectors) << json;
    EXPECT_EQ(vectors.error().kind, ErrorKind::kUpstream) << json;
  }
  const auto twice = ParseEmbeddings(R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})", 2, 1);
  EXPECT_EQ(twice.error().kind, ErrorKind::kUpstream);
}

TEST(ParseEmbeddings, AnotherDimension) {
  const auto vectors = ParseEmbeddings(R"({"data":[{"index":0,"embedding":[1,2,3]}]})", 1, 2);
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(vectors.error().detail.find("3 dimensions"), std::string::npos);
}

}  // namespace
}  // namespace lakehouse::embed
