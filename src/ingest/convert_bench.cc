// The local conversion of a CSV file: LAKEHOUSE_BENCH_CSV names the file; without it, a made one of 64 MiB.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>

#include "ingest/convert.h"

namespace lakehouse::ingest {
namespace {

std::filesystem::path MadeFile() {
  const auto path = std::filesystem::temp_directory_path() / "lakehouse-convert-bench.csv";
  std::ofstream out(path, std::ios::binary);
  out << "id,at,zone,zip,fare,paid,note\n";
  constexpr size_t kBytes = size_t{64} << 20;
  uint64_t random = 1;
  for (size_t i = 0, written = 0; written < kBytes; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    const std::string row = fmt::format("{},2025-{:02}-{:02} {:02}:15:00,\"Zone {}, North\",{:05},{}.{:02},{},{}\n", i,
                                        1 + random % 12, 1 + random % 28, random % 24, random % 200, random % 12000,
                                        random % 90, random % 100, i % 7 == 0, i % 5 == 0 ? "late" : "");
    out << row;
    written += row.size();
  }
  return path;
}

void Convert(benchmark::State& state) {
  const char* given = std::getenv("LAKEHOUSE_BENCH_CSV");
  const std::filesystem::path input = given != nullptr ? std::filesystem::path(given) : MadeFile();
  const auto output = std::filesystem::temp_directory_path() / "lakehouse-convert-bench.parquet";
  ImportOptions options;
  options.threads = static_cast<unsigned>(state.range(0));
  for (auto _ : state) {
    const auto report = ConvertCsvFile(RequestContext{}, input, output, options);
    if (!report) {
      state.SkipWithError(report.error().detail.c_str());
      break;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(std::filesystem::file_size(input)));
  std::filesystem::remove(output);
  if (given == nullptr) std::filesystem::remove(input);
}
BENCHMARK(Convert)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
}  // namespace lakehouse::ingest

BENCHMARK_MAIN();
