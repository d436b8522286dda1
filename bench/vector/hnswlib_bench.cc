// hnswlib 0.8 behind the command line that every engine of the vector benchmark has (bench/vector_peers.py):
//   build  --base X.fbin --metric l2|cosine --m 16 --ef-construction 200 --threads 2 --out DIR
//   search --index DIR --queries Q.fbin --k 10 --ef 10,20,40 --repeat N --out PREFIX
//   filter --index DIR --queries Q.fbin --attr A.i32 --below S --k 10 --ef 10,20 --repeat N --out PREFIX
//   open   --index DIR
// One JSON value on standard output; ids of `search` and `filter` go to PREFIX-ef<EF>.ibin. Files: .fbin and .ibin are
// uint32 rows, uint32 columns, then the rows (float32 or uint32; 4294967295 fills the end of a short row); .i32 is
// plain.
//
// What hnswlib's own Python package does is done here without Python: vectors are normalized for cosine at add and at
// search, threads take rows from one counter. Searches are one call a query on one thread, after one round unmeasured.
// Seconds are wall time, memory is RssAnon less what it was before the index. Errors end the program with a line of
// text.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "hnswlib/hnswlib.h"

namespace {

using Options = std::map<std::string, std::string>;
using Index = hnswlib::HierarchicalNSW<float>;

const std::string& Get(const Options& options, const std::string& name) {
  auto found = options.find(name);
  if (found == options.end()) throw std::runtime_error("--" + name + " is missing");
  return found->second;
}

// A mapped .fbin file; its pages do not count as anonymous memory.
class Rows {
 public:
  explicit Rows(const std::string& path) {
    int descriptor = open(path.c_str(), O_RDONLY);
    struct stat about{};
    if (descriptor < 0 || fstat(descriptor, &about) != 0 || about.st_size < 8)
      throw std::runtime_error(path + " cannot be read");
    size_ = static_cast<size_t>(about.st_size);
    map_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0);
    close(descriptor);
    if (map_ == MAP_FAILED) throw std::runtime_error(path + " cannot be mapped");
    if (size_ != 8 + sizeof(float) * count() * dimension())
      throw std::runtime_error(path + " has another size than its header says");
  }
  ~Rows() { munmap(map_, size_); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  size_t count() const { return static_cast<const uint32_t*>(map_)[0]; }
  size_t dimension() const { return static_cast<const uint32_t*>(map_)[1]; }
  const float* row(size_t nth) const { return static_cast<const float*>(map_) + 2 + nth * dimension(); }

 private:
  size_t size_ = 0;
  void* map_ = nullptr;
};

struct Clock {
  std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
  double cpu = Cpu();

  static double Cpu() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  }
  double Seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count(); }
  double CpuSeconds() const { return Cpu() - cpu; }
};

size_t RssAnonBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::stoull(line.substr(8)) * 1024;
  }
  throw std::runtime_error("/proc/self/status has no RssAnon");
}

// As in hnswlib's bindings.cpp.
void Normalize(const float* from, float* to, size_t dimension) {
  float norm = 0;
  for (size_t i = 0; i < dimension; ++i) norm += from[i] * from[i];
  norm = 1.0F / (std::sqrt(norm) + 1e-30F);
  for (size_t i = 0; i < dimension; ++i) to[i] = from[i] * norm;
}

std::unique_ptr<hnswlib::SpaceInterface<float>> Space(bool cosine, size_t dimension) {
  if (cosine) return std::make_unique<hnswlib::InnerProductSpace>(dimension);
  return std::make_unique<hnswlib::L2Space>(dimension);
}

void Build(const Options& options) {
  Rows base(Get(options, "base"));
  const std::string out = Get(options, "out");
  const bool cosine = Get(options, "metric") == "cosine";
  const size_t dimension = base.dimension(), threads = std::stoul(Get(options, "threads"));
  size_t before = RssAnonBytes();
  Clock clock;
  auto space = Space(cosine, dimension);
  Index index(space.get(), base.count(), std::stoul(Get(options, "m")), std::stoul(Get(options, "ef-construction")));
  std::atomic<size_t> next{0};
  auto work = [&] {
    std::vector<float> unit(dimension);
    for (size_t row = next++; row < base.count(); row = next++) {
      if (cosine) Normalize(base.row(row), unit.data(), dimension);
      index.addPoint(cosine ? unit.data() : base.row(row), row);
    }
  };
  std::vector<std::thread> crew;
  for (size_t i = 0; i < threads; ++i) crew.emplace_back(work);
  for (auto& one : crew) one.join();
  double seconds = clock.Seconds(), cpu = clock.CpuSeconds();
  size_t rss = RssAnonBytes() - before;
  mkdir(out.c_str(), 0755);
  index.saveIndex(out + "/index.bin");
  std::ofstream(out + "/about") << (cosine ? "cosine" : "l2") << ' ' << dimension << '\n';
  std::printf("{\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"rss_anon_bytes\":%zu}\n", seconds, cpu, rss);
}

