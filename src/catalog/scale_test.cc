// How the catalog's costs grow: time to ready with many datasets and log entries, and the cost of an append to a
// dataset that has very many. Small sizes ordinarily; LAKEHOUSE_LONG_TESTS=1 takes the sizes of docs/performance.md, on
// a local store, and holds the times against their aims.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <thread>

#include "base/log.h"
#include "base/uuid.h"
#include "catalog/codec.h"
#include "catalog/lake_catalog.h"
#include "object/local_store.h"
#include "object/memory_store.h"

namespace lakehouse::catalog {
namespace {

using Seconds = std::chrono::duration<double>;
using Micros = std::chrono::duration<double, std::micro>;

bool IsLong() { return std::getenv("LAKEHOUSE_LONG_TESTS") != nullptr; }

class ScaleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = object::OpenLocalStore({.root = folder_});
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = std::move(*opened);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<LakeCatalog> Open() { return Open(*store_); }
  std::unique_ptr<LakeCatalog> Open(object::ObjectStore& store) {
    auto opened = LakeCatalog::Open({}, store, SystemClock(), Logger::Silent(), metrics_, {});
    EXPECT_TRUE(opened) << opened.error().detail;
    return std::move(*opened);
  }

  static RegisterRequest Append(const std::string& name, size_t number) {
    RegisterRequest request;
    request.name = name;
    request.schema_fingerprint = std::string(64, 'f');
    for (int32_t i = 1; i <= 8; ++i) request.schema.push_back({fmt::format("column_{}", i), "BIGINT", true, i});
    DataObject object{
        fmt::format("datasets/{}/{}/{:064x}-{}.parquet", name, request.schema_fingerprint, number, RandomUuid()),
        1'000'000,
        5000,
        {}};
    for (int32_t i = 1; i <= 8; ++i) object.stats.push_back({i, 0, "1", "1000000"});
    request.objects = {std::move(object)};
    request.row_count = 5000;
    request.mode = WriteMode::kAppend;
    request.commit_id = RandomUuid();
    request.source_sha256 = fmt::format("{:064x}", number);
    request.allow_duplicate_source = false;
    request.brief = true;
    return request;
  }

  // Microseconds of each append.
  static std::vector<double> TimeAppends(LakeCatalog& catalog, const std::string& name, size_t count) {
    std::vector<double> times;
    for (size_t i = 0; i < count; ++i) {
      const RegisterRequest request = Append(name, i);
      const auto start = std::chrono::steady_clock::now();
      const auto result = catalog.Register({}, request);
      times.push_back(Micros(std::chrono::steady_clock::now() - start).count());
      EXPECT_TRUE(result) << result.error().detail;
    }
    return times;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("lakehouse-scale-{}", RandomUuid());
  std::unique_ptr<object::ObjectStore> store_;
  observe::Metrics metrics_;
};

double Mean(const std::vector<double>& values, size_t from, size_t count) {
  return std::accumulate(values.begin() + static_cast<ptrdiff_t>(from),
                         values.begin() + static_cast<ptrdiff_t>(from + count), 0.0) /
         static_cast<double>(count);
}

double Median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

double Median(const std::vector<double>& values, size_t from, size_t count) {
  const auto begin = values.begin() + static_cast<ptrdiff_t>(from);
  return Median(std::vector<double>(begin, begin + static_cast<ptrdiff_t>(count)));
}

// The least of four medians of 50: what an append costs where the machine's other work does not slow it down.
double Undisturbed(const std::vector<double>& values, size_t from) {
  double least = Median(values, from, 50);
  for (size_t window = 1; window < 4; ++window) least = std::min(least, Median(values, from + window * 50, 50));
  return least;
}

TEST_F(ScaleTest, ReadyWithManyDatasetsAndEntries) {
  const size_t datasets = IsLong() ? 10'000 : 300;
  const size_t rounds = IsLong() ? 10 : 4;
  constexpr size_t kThreads = 32;
  Seq newest;
  {
    const auto catalog = Open();
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (size_t round = 0; round < rounds; ++round) {
          for (size_t i = t; i < datasets; i += kThreads)
            ASSERT_TRUE(catalog->Register({}, Append(fmt::format("dataset_{}", i), round)));
        }
      });
    }
    threads.clear();
    newest = catalog->Epoch({}, std::nullopt, {}).value();
  }
  const auto start = std::chrono::steady_clock::now();
  const auto catalog = Open();
  const double ready = Seconds(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(catalog->Epoch({}, std::nullopt, {}).value(), newest);
  size_t found = 0;
  ListRequest list;
  while (true) {
    const auto page = catalog->List({}, list);
    ASSERT_TRUE(page);
    for (const Manifest& manifest : page->datasets) found += manifest.objects.size();
    if (!page->next_token) break;
    list.token = *page->next_token;
  }
  EXPECT_EQ(found, datasets * rounds);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%zu datasets, %zu entries in %lu log objects: ready in %.3f s, peak memory %ld MiB\n", datasets,
              datasets * rounds, static_cast<unsigned long>(newest.value), ready, usage.ru_maxrss / 1024);
  if (IsLong()) {
    EXPECT_LE(ready, 2.0);
  }
}

