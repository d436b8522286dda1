// vector_search() and schema `vectors`, over indexes made up here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "object/block_cache.h"
#include "query/engine.h"
#include "query/test_lake.h"
#include "query/vector_source.h"

namespace lakehouse::query {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kItems = 5000;

VectorRow RowOf(size_t i, VectorColumns columns) {
  VectorRow row{"i" + std::to_string(i), std::nullopt, {}};
  if (columns.metadata && i % 2 == 0) row.metadata = "{\"n\":" + std::to_string(i) + "}";
  if (columns.vector) row.vector = {static_cast<float>(i), 1};
  return row;
}

// One index, "docs", of kItems items; remembers what it was asked for.
class FakeVectors final : public VectorSource {
 public:
  Result<std::vector<VectorIndex>> List(const RequestContext&) override {
    if (failure) return Fail(*failure);
    return std::vector<VectorIndex>{{"docs", 2, kItems}};
  }
  Result<VectorIndex> Find(const RequestContext&, std::string_view name) override {
    if (failure) return Fail(*failure);
    if (name != "docs" && name != "DOCS") return Fail(ErrorKind::kNotFound, "there is no vector index \"{}\"", name);
    return VectorIndex{"docs", 2, kItems};
  }
  Result<std::vector<VectorRow>> Search(const RequestContext&, std::string_view, const VectorQuery& query,
                                        VectorColumns columns) override {
    asked = query;
    wanted = columns;
    if (query.vector.size() == 3)
      return Fail(ErrorKind::kInvalid, "the query vector has 3 dimensions; the index has 2");
    std::vector<VectorRow> rows;
    for (size_t i = 0; i < query.k; ++i) {
      rows.push_back(RowOf(i, columns));
      rows.back().distance = static_cast<float>(i) / 2;
      rows.back().score = 7;
    }
    return rows;
  }
  Result<std::unique_ptr<VectorRows>> Scan(const RequestContext&, std::string_view, VectorColumns columns) override {
    class Rows final : public VectorRows {
     public:
      explicit Rows(VectorColumns columns) : columns_(columns) {}
      Result<std::vector<VectorRow>> Next() override {
        // More than a chunk of DuckDB's at once.
        constexpr size_t kPiece = 3000;
        const size_t from = next_.fetch_add(kPiece);
        std::vector<VectorRow> rows;
        for (size_t i = from; i < std::min(from + kPiece, kItems); ++i) rows.push_back(RowOf(i, columns_));
        return rows;
      }

     private:
      const VectorColumns columns_;
      std::atomic<size_t> next_{0};
    };
    wanted = columns;
    return std::make_unique<Rows>(columns);
  }

  std::optional<Error> failure;
  VectorQuery asked;
  VectorColumns wanted;
};

class VectorTablesTest : public testing::Test {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.spill_folder = lake_.folder() / "spill";
    engine_ = *Engine::Open(options, lake_, cache_, Logger::Silent(), &vectors_);
  }
  Result<std::string> Run(const std::string& sql, std::vector<Parameter> parameters = {}) {
    QueryRequest request;
    request.sql = sql;
    request.parameters = std::move(parameters);
    request.format = ResultFormat::kCsv;
    LH_ASSIGN(const auto stream, engine_->Run({}, request));
    std::string out;
    StringSink sink(out);
    LH_TRY(stream->WriteTo(sink));
    return out;
  }

