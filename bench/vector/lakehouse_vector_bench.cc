// Our side of the vector benchmark: the index as vectord runs it, without HTTP. The command line is that of
// hnswlib_bench.cc, so that bench/vector_lines.py runs both alike.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "vector/index.h"

namespace lakehouse::vector {
namespace {

constexpr uint32_t kAbsent = ~uint32_t{0};
constexpr size_t kBatch = 20'000;

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "lakehouse_vector_bench: %s\n", why.c_str());
  std::exit(1);
}

template <typename T>
T Must(Result<T> result) {
  if (!result) Die(result.error().detail);
  return *std::move(result);
}

struct Matrix {
  uint32_t rows = 0, columns = 0;
  std::vector<float> values;
  const float* row(size_t i) const { return values.data() + i * columns; }
};

Matrix ReadMatrix(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Matrix matrix;
  in.read(reinterpret_cast<char*>(&matrix.rows), 4).read(reinterpret_cast<char*>(&matrix.columns), 4);
  matrix.values.resize(size_t{matrix.rows} * matrix.columns);
  in.read(reinterpret_cast<char*>(matrix.values.data()), static_cast<std::streamsize>(matrix.values.size() * 4));
  if (!in) Die("cannot read " + path);
  return matrix;
}

double Seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}
uint64_t AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::strtoull(line.c_str() + 8, nullptr, 10) * 1024;
  }
  return 0;
}

using Options = std::map<std::string, std::string>;

const std::string& Option(const Options& options, const std::string& name) {
  const auto found = options.find(name);
  if (found == options.end()) Die("--" + name + " is missing");
  return found->second;
}

std::vector<size_t> Numbers(const std::string& text) {
  std::vector<size_t> numbers;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, ',');) numbers.push_back(std::stoul(part));
  return numbers;
}

std::string SegmentOf(const Options& options, const std::string& folder) {
  return Option(options, folder) + "/segment";
}

std::unique_ptr<Index> OpenIndex(const Options& options) {
  const OpenSegment segment = Must(MapSegment(SegmentOf(options, "index"), 2));
  return Must(Index::Adopt(segment, std::nullopt, 2, {}));
}

// The attribute that filters ask for lies beside the vectors; an item's metadata holds it.
std::vector<int32_t> ReadAttributes(const std::filesystem::path& base) {
  std::ifstream in(base.parent_path() / "attr.i32", std::ios::binary);
  const std::vector<char> raw((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::vector<int32_t> attributes(raw.size() / 4);
  std::memcpy(attributes.data(), raw.data(), attributes.size() * 4);
  return attributes;
}

void Build(const Options& options) {
  const Matrix base = ReadMatrix(Option(options, "base"));
  const std::vector<int32_t> attributes = ReadAttributes(Option(options, "base"));
  IndexOptions made;
  made.dimension = base.columns;
  made.metric = MetricOf(Option(options, "metric")).value();
  made.m = static_cast<uint32_t>(std::stoul(Option(options, "m")));
  made.ef_construction = static_cast<uint32_t>(std::stoul(Option(options, "ef-construction")));
  const auto quantization = options.find("quantization");
  if (quantization != options.end()) made.quantization = QuantizationOf(quantization->second).value();
  const std::string folder = Option(options, "out");
  std::filesystem::create_directories(folder);
  const double start = Seconds(), cpu = CpuSeconds();
  const auto index = Must(Index::Make(made, folder, static_cast<unsigned>(std::stoul(Option(options, "threads")))));
  for (size_t from = 0; from < base.rows; from += kBatch) {
    Batch batch;
    for (size_t i = from; i < std::min<size_t>(from + kBatch, base.rows); ++i) {
      batch.ids.push_back(std::to_string(i));
      batch.metadata.emplace_back("{\"attr\":" + std::to_string(i < attributes.size() ? attributes[i] : 0) + "}");
    }
    batch.vectors.assign(base.row(from), base.row(from) + batch.ids.size() * base.columns);
    Must(index->Apply(batch));
  }
  const double seconds = Seconds() - start, cpu_seconds = CpuSeconds() - cpu;
  const uint64_t held = AnonymousBytes() - base.values.size() * sizeof(float);
  const auto pinned = index->Capture({});
  if (const Status written = WriteSegment(pinned->capture, SegmentOf(options, "out")); !written) {
    Die(written.error().detail);
  }
  std::printf("{\"seconds\": %f, \"cpu_seconds\": %f, \"rss_anon_bytes\": %lu}\n", seconds, cpu_seconds, held);
}

struct Round {
  double seconds = 0, cpu_seconds = 0;
};

// One query a call, every query once; the ids when asked for.
Round Ask(Index& index, const Matrix& queries, SearchRequest request, std::vector<uint32_t>* ids) {
  request.include_metadata = false;
  const double start = Seconds(), cpu = CpuSeconds();
  for (size_t i = 0; i < queries.rows; ++i) {
    request.vector.assign(queries.row(i), queries.row(i) + queries.columns);
    const SearchAnswer answer = Must(index.Search({}, request));
    if (ids == nullptr) continue;
    for (size_t j = 0; j < request.k; ++j) {
      ids->push_back(j < answer.hits.size() ? static_cast<uint32_t>(std::stoul(answer.hits[j].id)) : kAbsent);
    }
  }
  return {Seconds() - start, CpuSeconds() - cpu};
}

void WriteIds(const std::string& path, uint32_t rows, uint32_t k, const std::vector<uint32_t>& ids) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&rows), 4).write(reinterpret_cast<const char*>(&k), 4);
  out.write(reinterpret_cast<const char*>(ids.data()), static_cast<std::streamsize>(ids.size() * 4));
}

