// Every distance kernel at several dimensions against what the machine can do: reading memory, and multiplying in
// registers. "cache" asks for the same few vectors again and again, "memory" goes through more than any cache holds.
// bytes_per_second is what a kernel reads of codes, ops/s its multiplications and additions.
#include <benchmark/benchmark.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "vector/kernels.h"

namespace lakehouse::vector {
namespace {

constexpr size_t kMemoryBytes = size_t{256} << 20, kCacheBytes = size_t{16} << 10;
constexpr size_t kTogether = 16;  // codes of one call, as in a walk

struct FreeMemory {
  void operator()(char* memory) const { std::free(memory); }
};
using Bytes = std::unique_ptr<char, FreeMemory>;

// Small floats and small bytes at once: no kernel meets a NaN or a denormal.
Bytes Filled(size_t bytes) {
  Bytes memory(static_cast<char*>(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096)));
  auto* words = reinterpret_cast<uint32_t*>(memory.get());
  for (size_t i = 0; i < bytes / 4; ++i) words[i] = 0x3f000000 | static_cast<uint32_t>(i % 64) << 8;
  return memory;
}

void Count(benchmark::State& state, double bytes, double operations) {
  const auto rounds = static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(rounds * bytes));
  state.counters["ops/s"] = benchmark::Counter(rounds * operations, benchmark::Counter::kIsRate);
}

template <typename Element>
void RunOne(benchmark::State& state, float (*kernel)(const float*, const Element*, size_t), size_t dimension,
            double operations, size_t room) {
  const Bytes query = Filled(dimension * sizeof(float)), codes = Filled(room);
  const size_t stride = dimension * sizeof(Element), count = std::max<size_t>(1, room / stride);
  size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(kernel(reinterpret_cast<const float*>(query.get()),
                                    reinterpret_cast<const Element*>(codes.get() + at * stride), dimension));
    at = at + 1 == count ? 0 : at + 1;
  }
  Count(state, static_cast<double>(stride), operations * static_cast<double>(dimension));
}

using CodeKernel = void (*)(const int8_t*, const uint8_t* const*, size_t, size_t, int32_t*);

void RunCodes(benchmark::State& state, CodeKernel kernel, size_t dimension, size_t bits, size_t room) {
  const size_t stride = (dimension * bits / 8 + kCodeBlock - 1) / kCodeBlock * kCodeBlock;
  const Bytes query = Filled(stride * 8 / bits), codes = Filled(room);
  const size_t count = std::max(kTogether, room / stride / kTogether * kTogether);
  std::array<const uint8_t*, kTogether> pointers;
  std::array<int32_t, kTogether> products;
  size_t at = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < kTogether; ++i) {
      pointers[i] = reinterpret_cast<const uint8_t*>(codes.get()) + (at + i) * stride % room;
    }
    kernel(reinterpret_cast<const int8_t*>(query.get()), pointers.data(), kTogether, stride, products.data());
    benchmark::DoNotOptimize(products);
    at = at + kTogether >= count ? 0 : at + kTogether;
  }
  Count(state, static_cast<double>(kTogether * stride), 2.0 * static_cast<double>(kTogether * dimension));
}

#if defined(__x86_64__)
// Eight sums side by side, as a fused multiplication takes four cycles and two begin in each.
__attribute__((target("avx2,fma"))) void FmaAvx2(benchmark::State& state) {
  constexpr int kRounds = 1024;
  std::array<__m256, 8> sums = {};
  __m256 x = _mm256_set1_ps(0.5F), y = _mm256_set1_ps(0.25F);
  for (auto _ : state) {
    benchmark::DoNotOptimize(x);
    benchmark::DoNotOptimize(y);
    for (int i = 0; i < kRounds; ++i) {
      for (__m256& sum : sums) sum = _mm256_fmadd_ps(x, sum, y);
    }
    benchmark::DoNotOptimize(sums);
  }
  Count(state, 0, 2.0 * 8 * kRounds * static_cast<double>(sums.size()));
}

