// The engine against DuckDB embedded, over the same file: ten analytic queries, SELECT 1, and whole results out.
// LAKEHOUSE_BENCH_ROWS sets the rows of the made file (default 10 million).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/file.h"
#include "object/block_cache.h"
#include "object/local_store.h"
#include "query/duckdb_internal.h"
#include "query/engine.h"

namespace lakehouse::query {
namespace {

constexpr uint32_t kThreads = 2;
constexpr const char* kKey = "datasets/trips/trips.parquet";

constexpr const char* kAnalytic[] = {
    "SELECT count(*), avg(fare), max(fare) FROM trips",
    "SELECT kind, count(*), sum(fare) FROM trips GROUP BY kind ORDER BY kind",
    "SELECT zone, sum(fare) AS total FROM trips GROUP BY zone ORDER BY total DESC LIMIT 10",
    "SELECT date_trunc('month', pickup) AS month, count(*) FROM trips GROUP BY month ORDER BY month",
    "SELECT count(*) FROM trips WHERE fare > 50 AND passengers = 3 AND kind = 'type 3'",
    "SELECT passengers, quantile_cont(fare, 0.5) FROM trips GROUP BY passengers ORDER BY passengers",
    "SELECT count(DISTINCT note) FROM trips",
    "SELECT * FROM trips ORDER BY fare DESC, id LIMIT 20",
    "SELECT count(*) FROM trips a JOIN (SELECT zone FROM trips GROUP BY zone HAVING avg(fare) > 50) b USING (zone)",
    "SELECT count(*) FROM trips WHERE note LIKE '%77%'",
};

struct OneView final : catalog::LakeView {
  Seq seq() const override { return Seq(1); }
  std::shared_ptr<const catalog::Manifest> Find(std::string_view name) const override {
    return name == manifest->name ? manifest : nullptr;
  }
  Result<std::shared_ptr<const catalog::Manifest>> FindVersion(std::string_view, DatasetVersion) const override {
    return manifest;
  }
  std::vector<std::string> Names() const override { return {manifest->name}; }
  std::vector<catalog::Snapshot> Snapshots(std::string_view) const override { return {}; }
  std::shared_ptr<catalog::Manifest> manifest = std::make_shared<catalog::Manifest>();
};

struct OneSource final : catalog::LakeSource {
  Result<std::shared_ptr<const catalog::LakeView>> Current(const RequestContext&) override { return view; }
  Result<std::shared_ptr<const catalog::LakeView>> At(const RequestContext&, Seq) override { return view; }
  std::shared_ptr<OneView> view = std::make_shared<OneView>();
};

struct CountingSink final : ByteSink {
  Status Write(std::string_view piece) override {
    bytes += piece.size();
    return {};
  }
  uint64_t bytes = 0;
};

// Both peers over one file; made by the first benchmark that asks.
class Bench {
 public:
  static Bench& Get() {
    static Bench bench;
    return bench;
  }
  ~Bench() { std::filesystem::remove_all(folder_); }

