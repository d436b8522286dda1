#include "query/helper_threads.h"

#include <algorithm>

namespace lakehouse::query {
namespace {

using std::chrono::microseconds;

constexpr duckdb::idx_t kTasksAtOnce = 16;
// Nobody says when a called thread's next task is there: it looks again after so long.
constexpr microseconds kShortestRest{50}, kLongestRest{1000};

}  // namespace

HelperThreads::HelperThreads(duckdb::TaskScheduler& scheduler, unsigned count) : scheduler_(scheduler) {
  try {
    threads_.reserve(count);
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { Run(); });
  } catch (...) {
    End();
    throw;
  }
}

HelperThreads::~HelperThreads() { End(); }

void HelperThreads::End() {
  {
    const MutexLock lock(mutex_);
    going_on_ = false;
  }
  called_.NotifyAll();
}

void HelperThreads::Add(int calls) {
  const MutexLock lock(mutex_);
  calls_ += calls;
  if (calls > 0) called_.NotifyAll();
}

void HelperThreads::Run() {
  microseconds rest = kShortestRest;
  while (AwaitCall()) {
    if (scheduler_.ExecuteTasks(&going_on_, kTasksAtOnce) > 0) {
      rest = kShortestRest;
    } else {
      Rest(rest);
      rest = std::min(2 * rest, kLongestRest);
    }
  }
}

bool HelperThreads::AwaitCall() {
  const MutexLock lock(mutex_);
  while (calls_ == 0 && going_on_) called_.Wait(mutex_);
  return going_on_;
}

void HelperThreads::Rest(microseconds longest) {
  const MutexLock lock(mutex_);
  if (going_on_) called_.WaitUntil(mutex_, std::chrono::steady_clock::now() + longest);
}

}  // namespace lakehouse::query
