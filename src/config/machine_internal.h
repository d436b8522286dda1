// What this machine has to share out, handed in so that tests can bend it. Value type.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace lakehouse::config {

struct Machine {
  uint64_t memory_bytes = 0;  // physical, or the control group's limit when that is lower
  uint64_t cores = 1;         // that this process may run on
  // Free bytes of the file system that holds (or would hold) a folder.
  std::function<uint64_t(const std::filesystem::path& folder)> free_disk_bytes;
};

Machine ThisMachine();

}  // namespace lakehouse::config