void Search(const Options& options, Index& index, const std::optional<Filter>& filter) {
  const Matrix queries = ReadMatrix(Option(options, "queries"));
  SearchRequest request;
  request.k = std::stoul(Option(options, "k"));
  request.filter = filter;
  const auto repeat = options.find("repeat");
  const size_t rounds = repeat == options.end() ? 1 : std::stoul(repeat->second);
  std::printf("[");
  const char* between = "";
  for (const size_t ef : Numbers(Option(options, "ef"))) {
    request.ef = ef;
    std::vector<uint32_t> ids;
    Ask(index, queries, request, &ids);
    WriteIds(Option(options, "out") + "-ef" + std::to_string(ef) + ".ibin", queries.rows,
             static_cast<uint32_t>(request.k), ids);
    Round total;
    for (size_t i = 0; i < rounds; ++i) {
      const Round round = Ask(index, queries, request, nullptr);
      total.seconds += round.seconds;
      total.cpu_seconds += round.cpu_seconds;
    }
    std::printf("%s{\"ef\": %zu, \"qps\": %f, \"cpu_seconds\": %f}", between, ef,
                static_cast<double>(rounds * queries.rows) / total.seconds, total.cpu_seconds);
    between = ", ";
  }
  std::printf("]\n");
}

int Main(int argc, char** argv) {
  if (argc < 2) Die("build, search, filter or open");
  Options options;
  for (int i = 2; i + 1 < argc; i += 2) options[std::string(argv[i]).substr(2)] = argv[i + 1];
  const std::string what = argv[1];
  if (what == "build") {
    Build(options);
  } else if (what == "search") {
    const auto index = OpenIndex(options);
    index->Maintain();
    Search(options, *index, std::nullopt);
  } else if (what == "filter") {
    const auto index = OpenIndex(options);
    index->Maintain();
    Search(options, *index, Must(Filter::Parse("{\"attr\":{\"$lt\":" + Option(options, "below") + "}}")));
  } else if (what == "open") {
    const double start = Seconds(), cpu = CpuSeconds();
    const auto index = OpenIndex(options);
    const double seconds = Seconds() - start, cpu_seconds = CpuSeconds() - cpu;
    const uint64_t held = AnonymousBytes();
    // What the background does within the first second: verifies the file, and copies the graph into large pages.
    index->Maintain();
    std::printf("{\"seconds\": %f, \"cpu_seconds\": %f, \"rss_anon_bytes\": %lu, \"settled_rss_anon_bytes\": %lu}\n",
                seconds, cpu_seconds, held, AnonymousBytes());
  } else {
    Die("unknown command " + what);
  }
  return 0;
}

}  // namespace
}  // namespace lakehouse::vector

int main(int argc, char** argv) { return lakehouse::vector::Main(argc, argv); }
