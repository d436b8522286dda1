#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>

#include "config/machine_internal.h"

namespace lakehouse::config {

namespace {

// A control group's limit; "max" and what cannot be read mean none.
uint64_t LimitIn(const char* path) {
  std::ifstream file(path);
  uint64_t bytes = 0;
  return file >> bytes && bytes > 0 ? bytes : UINT64_MAX;
}

uint64_t MemoryBytes() {
  const uint64_t physical = static_cast<uint64_t>(std::max<int64_t>(sysconf(_SC_PHYS_PAGES), 1)) *
                            static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return std::min(
      {physical, LimitIn("/sys/fs/cgroup/memory.max"), LimitIn("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

uint64_t Cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<uint64_t>(std::max(CPU_COUNT(&set), 1));
}

uint64_t FreeDiskBytes(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::path existing = std::filesystem::absolute(folder, error);
  while (!existing.empty() && !std::filesystem::exists(existing, error) && existing != existing.parent_path()) {
    existing = existing.parent_path();
  }
  const std::filesystem::space_info space = std::filesystem::space(existing, error);
  return error ? 0 : space.available;
}

}  // namespace

Machine ThisMachine() { return Machine{MemoryBytes(), Cores(), FreeDiskBytes}; }

}  // namespace lakehouse::config
