#include <arrow/array.h>
#include <arrow/c/bridge.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "object/block_cache.h"
#include "query/engine.h"
#include "query/test_lake.h"

namespace lakehouse::query {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using Rows = std::vector<std::vector<Parameter>>;

class BatchesTest : public testing::Test {
 protected:
  void Open(EngineOptions options = {}) {
    options.spill_folder = lake_.folder() / "spill";
    auto opened = Engine::Open(options, lake_, cache_, Logger::Silent());
    ASSERT_TRUE(opened) << opened.error().detail;
    engine_ = *std::move(opened);
  }

  static std::shared_ptr<arrow::Schema> SchemaOf(BatchStream& stream) {
    ArrowSchema schema;
    const Status exported = stream.ExportSchema(&schema);
    EXPECT_TRUE(exported) << exported.error().detail;
    return arrow::ImportSchema(&schema).ValueOrDie();
  }

  // The whole result, each batch checked.
  static Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> ReadAll(BatchStream& stream) {
    const auto schema = SchemaOf(stream);
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    for (;;) {
      ArrowArray array;
      LH_ASSIGN(const bool more, stream.Next(&array));
      if (!more) return batches;
      batches.push_back(arrow::ImportRecordBatch(&array, schema).ValueOrDie());
      EXPECT_EQ(batches.back()->ValidateFull().ToString(), "OK");
      EXPECT_GT(batches.back()->num_rows(), 0);
    }
  }

  Result<std::shared_ptr<arrow::Table>> Run(const BatchRequest& request) {
    LH_ASSIGN(const auto stream, engine_->RunBatches({}, request));
    const auto schema = SchemaOf(*stream);
    LH_ASSIGN(const auto batches, ReadAll(*stream));
    auto table = arrow::Table::FromRecordBatches(schema, batches).ValueOrDie();
    EXPECT_EQ(stream->rows(), static_cast<uint64_t>(table->num_rows()));
    return table;
  }
  Result<std::shared_ptr<arrow::Table>> Run(const std::string& sql, Rows rows = {}) {
    BatchRequest request;
    request.sql = sql;
    request.parameter_rows = std::move(rows);
    return Run(request);
  }
  static std::string Cell(const arrow::Table& table, int column, int64_t row) {
    return table.column(column)->GetScalar(row).ValueOrDie()->ToString();
  }