__attribute__((target("avx512f"))) void FmaAvx512(benchmark::State& state) {
  constexpr int kRounds = 1024;
  std::array<__m512, 8> sums = {};
  __m512 x = _mm512_set1_ps(0.5F), y = _mm512_set1_ps(0.25F);
  for (auto _ : state) {
    benchmark::DoNotOptimize(x);
    benchmark::DoNotOptimize(y);
    for (int i = 0; i < kRounds; ++i) {
      for (__m512& sum : sums) sum = _mm512_fmadd_ps(x, sum, y);
    }
    benchmark::DoNotOptimize(sums);
  }
  Count(state, 0, 2.0 * 16 * kRounds * static_cast<double>(sums.size()));
}

__attribute__((target("avx512f,avx512vnni"))) void BytesAvx512(benchmark::State& state) {
  constexpr int kRounds = 1024;
  std::array<__m512i, 8> sums = {};
  __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(5);
  for (auto _ : state) {
    benchmark::DoNotOptimize(x);
    benchmark::DoNotOptimize(y);
    for (int i = 0; i < kRounds; ++i) {
      for (__m512i& sum : sums) sum = _mm512_dpbusd_epi32(sum, x, y);
    }
    benchmark::DoNotOptimize(sums);
  }
  Count(state, 0, 2.0 * 64 * kRounds * static_cast<double>(sums.size()));
}
#endif

// Eight words at a time, so that nothing but memory is waited for.
void ReadMemory(benchmark::State& state) {
  const Bytes memory = Filled(kMemoryBytes);
  for (auto _ : state) {
    std::array<uint64_t, 8> sums = {};
    const auto* words = reinterpret_cast<const uint64_t*>(memory.get());
    for (size_t i = 0; i < kMemoryBytes / 8; i += sums.size()) {
      for (size_t j = 0; j < sums.size(); ++j) sums[j] += words[i + j];
    }
    benchmark::DoNotOptimize(sums);
  }
  Count(state, static_cast<double>(kMemoryBytes), static_cast<double>(kMemoryBytes) / 8);
}

void RegisterLimits() {
  benchmark::RegisterBenchmark("limit/read_memory", ReadMemory);
#if defined(__x86_64__)
  const std::string_view best = BestKernels().name;
  if (best != "portable") benchmark::RegisterBenchmark("limit/fma_avx2", FmaAvx2);
  if (best == "avx512") {
    benchmark::RegisterBenchmark("limit/fma_avx512", FmaAvx512);
    benchmark::RegisterBenchmark("limit/bytes_avx512", BytesAvx512);
  }
#endif
}

void RegisterKernels(const Kernels& kernels, size_t dimension, const char* where, size_t room) {
  const auto name = [&](const char* kernel) {
    return std::string(kernels.name) + "/" + kernel + "/" + std::to_string(dimension) + "/" + where;
  };
  const auto one = [&](const char* kernel, auto function, double operations) {
    benchmark::RegisterBenchmark(
        name(kernel).c_str(), [=](benchmark::State& state) { RunOne(state, function, dimension, operations, room); });
  };
  one("dot", kernels.dot, 2);
  one("l2", kernels.l2, 3);
  one("dot_bf16", kernels.dot_bf16, 2);
  one("l2_bf16", kernels.l2_bf16, 3);
  const auto codes = [&](const char* kernel, CodeKernel function, size_t bits) {
    benchmark::RegisterBenchmark(name(kernel).c_str(),
                                 [=](benchmark::State& state) { RunCodes(state, function, dimension, bits, room); });
  };
  codes("dot_code8", kernels.dot_code8, 8);
  codes("dot_code4", kernels.dot_code4, 4);
  codes("dot_code1", kernels.dot_code1, 1);
}

}  // namespace
}  // namespace lakehouse::vector

int main(int argc, char** argv) {
  using namespace lakehouse::vector;
  RegisterLimits();
  for (const Kernels* kernels : UsableKernels()) {
    for (const size_t dimension : {32, 128, 768, 1536}) {
      RegisterKernels(*kernels, dimension, "cache", kCacheBytes);
      if (kernels == &BestKernels()) RegisterKernels(*kernels, dimension, "memory", kMemoryBytes);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
