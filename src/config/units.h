// Durations and sizes as people write them: "500ms", "10s", "30d"; "256MiB", "4GB", "70%". Callable from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lakehouse::config {

// A whole number and one of ms, s, m, h, d. kInvalid saying what was expected.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
// A number and one of B, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024); bytes without a unit.
Result<uint64_t> ParseBytes(std::string_view text);
// 1 to 100, from "70%".
Result<uint64_t> ParsePercent(std::string_view text);

// The largest unit that leaves a whole number, e.g. "90s", "30d".
std::string FormatDuration(std::chrono::milliseconds duration);
// With the largest unit of 1024 and at most one decimal, e.g. "256MiB", "16.3GiB".
std::string FormatBytes(uint64_t bytes);

}  // namespace lakehouse::config
