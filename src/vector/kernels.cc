#include "vector/kernels.h"

#include <array>

#include "vector/kernels_internal.h"

namespace lakehouse::vector {
namespace {

struct Usable {
  std::array<const Kernels*, 3> tables = {&kPortableKernels};
  size_t count = 1;
};

Usable FindUsable() {
  Usable usable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) usable.tables[usable.count++] = &kAvx2Kernels;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni")) {
    usable.tables[usable.count++] = &kAvx512Kernels;
  }
#endif
  return usable;
}

const Usable& AllUsable() {
  static const Usable usable = FindUsable();
  return usable;
}

}  // namespace

const Kernels& BestKernels() { return *AllUsable().tables[AllUsable().count - 1]; }
std::span<const Kernels* const> UsableKernels() { return std::span(AllUsable().tables).first(AllUsable().count); }

}  // namespace lakehouse::vector