  TestLake lake_;
  object::BlockCache cache_{lake_.store(), {}};
  FakeVectors vectors_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(VectorTablesTest, ASearchIsATable) {
  EXPECT_EQ(Run("SELECT * FROM vector_search('docs', [1, 2], k := 3)").value(),
            "id,distance,metadata\ni0,0.0,\"{\"\"n\"\":0}\"\ni1,0.5,\ni2,1.0,\"{\"\"n\"\":2}\"\n");
  EXPECT_THAT(vectors_.asked.vector, ElementsAre(1, 2));
  EXPECT_EQ(vectors_.asked.k, 3U);
  EXPECT_FALSE(vectors_.wanted.vector);
  EXPECT_TRUE(vectors_.wanted.metadata);
}

TEST_F(VectorTablesTest, ASearchTakesEveryOption) {
  EXPECT_EQ(Run("SELECT score, vector[1], id FROM vector_search('docs', [1, 2], k := 1, ef := 9, recall_target := 0.9, "
                "max_distance := 2, filter := '{\"a\":1}', text := 'x y', exact := true, include_vector := true)")
                .value(),
            "score,vector[1],id\n7.0,0.0,i0\n");
  EXPECT_EQ(vectors_.asked.ef, 9U);
  EXPECT_EQ(vectors_.asked.recall_target, 0.9);
  EXPECT_EQ(vectors_.asked.max_distance, 2);
  EXPECT_EQ(vectors_.asked.filter, "{\"a\":1}");
  EXPECT_EQ(vectors_.asked.text, "x y");
  EXPECT_TRUE(vectors_.asked.exact);
  EXPECT_FALSE(vectors_.wanted.metadata) << "nobody asked for it";
}

TEST_F(VectorTablesTest, TheVectorMayBeAParameterWithOrWithoutACast) {
  for (const char* vector : {"$1", "$1::FLOAT[]", "$1::FLOAT[2]"}) {
    EXPECT_EQ(
        Run(std::string("SELECT id FROM vector_search('docs', ") + vector + ", k := 1)", {JsonText{"[0.5,2]"}}).value(),
        "id\ni0\n")
        << vector;
    EXPECT_THAT(vectors_.asked.vector, ElementsAre(0.5F, 2));
  }
}

TEST_F(VectorTablesTest, HitsJoinDatasets) {
  lake_.Add("trips", "SELECT 'i' || i AS id, i * 10 AS fare FROM range(20) t(i)");
  EXPECT_EQ(Run("SELECT t.*, v.distance FROM vector_search('docs', [1, 2], k := 2) v JOIN trips t ON t.id = v.id "
                "ORDER BY v.distance")
                .value(),
            "id,fare,distance\ni0,0,0.0\ni1,10,0.5\n");
}

TEST_F(VectorTablesTest, AnIndexIsATableThatReadsWhatIsAskedFor) {
  EXPECT_EQ(Run("SELECT count(*), count(metadata), sum(vector[1]) FROM vectors.docs").value(),
            "count_star(),count(metadata),sum(vector[1])\n5000,2500,12497500.0\n");
  EXPECT_EQ(Run("SELECT count(DISTINCT id) AS n FROM vectors.\"DOCS\"").value(), "n\n5000\n");
  EXPECT_FALSE(vectors_.wanted.vector);
  EXPECT_FALSE(vectors_.wanted.metadata);
  EXPECT_EQ(Run("SELECT metadata->>'n' AS n FROM vectors.docs WHERE id = 'i4'").value(), "n\n4\n");
  EXPECT_EQ(Run("SELECT column_name, column_type FROM (DESCRIBE vectors.docs)").value(),
            "column_name,column_type\nid,VARCHAR\nvector,FLOAT[2]\nmetadata,JSON\n");
  EXPECT_EQ(Run("SELECT table_name FROM information_schema.tables WHERE table_schema = 'vectors'").value(),
            "table_name\ndocs\n");
}

TEST_F(VectorTablesTest, ErrorsSayWhatIsWrongAndKeepTheirKind) {
  const auto error = [&](const std::string& sql) {
    const auto result = Run(sql);
    EXPECT_FALSE(result) << sql;
    return result ? Error{} : result.error();
  };
  EXPECT_THAT(error("SELECT * FROM vector_search('nope', [1, 2])").detail, HasSubstr("no vector index \"nope\""));
  EXPECT_THAT(error("SELECT * FROM vectors.nope").detail, HasSubstr("Did you mean \"docs\""));
  EXPECT_THAT(error("SELECT * FROM vector_search('docs', [1, 2, 3])").detail, HasSubstr("3 dimensions"));
  EXPECT_THAT(error("SELECT * FROM vector_search('docs')").detail, HasSubstr("needs a query vector"));
  EXPECT_THAT(error("SELECT * FROM vector_search('docs', [1, NULL])").detail, HasSubstr("NULL"));
  EXPECT_THAT(error("SELECT * FROM vector_search('docs', 'abc')").detail, HasSubstr("FLOAT[]"));
  EXPECT_THAT(error("SELECT * FROM vector_search('docs', ['a'])").detail, HasSubstr("FLOAT"));
  EXPECT_THAT(error("SELECT * FROM vector_search(NULL, [1, 2])").detail, HasSubstr("NULL"));
  EXPECT_THAT(error("SELECT * FROM vector_search('docs', [1, 2], k := 0)").detail, HasSubstr("k must be from 1"));
  EXPECT_THAT(error("SELECT * FROM vector_search('docs', [1, 2], k := 10001)").detail, HasSubstr("10000"));
  EXPECT_THAT(error("SELECT * FROM vectors.docs AT (VERSION => 1)").detail, HasSubstr("no versions"));
  for (const char* sql : {"DELETE FROM vectors.docs", "CREATE TABLE vectors.x (i INT)", "DROP TABLE vectors.docs"}) {
    EXPECT_EQ(error(sql).kind, ErrorKind::kInvalid);
  }
  vectors_.failure = Error{ErrorKind::kUnavailable, "vectord cannot be reached", std::nullopt, {}};
  EXPECT_EQ(error("SELECT * FROM vector_search('docs', [1, 2])").kind, ErrorKind::kUnavailable);
  EXPECT_EQ(error("SELECT * FROM vectors.docs").kind, ErrorKind::kUnavailable);
  EXPECT_TRUE(Run("SHOW ALL TABLES")) << "a list of tables does not need vectord";
}

}  // namespace
}  // namespace lakehouse::query