  TestLake lake_;
  object::BlockCache cache_{lake_.store(), {}};
  std::unique_ptr<Engine> engine_;
};

TEST_F(BatchesTest, SchemaStandsBeforeTheFirstRow) {
  lake_.Add("trips", "SELECT i AS id, 'n' || i AS name, [i, NULL] AS list, {'a': i} AS s FROM range(300000) t(i)");
  Open();
  BatchRequest request;
  request.sql = "SELECT * FROM trips ORDER BY id";
  const auto stream = engine_->RunBatches({}, request).value();
  EXPECT_EQ(SchemaOf(*stream)->ToString(), "id: int64\nname: string\nlist: list<l: int64>\ns: struct<a: int64>");
  EXPECT_EQ(stream->seq(), Seq(1));
  EXPECT_EQ(stream->rows(), 0u);
  const auto batches = ReadAll(*stream).value();
  EXPECT_GE(batches.size(), 3u);
  EXPECT_EQ(stream->rows(), 300000u);
  EXPECT_EQ(batches.back()->column(1)->GetScalar(batches.back()->num_rows() - 1).ValueOrDie()->ToString(), "n299999");
  ArrowArray unused;
  EXPECT_FALSE(stream->Next(&unused).value()) << "the end is said again";
  EXPECT_EQ(engine_->stats().completed, 1u);
  EXPECT_EQ(engine_->stats().running, 0u) << "the session is free before the stream is dropped";
}

TEST_F(BatchesTest, EmptyResultsHaveASchemaAndNoBatch) {
  Open();
  const auto table = Run("SELECT 1 AS a, 'x' AS b WHERE false").value();
  EXPECT_EQ(table->num_rows(), 0);
  EXPECT_EQ(table->schema()->field(1)->name(), "b");
  EXPECT_THAT(Cell(*Run("EXPLAIN SELECT 1").value(), 1, 0), HasSubstr("PROJECTION"));
}

TEST_F(BatchesTest, BatchesKeepToTheirLimits) {
  Open();
  BatchRequest request;
  request.sql = "SELECT repeat('x', 1000) AS x FROM range(100000)";
  request.batch_bytes = 4 << 20;
  const auto stream = engine_->RunBatches({}, request).value();
  for (const auto& batch : ReadAll(*stream).value()) EXPECT_LE(batch->num_rows(), 4200 + 2048);
  request.sql = "SELECT range FROM range(100000)";
  request.batch_rows = 10000;
  const auto rows = engine_->RunBatches({}, request).value();
  for (const auto& batch : ReadAll(*rows).value()) EXPECT_LE(batch->num_rows(), 10000 + 2048);
}

TEST_F(BatchesTest, ParametersOfEveryKind) {
  Open();
  const auto table =
      Run("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9",
          {{std::monostate{}, true, int64_t{7}, 1.5, std::string("a'b"), TypedText{"DATE", "2026-01-31"},
            TypedText{"DECIMAL(9,2)", "1.50"}, TypedText{"UBIGINT", std::nullopt}, Blob{std::string("\0\xff", 2)}}})
          .value();
  EXPECT_EQ(table->schema()->field(5)->type()->id(), arrow::Type::DATE32);
  EXPECT_EQ(table->schema()->field(6)->type()->ToString(), "decimal128(9, 2)");
  EXPECT_EQ(table->schema()->field(7)->type()->id(), arrow::Type::UINT64);
  EXPECT_EQ(table->schema()->field(8)->type()->id(), arrow::Type::BINARY);
  EXPECT_EQ(Cell(*table, 2, 0), "7");
  EXPECT_EQ(Cell(*table, 4, 0), "a'b");
  EXPECT_EQ(Cell(*table, 5, 0), "2026-01-31");
  EXPECT_EQ(Cell(*table, 6, 0), "1.50");
  EXPECT_EQ(Cell(*table, 7, 0), "null");
  EXPECT_EQ(Run("SELECT $1", {{TypedText{"DATE", "never"}}}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(Run("SELECT $1, $2", {{int64_t{1}}}).error().kind, ErrorKind::kInvalid);
}

TEST_F(BatchesTest, NamedParametersAreBoundByPosition) {
  Open();
  const auto table = Run("SELECT $low AS low, $high AS high, $low + 1", {{int64_t{3}, int64_t{5}}}).value();
  EXPECT_EQ(Cell(*table, 0, 0), "3");
  EXPECT_EQ(Cell(*table, 1, 0), "5");
  EXPECT_EQ(Cell(*table, 2, 0), "4");
}

TEST_F(BatchesTest, EveryParameterRowAddsItsResult) {
  lake_.Add("trips", "SELECT i AS id FROM range(10) t(i)");
  Open();
  const auto table = Run("SELECT id FROM trips WHERE id >= ? ORDER BY id", {{int64_t{8}}, {int64_t{99}}, {int64_t{9}}});
  ASSERT_TRUE(table) << table.error().detail;
  ASSERT_EQ((*table)->num_rows(), 3);
  EXPECT_EQ(Cell(**table, 0, 0), "8");
  EXPECT_EQ(Cell(**table, 0, 2), "9");
  const auto mixed = Run("SELECT ? AS x", {{int64_t{8}}, {std::string("a")}});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(mixed.error().detail, HasSubstr("parameter row 2"));
  EXPECT_EQ(engine_->stats().running, 0u);
}

TEST_F(BatchesTest, TheLakeAsItWas) {
  lake_.Add("trips", "SELECT 1 AS id");
  lake_.Add("trips", "SELECT 'two' AS other");
  Open();
  BatchRequest request;
  request.sql = "SELECT * FROM trips";
  request.at_seq = Seq(1);
  EXPECT_EQ(Run(request).value()->schema()->field(0)->name(), "id");
  EXPECT_EQ(Run("SELECT * FROM trips").value()->schema()->field(0)->name(), "other");
  EXPECT_EQ(engine_->Describe({}, "SELECT id FROM trips", Seq(1)).value().seq, Seq(1));
  EXPECT_EQ(engine_->Describe({}, "SELECT id FROM trips", std::nullopt).error().kind, ErrorKind::kInvalid);
}

TEST_F(BatchesTest, RowsKeepTheirOrderHoweverManyThreadsScan) {
  // Some 20 row groups in three objects.
  lake_.Add("trips", "SELECT i AS id, 'n' || i AS name FROM range(800000) t(i)");
  for (int part = 1; part < 3; ++part) {
    lake_.Add("trips", fmt::format("SELECT i + {}000000 AS id, 'n' || i AS name FROM range(600000) t(i)", 2 * part),
              catalog::WriteMode::kAppend);
  }
  EngineOptions options;
  options.threads = 4;
  Open(options);
  for (const uint64_t limit : {uint64_t{1}, uint64_t{4} << 20, uint64_t{64} << 20}) {
    BatchRequest request;
    request.sql = "SELECT id, name FROM trips WHERE id % 3 <> 1";
    request.batch_bytes = limit;
    const auto stream = engine_->RunBatches({}, request).value();
    int64_t last = -1, rows = 0;
    for (const auto& batch : ReadAll(*stream).value()) {
      const auto& ids = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (int64_t i = 0; i < ids.length(); ++i) {
        ASSERT_GT(ids.Value(i), last);
        last = ids.Value(i);
      }
      rows += ids.length();
    }
    EXPECT_EQ(rows, 1333333) << limit;
  }
}

TEST_F(BatchesTest, AReaderThatStopsHoldsTheScanUp) {
  lake_.Add("trips", "SELECT i AS id, repeat('x', 100) || i AS name FROM range(1500000) t(i)");
  EngineOptions options;
  options.threads = 4;
  options.timeout = std::chrono::minutes(5);
  Open(options);
  BatchRequest request;
  request.sql = "SELECT * FROM trips";
  request.batch_bytes = 1 << 20;
  const auto stream = engine_->RunBatches({}, request).value();
  ArrowArray array;
  ASSERT_TRUE(stream->Next(&array).value());
  array.release(&array);
  std::this_thread::sleep_for(milliseconds(300));
  const int64_t held = arrow::default_memory_pool()->bytes_allocated();
  EXPECT_LT(held, int64_t{120} << 20) << "of 165 MB";
  uint64_t rows = 0;
  while (stream->Next(&array).value()) {
    rows += static_cast<uint64_t>(array.length);
    array.release(&array);
  }
  EXPECT_GT(rows, 1400000u);
  EXPECT_EQ(stream->rows(), 1500000u);
}

// Values at the ends of their ranges, NULLs, texts short and long, and types that only DuckDB's own appender knows,
// side by side; as stored, as constants, and through selections and dictionaries.
TEST_F(BatchesTest, EveryTypeHasItsValues) {
  const std::string all =
      "SELECT bool, tinyint, smallint, int, bigint, utinyint, usmallint, uint, ubigint, float, double, date, "
      "CASE WHEN time IS NOT NULL THEN least(time, TIME '23:59:59') END AS time, "
      "timestamp, timestamp_s, timestamp_ms, timestamp_ns, timestamp_tz, varchar, blob, dec_9_4, uuid, interval, "
      "int_array, struct FROM test_all_types()";
  Open();
  const auto table = Run(all).value();
  ASSERT_EQ(table->num_rows(), 3);
  for (int column = 0; column < table->num_columns(); ++column) {
    const std::string& name = table->field(column)->name();
    EXPECT_EQ(Cell(*table, column, 2), "null") << name;
    EXPECT_NE(Cell(*table, column, 0), "null") << name;
    EXPECT_NE(Cell(*table, column, 1), "null") << name;
  }
  EXPECT_EQ(Cell(*table, 0, 0), "false");
  EXPECT_EQ(Cell(*table, 0, 1), "true");
  EXPECT_EQ(Cell(*table, 1, 0), "-128");
  EXPECT_EQ(Cell(*table, 2, 1), "32767");
  EXPECT_EQ(Cell(*table, 4, 0), "-9223372036854775808");
  EXPECT_EQ(Cell(*table, 8, 1), "18446744073709551615");
  EXPECT_EQ(table->field(13)->type()->ToString(), "timestamp[us]");
  EXPECT_EQ(Cell(*table, 20, 1), "99999.9999");

  const std::string mixed =
      "SELECT i AS id, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'short' || i ELSE repeat('long', 9) || i "
      "END"
      " AS name, i % 5 = 0 AS flag, CASE WHEN i % 7 = 0 THEN NULL ELSE i / 8 END AS part, 'same' AS constant, "
      "NULL::BIGINT AS nothing, [i, NULL] AS list FROM range(100000) t(i)";
  lake_.Add("mixed", mixed);
  for (const std::string where : {"", " WHERE id % 3 = 0", " WHERE id > 99990"}) {
    const auto rows = Run("SELECT * FROM mixed" + where).value();
    for (int64_t at = 0; at < rows->num_rows(); at += 1 + rows->num_rows() / 500) {
      const auto id = std::stoll(Cell(*rows, 0, at));
      const std::string name = id % 4 == 0   ? "null"
                               : id % 4 == 1 ? ""
                               : id % 4 == 2 ? fmt::format("short{}", id)
                                             : fmt::format("longlonglonglonglonglonglonglonglong{}", id);
      ASSERT_EQ(Cell(*rows, 1, at), name) << id;
      ASSERT_EQ(Cell(*rows, 2, at), id % 5 == 0 ? "true" : "false") << id;
      ASSERT_EQ(Cell(*rows, 3, at) == "null", id % 7 == 0) << id;
      if (id % 7 != 0) ASSERT_EQ(std::stod(Cell(*rows, 3, at)), static_cast<double>(id) / 8) << id;
      ASSERT_EQ(Cell(*rows, 4, at), "same");
      ASSERT_EQ(Cell(*rows, 5, at), "null");
    }
  }
}

TEST_F(BatchesTest, TimeLimitAndCancelStopTheQuery) {
  Open();
  BatchRequest request;
  request.sql = kEndlessQuery;
  request.timeout = milliseconds(50);
  EXPECT_EQ(Run(request).error().kind, ErrorKind::kDeadline);
  request.timeout.reset();
  std::stop_source source;
  RequestContext context;
  context.cancelled = source.get_token();
  const auto stream = engine_->RunBatches(context, request).value();
  std::thread client([&] { source.request_stop(); });
  ArrowArray array;
  EXPECT_EQ(stream->Next(&array).error().kind, ErrorKind::kCancelled);
  client.join();
  EXPECT_EQ(engine_->stats().running, 0u);
  EXPECT_EQ(engine_->stats().failed, 2u);
}

TEST_F(BatchesTest, DroppedStreamFreesItsSession) {
  EngineOptions options;
  options.max_concurrent = 1;
  Open(options);
  BatchRequest request;
  request.sql = "SELECT range FROM range(100000000)";
  for (int i = 0; i < 3; ++i) {
    const auto stream = engine_->RunBatches({}, request).value();
    ArrowArray array;
    ASSERT_TRUE(stream->Next(&array).value());
    array.release(&array);
  }
  EXPECT_EQ(engine_->stats().running, 0u);
}

TEST_F(BatchesTest, ErrorsComeWithTheirKind) {
  Open();
  EXPECT_EQ(Run("SELECT 1 +").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(Run("CREATE TABLE t AS SELECT 1").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(Run("SELECT error('stop') FROM range(10)").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(engine_->stats().running, 0u);
}

class DescribeTest : public BatchesTest {
 protected:
  static std::string Text(const OwnedArrowSchema& schema) {
    return arrow::ImportSchema(schema.get()).ValueOrDie()->ToString();
  }
};

TEST_F(DescribeTest, ColumnsAndParametersWithoutARun) {
  lake_.Add("trips", "SELECT 1::BIGINT AS id, 'a' AS name, DATE '2026-01-01' AS day");
  Open();
  const auto shape =
      engine_->Describe({}, "SELECT name, day FROM trips WHERE id > ? AND day = ?", std::nullopt).value();
  EXPECT_EQ(Text(shape.columns), "name: string\nday: date32[day]");
  EXPECT_EQ(Text(shape.parameters), "1: int64\n2: date32[day]");
  EXPECT_EQ(shape.parameter_count, 2u);
  EXPECT_EQ(shape.seq, Seq(1));
  EXPECT_EQ(engine_->stats().running, 0u);
  EXPECT_TRUE(engine_->Describe({}, kEndlessQuery, std::nullopt)) << "nothing is run";
}

TEST_F(DescribeTest, WhatOnlyParametersDecideIsText) {
  Open();
  const auto shape = engine_->Describe({}, "SELECT $b AS x, $a AS y, 1 AS z", std::nullopt).value();
  EXPECT_EQ(Text(shape.columns), "x: string\ny: string\nz: int32");
  EXPECT_EQ(Text(shape.parameters), "b: string\na: string");
}

TEST_F(DescribeTest, BadStatementsAreRefused) {
  Open();
  EXPECT_EQ(engine_->Describe({}, "SELECT nothing", std::nullopt).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(engine_->Describe({}, "DROP TABLE x", std::nullopt).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(engine_->stats().running, 0u);
  EXPECT_TRUE(Run("SELECT 1"));
}

}  // namespace
}  // namespace lakehouse::query