struct Opened {
  bool cosine = false;
  size_t dimension = 0;
  std::unique_ptr<hnswlib::SpaceInterface<float>> space;
  std::unique_ptr<Index> index;
};

Opened Open(const Options& options) {
  const std::string& folder = Get(options, "index");
  Opened opened;
  std::string metric;
  if (!(std::ifstream(folder + "/about") >> metric >> opened.dimension))
    throw std::runtime_error(folder + " holds no index");
  opened.cosine = metric == "cosine";
  opened.space = Space(opened.cosine, opened.dimension);
  opened.index = std::make_unique<Index>(opened.space.get(), folder + "/index.bin");
  return opened;
}

void OpenOnly(const Options& options) {
  size_t before = RssAnonBytes();
  Clock clock;
  Opened opened = Open(options);
  std::printf("{\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"rss_anon_bytes\":%zu}\n", clock.Seconds(), clock.CpuSeconds(),
              RssAnonBytes() - before);
}

std::vector<size_t> EfValues(const Options& options) {
  std::vector<size_t> values;
  std::istringstream list(Get(options, "ef"));
  for (std::string one; std::getline(list, one, ',');) values.push_back(std::stoul(one));
  return values;
}

// Answers every query once; ids (k a query, nearest first) into `ids`.
void Round(const Opened& opened, const Rows& queries, size_t k, hnswlib::BaseFilterFunctor* allowed,
           std::vector<uint32_t>& ids) {
  std::vector<float> unit(opened.dimension);
  for (size_t nth = 0; nth < queries.count(); ++nth) {
    if (opened.cosine) Normalize(queries.row(nth), unit.data(), opened.dimension);
    auto found = opened.index->searchKnn(opened.cosine ? unit.data() : queries.row(nth), k, allowed);
    for (; !found.empty(); found.pop()) ids[nth * k + found.size() - 1] = static_cast<uint32_t>(found.top().second);
  }
}

void Search(const Options& options, hnswlib::BaseFilterFunctor* allowed) {
  Opened opened = Open(options);
  Rows queries(Get(options, "queries"));
  if (queries.dimension() != opened.dimension)
    throw std::runtime_error("the queries have another dimension than the index");
  const size_t k = std::stoul(Get(options, "k")), repeat = std::stoul(Get(options, "repeat"));
  std::string answer;
  for (size_t ef : EfValues(options)) {
    opened.index->setEf(ef);
    std::vector<uint32_t> ids(queries.count() * k, UINT32_MAX);
    Round(opened, queries, k, allowed, ids);
    Clock clock;
    for (size_t nth = 0; nth < repeat; ++nth) Round(opened, queries, k, allowed, ids);
    double seconds = clock.Seconds(), cpu = clock.CpuSeconds();
    char line[160];
    std::snprintf(line, sizeof line, "{\"ef\":%zu,\"qps\":%.3f,\"cpu_seconds\":%.6f}", ef,
                  static_cast<double>(queries.count() * repeat) / seconds, cpu);
    answer += (answer.empty() ? "" : ",") + std::string(line);
    std::ofstream out(Get(options, "out") + "-ef" + std::to_string(ef) + ".ibin", std::ios::binary);
    const uint32_t header[] = {static_cast<uint32_t>(queries.count()), static_cast<uint32_t>(k)};
    out.write(reinterpret_cast<const char*>(header), sizeof header);
    out.write(reinterpret_cast<const char*>(ids.data()), static_cast<std::streamsize>(ids.size() * sizeof(uint32_t)));
    if (!out.flush()) throw std::runtime_error("the ids could not be written to " + Get(options, "out"));
  }
  std::printf("[%s]\n", answer.c_str());
}

class Below final : public hnswlib::BaseFilterFunctor {
 public:
  Below(const std::string& path, int32_t below) : below_(below) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) throw std::runtime_error(path + " cannot be read");
    values_.resize(static_cast<size_t>(in.tellg()) / sizeof(int32_t));
    in.seekg(0).read(reinterpret_cast<char*>(values_.data()),
                     static_cast<std::streamsize>(values_.size() * sizeof(int32_t)));
  }
  bool operator()(hnswlib::labeltype id) override { return values_[id] < below_; }

 private:
  int32_t below_;
  std::vector<int32_t> values_;
};

int Run(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0)
    throw std::runtime_error("usage: hnswlib_bench build|search|filter|open --option value ...");
  Options options;
  for (int i = 2; i < argc; i += 2)
    options[std::string(argv[i]).substr(std::min<size_t>(2, std::strlen(argv[i])))] = argv[i + 1];
  const std::string what = argv[1];
  if (what == "build") {
    Build(options);
  } else if (what == "search") {
    Search(options, nullptr);
  } else if (what == "filter") {
    Below below(Get(options, "attr"), std::stoi(Get(options, "below")));
    Search(options, &below);
  } else if (what == "open") {
    OpenOnly(options);
  } else {
    throw std::runtime_error("unknown command " + what);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hnswlib_bench: %s\n", error.what());
    return 1;
  }
}
