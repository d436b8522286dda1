#include "vector/index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "vector/item_scan.h"

namespace lakehouse::vector {
namespace {

// Made vectors of low intrinsic dimension: clusters in a few latent dimensions, projected, with noise.
class VectorGenerator {
 public:
  VectorGenerator(uint32_t dimension, uint64_t seed) : dimension_(dimension), random_(seed) {
    projection_.resize(kLatent * dimension);
    for (float& value : projection_) value = normal_(random_) / std::sqrt(float{kLatent});
    centres_.resize(kClusters * kLatent);
    for (float& value : centres_) value = normal_(random_);
  }
  std::vector<float> Next() {
    const size_t cluster = random_() % kClusters;
    std::vector<float> latent(kLatent), vector(dimension_);
    for (size_t i = 0; i < kLatent; ++i) latent[i] = centres_[cluster * kLatent + i] + 0.7F * normal_(random_);
    for (size_t d = 0; d < dimension_; ++d) {
      for (size_t i = 0; i < kLatent; ++i) vector[d] += latent[i] * projection_[i * dimension_ + d];
      vector[d] += 0.05F * normal_(random_) + 0.3F;
    }
    return vector;
  }

 private:
  static constexpr size_t kLatent = 16, kClusters = 32;
  uint32_t dimension_;
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
  std::vector<float> projection_, centres_;
};

std::unique_ptr<Index> MakeIndex(const IndexOptions& options) {
  auto index = Index::Make(options, std::nullopt, 2);
  EXPECT_TRUE(index) << index.error().detail;
  return *std::move(index);
}

void AddTo(Batch& batch, std::string id, const std::vector<float>& vector,
           std::optional<std::string> metadata = std::nullopt) {
  batch.ids.push_back(std::move(id));
  batch.vectors.insert(batch.vectors.end(), vector.begin(), vector.end());
  batch.metadata.push_back(std::move(metadata));
}

std::string IdOf(size_t i) { return "item-" + std::to_string(i); }

void Fill(Index& index, VectorGenerator& generator, size_t from, size_t to) {
  for (size_t at = from; at < to;) {
    Batch batch;
    for (; at < to && batch.ids.size() < 500; ++at) {
      AddTo(batch, IdOf(at), generator.Next(),
            "{\"n\":" + std::to_string(at) + ",\"t\":\"" + (at % 10 == 0 ? "rare" : "common") + "\"}");
    }
    const auto applied = index.Apply(batch);
    ASSERT_TRUE(applied) << applied.error().detail;
  }
}

std::vector<std::string> FoundIds(Index& index, SearchRequest request) {
  const auto answer = index.Search({}, request);
  EXPECT_TRUE(answer) << answer.error().detail;
  std::vector<std::string> ids;
  if (answer) {
    for (const Hit& hit : answer->hits) ids.push_back(hit.id);
    EXPECT_TRUE(std::is_sorted(answer->hits.begin(), answer->hits.end(),
                               [](const Hit& a, const Hit& b) { return a.distance < b.distance; }));
  }
  return ids;
}

// Share of the exact nearest that the index finds.
double Recall(Index& index, VectorGenerator& generator, const SearchRequest& base, size_t queries = 50) {
  size_t found = 0, of = 0;
  for (size_t i = 0; i < queries; ++i) {
    SearchRequest request = base;
    request.vector = generator.Next();
    const auto got = FoundIds(index, request);
    request.exact = true;
    const auto want = FoundIds(index, request);
    EXPECT_EQ(got.size(), want.size());
    const std::set<std::string> set(got.begin(), got.end());
    for (const auto& id : want) found += set.contains(id) ? 1 : 0;
    of += want.size();
  }
  return static_cast<double>(found) / static_cast<double>(of);
}

struct RecallCase {
  Metric metric;
  Quantization quantization;
  uint32_t dimension;
};

class IndexRecall : public testing::TestWithParam<RecallCase> {};

TEST_P(IndexRecall, FindsTheExactNeighbours) {
  const RecallCase& c = GetParam();
  VectorGenerator generator(c.dimension, 7);
  IndexOptions options{.dimension = c.dimension, .metric = c.metric, .quantization = c.quantization};
  options.ef_construction = 100;
  const auto index = MakeIndex(options);
  Fill(*index, generator, 0, 3000);
  SearchRequest request;
  request.ef = 160;
  EXPECT_GE(Recall(*index, generator, request), 0.95);
}

std::vector<RecallCase> RecallCases() {
  std::vector<RecallCase> cases;
  for (const Metric metric : {Metric::kCosine, Metric::kL2, Metric::kDot}) {
    for (const Quantization quantization : {Quantization::kNone, Quantization::kBf16, Quantization::kSq8,
                                            Quantization::kRabitq4, Quantization::kRabitq1}) {
      cases.push_back({metric, quantization, 96});
    }
  }
  for (const uint32_t dimension : {2U, 65U, 768U}) cases.push_back({Metric::kL2, Quantization::kSq8, dimension});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, IndexRecall, testing::ValuesIn(RecallCases()), [](const auto& info) {
  return std::string(MetricName(info.param.metric)) + "_" + std::string(QuantizationName(info.param.quantization)) +
         "_" + std::to_string(info.param.dimension);
});

TEST(Index, OneDimensionWorks) {
  const auto index = MakeIndex({.dimension = 1, .metric = Metric::kL2});
  Batch batch;
  for (size_t i = 0; i < 2000; ++i) AddTo(batch, IdOf(i), {static_cast<float>(i)});
  ASSERT_TRUE(index->Apply(batch));
  SearchRequest request;
  request.vector = {1234.2F};
  request.k = 3;
  EXPECT_EQ(FoundIds(*index, request), (std::vector<std::string>{"item-1234", "item-1235", "item-1233"}));
}

TEST(Index, AnItemJustAddedIsFoundFirst) {
  VectorGenerator generator(32, 3);
  const auto index = MakeIndex({.dimension = 32});
  Fill(*index, generator, 0, 1500);
  for (size_t i = 0; i < 100; ++i) {
    Batch batch;
    AddTo(batch, "new", generator.Next());
    ASSERT_TRUE(index->Apply(batch));
    SearchRequest request;
    request.vector = batch.vectors;
    EXPECT_EQ(FoundIds(*index, request).front(), "new");
  }
  EXPECT_EQ(index->length(), 1501U);
}

TEST(Index, ReAddingLeavesMetadataUnlessGiven) {
  const auto index = MakeIndex({.dimension = 2});
  Batch first;
  AddTo(first, "a", {1, 0}, R"({"x":1})");
  ASSERT_TRUE(index->Apply(first));
  Batch again;
  AddTo(again, "a", {0, 1});
  const auto applied = index->Apply(again);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->added, 0U);
  EXPECT_EQ(applied->updated, 1U);
  EXPECT_EQ(index->Get("a")->metadata, R"({"x":1})");
  EXPECT_EQ(index->Get("a")->vector, (std::vector<float>{0, 1}));
  Batch cleared;
  AddTo(cleared, "a", {0, 1}, "{}");
  ASSERT_TRUE(index->Apply(cleared));
  EXPECT_EQ(index->Get("a")->metadata, "{}");
}

TEST(Index, TheLastItemCanGoAndOthersCome) {
  VectorGenerator generator(16, 5);
  for (const size_t size : {size_t{1}, size_t{1200}}) {
    const auto index = MakeIndex({.dimension = 16});
    for (int round = 0; round < 3; ++round) {
      Fill(*index, generator, 0, size);
      EXPECT_EQ(index->length(), size);
      Batch none;
      for (size_t i = 0; i < size; ++i) none.removed.push_back(IdOf(i));
      ASSERT_TRUE(index->Apply(none));
      EXPECT_EQ(index->length(), 0U);
      SearchRequest request;
      request.vector = generator.Next();
      EXPECT_TRUE(FoundIds(*index, request).empty());
    }
  }
}

TEST(Index, RecallSurvivesTheReplacementOfHalf) {
  VectorGenerator generator(48, 11);
  IndexOptions options{.dimension = 48, .metric = Metric::kL2};
  options.ef_construction = 100;
  const auto replaced = MakeIndex(options);
  Fill(*replaced, generator, 0, 4000);
  for (size_t from = 0; from < 2000; from += 500) {
    Fill(*replaced, generator, from, from + 500);
    replaced->Maintain();
  }
  EXPECT_LT(replaced->dead(), 500U);
  const auto fresh = MakeIndex(options);
  Batch all;
  for (const StoredItem& item : (*replaced->Scan({}))->Next(4000)) AddTo(all, item.id, item.vector);
  ASSERT_EQ(all.ids.size(), 4000U);
  ASSERT_TRUE(fresh->Apply(all));
  SearchRequest request;
  request.ef = 60;
  VectorGenerator queries = generator;
  const double before = Recall(*fresh, generator, request, 200), after = Recall(*replaced, queries, request, 200);
  EXPECT_GE(after, before - 0.01);
}

TEST(Index, AFilterAlwaysGivesKAndFindsThem) {
  VectorGenerator generator(32, 13);
  IndexOptions options{.dimension = 32, .metric = Metric::kL2};
  options.ef_construction = 100;
  const auto index = MakeIndex(options);
  Fill(*index, generator, 0, 5000);
  for (const int below : {10, 50, 500, 2500, 4950}) {
    SearchRequest request;
    request.filter = *Filter::Parse("{\"n\":{\"$lt\":" + std::to_string(below) + "}}");
    EXPECT_GE(Recall(*index, generator, request), 0.95) << below;
  }
  SearchRequest none;
  none.vector = generator.Next();
  none.filter = *Filter::Parse(R"({"n":{"$lt":0}})");
  EXPECT_TRUE(FoundIds(*index, none).empty());
}

TEST(Index, TextAndVectorsAreFused) {
  const auto index = MakeIndex({.dimension = 2, .metric = Metric::kL2, .text_field = "body"});
  Batch batch;
  AddTo(batch, "near", {0, 0}, R"({"body":"a heron at the lake"})");
  AddTo(batch, "both", {0.1F, 0}, R"({"body":"lake house"})");
  AddTo(batch, "text", {9, 9}, R"({"body":"a lake house, one of many a house by the lake"})");
  AddTo(batch, "none", {8, 8}, R"({"body":"nothing of the kind"})");
  AddTo(batch, "bare", {7, 7});
  ASSERT_TRUE(index->Apply(batch));
  SearchRequest request;
  request.text = "lake house";
  EXPECT_EQ(FoundIds(*index, request), (std::vector<std::string>{"both", "text", "near"}));
  request.filter = *Filter::Parse(R"({"body":{"$ne":"lake house"}})");
  EXPECT_EQ(FoundIds(*index, request), (std::vector<std::string>{"text", "near"}));
  request.filter.reset();
  request.vector = {0, 0};
  request.k = 2;
  const auto fused = index->Search({}, request);
  ASSERT_TRUE(fused);
  ASSERT_EQ(fused->hits.size(), 2U);
  EXPECT_EQ(fused->hits[0].id, "both");
  EXPECT_GT(fused->hits[0].score, fused->hits[1].score);
  Batch changed;
  AddTo(changed, "both", {0.1F, 0}, R"({"body":"rewritten"})");
  changed.removed.emplace_back("text");
  ASSERT_TRUE(index->Apply(changed));
  request.vector.clear();
  EXPECT_EQ(FoundIds(*index, request), (std::vector<std::string>{"near"}));
  const auto without = MakeIndex({.dimension = 2});
  EXPECT_EQ(without->Search({}, request).error().kind, ErrorKind::kInvalid);
}

TEST(Index, SearchesAskForWhatTheyMeanOrAreTold) {
  const auto index = MakeIndex({.dimension = 3});
  const auto kind = [&](SearchRequest request) { return index->Search({}, request).error().kind; };
  SearchRequest request;
  request.vector = {1, 2};
  EXPECT_EQ(kind(request), ErrorKind::kInvalid);
  request.vector = {0, 0, 0};
  EXPECT_EQ(kind(request), ErrorKind::kInvalid);
  request.vector = {1, 0, NAN};
  EXPECT_EQ(kind(request), ErrorKind::kInvalid);
  request.vector = {1, 0, 0};
  request.min_version = IndexVersion(1);
  EXPECT_EQ(kind(request), ErrorKind::kConflict);
}

// Any sequence of adds, replacements and removals agrees with a plain map.
TEST(Index, AgreesWithAModel) {
  constexpr uint32_t kDimension = 8;
  VectorGenerator generator(kDimension, 17);
  std::mt19937 random(17);
  const auto index = MakeIndex({.dimension = kDimension, .metric = Metric::kL2});
  std::map<std::string, std::vector<float>> model;
  for (int step = 0; step < 300; ++step) {
    Batch batch;
    std::set<std::string> used;
    for (size_t i = 0; i < 1 + random() % 40; ++i) {
      const std::string id = IdOf(random() % 1600);
      if (!used.insert(id).second) continue;
      if (random() % 4 == 0) {
        batch.removed.push_back(id);
      } else {
        AddTo(batch, id, generator.Next());
      }
    }
    ASSERT_TRUE(index->Apply(batch));
    for (size_t i = 0; i < batch.ids.size(); ++i) {
      model[batch.ids[i]] = {batch.vectors.begin() + static_cast<ptrdiff_t>(i * kDimension),
                             batch.vectors.begin() + static_cast<ptrdiff_t>((i + 1) * kDimension)};
    }
    for (const auto& id : batch.removed) model.erase(id);
    ASSERT_EQ(index->length(), model.size());
    if (step % 20 == 0) index->Maintain();
    SearchRequest request;
    request.vector = generator.Next();
    request.k = 5;
    request.exact = true;
    std::vector<std::pair<float, std::string>> nearest;
    for (const auto& [id, vector] : model) {
      float distance = 0;
      for (size_t d = 0; d < kDimension; ++d) {
        distance += (vector[d] - request.vector[d]) * (vector[d] - request.vector[d]);
      }
      nearest.emplace_back(distance, id);
    }
    std::sort(nearest.begin(), nearest.end());
    nearest.resize(std::min<size_t>(nearest.size(), 5));
    std::vector<std::string> want;
    for (const auto& [distance, id] : nearest) want.push_back(id);
    ASSERT_EQ(FoundIds(*index, request), want) << "step " << step;
  }
  for (const auto& [id, vector] : model) {
    const auto item = index->Get(id);
    ASSERT_TRUE(item);
    EXPECT_EQ(item->vector, vector);
  }
}

TEST(Index, SearchesDuringAddsAreNeverTornOrDoubled) {
  constexpr uint32_t kDimension = 16;
  VectorGenerator generator(kDimension, 19);
  const auto index = MakeIndex({.dimension = kDimension, .metric = Metric::kL2});
  Fill(*index, generator, 0, 1100);
  std::atomic<bool> done{false};
  std::vector<std::jthread> readers;
  for (unsigned reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      VectorGenerator queries(kDimension, 100 + reader);
      while (!done) {
        SearchRequest request;
        request.vector = queries.Next();
        request.include_vector = true;
        const auto answer = index->Search({}, request);
        ASSERT_TRUE(answer);
        std::set<std::string> seen;
        EXPECT_EQ(answer->hits.size(), 10U);
        for (const Hit& hit : answer->hits) {
          EXPECT_TRUE(seen.insert(hit.id).second) << hit.id << " stands twice";
          float distance = 0;
          for (size_t d = 0; d < kDimension; ++d) {
            distance += (hit.vector[d] - request.vector[d]) * (hit.vector[d] - request.vector[d]);
          }
          EXPECT_NEAR(hit.distance, distance, 1e-3 * (1 + distance));
        }
      }
    });
  }
  for (int round = 0; round < 8; ++round) {
    Fill(*index, generator, static_cast<size_t>(round) * 100, static_cast<size_t>(round) * 100 + 300);
    index->Maintain();
  }
  done = true;
  readers.clear();
  EXPECT_EQ(index->length(), 1100U);
}

}  // namespace
}  // namespace lakehouse::vector
