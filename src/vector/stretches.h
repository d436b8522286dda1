// A range shared out to several threads in stretches.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace lakehouse::vector {

// Calls work(from, to) for stretches of [0, count), from this thread and as many more as there are stretches for and
// the system gives, until one returns false; true when none did. REQUIRES: work may run in several threads at once.
template <typename Work>
bool InStretches(size_t count, size_t stretch, unsigned threads, const Work& work) {
  std::atomic<size_t> next{0};
  std::atomic<bool> good{true};
  const auto run = [&] {
    for (size_t from = next.fetch_add(stretch); from < count && good; from = next.fetch_add(stretch)) {
      if (!work(from, std::min(from + stretch, count))) good = false;
    }
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (size_t i = 1; i < std::min<size_t>(threads, (count + stretch - 1) / stretch); ++i) helpers.emplace_back(run);
    } catch (const std::system_error&) {
      // As many threads as the system gives; this one alone does it too.
    }
    run();
  }
  return good;
}

}  // namespace lakehouse::vector