  uint64_t RunEmbedded(const std::string& sql) {
    auto result = connection_->Query(sql);
    if (result->HasError()) Stop(result->GetError());
    return result->RowCount();
  }
  uint64_t RunEngine(const std::string& sql, ResultFormat format = ResultFormat::kJson) {
    QueryRequest request;
    request.sql = sql;
    request.format = format;
    auto stream = engine_->Run({}, request);
    if (!stream) Stop(stream.error().detail);
    CountingSink sink;
    if (auto written = (*stream)->WriteTo(sink); !written) Stop(written.error().detail);
    return sink.bytes;
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  Bench() {
    std::string folder = (std::filesystem::temp_directory_path() / "engine_bench_XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) Stop("no temporary folder");
    folder_ = folder;
    duckdb::DBConfig config;
    config.SetOptionByName("threads", duckdb::Value::BIGINT(kThreads));
    database_ = std::make_unique<duckdb::DuckDB>(nullptr, &config);
    connection_ = std::make_unique<duckdb::Connection>(*database_);
    MakeFile();
    OpenEngine();
  }

  [[noreturn]] static void Stop(const std::string& why) {
    std::cerr << why << "\n";
    std::exit(1);
  }

  void MakeFile() {
    const char* wanted = std::getenv("LAKEHOUSE_BENCH_ROWS");
    rows_ = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 10'000'000;
    file_ = folder_ / "store" / kKey;
    std::filesystem::create_directories(file_.parent_path());
    RunEmbedded(fmt::format(
        "COPY (SELECT i AS id, (hash(i) % 5000)::INT AS zone, CASE WHEN i % 10 = 0 THEN NULL ELSE 'type ' || "
        "(hash(i * 7) % 12) END AS kind, round((hash(i * 3) % 10000) / 100.0, 2)::DOUBLE AS fare, (hash(i * 11) % "
        "6)::BIGINT AS passengers, TIMESTAMP '2024-01-01' + to_seconds((hash(i * 13) % 31536000)::BIGINT) AS pickup, "
        "'note number ' || (hash(i) % 100000) AS note FROM range({}) t(i)) TO '{}' (FORMAT parquet)",
        rows_, file_.string()));
    RunEmbedded(fmt::format("CREATE VIEW trips AS FROM '{}'", file_.string()));
  }

  void OpenEngine() {
    auto store = object::OpenLocalStore({folder_ / "store"});
    if (!store) Stop(store.error().detail);
    store_ = *std::move(store);
    cache_ = std::make_unique<object::BlockCache>(*store_, object::BlockCacheOptions{});
    auto& manifest = *source_.view->manifest;
    manifest.name = "trips";
    manifest.row_count = rows_;
    manifest.objects = {{kKey, std::filesystem::file_size(file_), rows_, {}}};
    manifest.schema = {{"id", "BIGINT", true, 1},   {"zone", "INTEGER", true, 2},      {"kind", "VARCHAR", true, 3},
                       {"fare", "DOUBLE", true, 4}, {"passengers", "BIGINT", true, 5}, {"pickup", "TIMESTAMP", true, 6},
                       {"note", "VARCHAR", true, 7}};
    EngineOptions options;
    options.threads = kThreads;
    options.spill_folder = folder_ / "spill";
    auto engine = Engine::Open(options, source_, *cache_, Logger::Silent());
    if (!engine) Stop(engine.error().detail);
    engine_ = *std::move(engine);
  }

  std::filesystem::path folder_, file_;
  uint64_t rows_ = 0;
  std::unique_ptr<duckdb::DuckDB> database_;
  std::unique_ptr<duckdb::Connection> connection_;
  std::unique_ptr<object::ObjectStore> store_;
  std::unique_ptr<object::BlockCache> cache_;
  OneSource source_;
  std::unique_ptr<Engine> engine_;
};

void AnalyticEmbedded(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEmbedded(kAnalytic[state.range(0)]);
}
void AnalyticEngine(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEngine(kAnalytic[state.range(0)]);
}
BENCHMARK(AnalyticEmbedded)->DenseRange(0, 9)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(AnalyticEngine)->DenseRange(0, 9)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

void SelectOneEmbedded(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEmbedded("SELECT 1");
}
void SelectOneEngine(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEngine("SELECT 1");
}
BENCHMARK(SelectOneEmbedded)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(SelectOneEngine)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMicrosecond);

constexpr const char* kWhole = "SELECT id, kind, fare, pickup FROM trips";

void JsonByCopy(benchmark::State& state) {
  auto& bench = Bench::Get();
  for (auto _ : state) bench.RunEmbedded(fmt::format("COPY ({}) TO '/dev/null' (FORMAT json)", kWhole));
}
void JsonByEngine(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEngine(kWhole);
}
void NdjsonByEngine(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEngine(kWhole, ResultFormat::kNdjson);
}
void CsvByEngine(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEngine(kWhole, ResultFormat::kCsv);
}
void ArrowByEngine(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEngine(kWhole, ResultFormat::kArrowStream);
}
void ParquetByEngine(benchmark::State& state) {
  for (auto _ : state) Bench::Get().RunEngine(kWhole, ResultFormat::kParquet);
}
BENCHMARK(JsonByCopy)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(JsonByEngine)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(NdjsonByEngine)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(CsvByEngine)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(ArrowByEngine)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(ParquetByEngine)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lakehouse::query

BENCHMARK_MAIN();