// The worst case: no checkpoint to begin from.
TEST_F(ScaleTest, ReadyFromTheLogAlone) {
  const size_t objects = IsLong() ? 5'000 : 300;
  for (size_t i = 0; i < objects; ++i) {
    std::vector<LogEntry> entries;
    for (size_t e = 0; e < 20; ++e) {
      LogEntry entry;
      entry.kind = LogEntry::Kind::kAppend;
      entry.commit_id = RandomUuid();
      entry.name = fmt::format("dataset_{}", (i * 20 + e) % 10'000);
      entry.fingerprint = "f";
      entry.objects = {{fmt::format("datasets/x/{}-{}", i, e), 1, 1, {}}};
      entry.row_count = 1;
      entries.push_back(std::move(entry));
    }
    RequestContext context;
    context.internal = true;
    ASSERT_TRUE(object::PutWhole(*store_, context, LogKey(Seq(i + 1)), EncodeEntries(Seq(i + 1), entries).value()));
  }
  const auto start = std::chrono::steady_clock::now();
  const auto catalog = Open();
  const double ready = Seconds(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(catalog->Epoch({}, std::nullopt, {})->value, objects);
  std::printf("%zu entries in %zu log objects, no checkpoint: ready in %.3f s\n", objects * 20, objects, ready);
}

// In memory, so that it is the catalog's own cost; a disk that other programs use as well says little about growth.
TEST_F(ScaleTest, AnAppendCostsWhatTheFirstDid) {
  for (const size_t count : {size_t{IsLong() ? 1000U : 300U}, size_t{IsLong() ? 20'000U : 800U}}) {
    for (const bool on_disk : {false, true}) {
      if (on_disk && !IsLong()) continue;
      object::MemoryStore memory{SystemClock()};
      const auto catalog = Open(on_disk ? *store_ : memory);
      const std::string name = fmt::format("t{}", count);
      const std::vector<double> times = TimeAppends(*catalog, name, count);
      const double first = Undisturbed(times, 0), last = Undisturbed(times, count - 200);
      std::printf(
          "%zu appends %s: the first 50 take %.0f us each, the last 50 %.0f us (undisturbed %.0f and %.0f us)\n", count,
          on_disk ? "on disk" : "in memory", Mean(times, 0, 50), Mean(times, count - 50, 50), first, last);
      if (!on_disk) {
        EXPECT_LE(last, first * 2 + 300);
      }
      const auto manifest = catalog->Get({}, name, std::nullopt);
      ASSERT_TRUE(manifest);
      EXPECT_EQ(manifest->objects.size(), count);
      EXPECT_EQ(manifest->objects[count - 1].key.substr(0, 10 + name.size()), "datasets/" + name + "/");
      EXPECT_TRUE(catalog->FindSource({}, name, fmt::format("{:064x}", 7), WriteMode::kAppend)->has_value());
      EXPECT_EQ(catalog->Get({}, name, DatasetVersion(17))->objects.size(), 17U);
    }
  }
}

}  // namespace
}  // namespace lakehouse::catalog
