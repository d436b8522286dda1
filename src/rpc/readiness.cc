#include "rpc/readiness.h"

#include <algorithm>

namespace lakehouse::rpc {
namespace {

constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{250};  // until all are ready: other roles wait for it
constexpr std::chrono::milliseconds kReadyPause{2000};
constexpr std::chrono::seconds kAnswerWithin{5};

}  // namespace

Readiness::Readiness(std::vector<Watched> watched, Tell tell)
    : watched_(std::move(watched)),
      tell_(std::move(tell)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Readiness::~Readiness() {
  thread_.request_stop();
  {
    MutexLock lock(mutex_);
    wake_.NotifyAll();
  }
  thread_.join();
}

bool Readiness::TellAll(const std::stop_token& stop) {
  RequestContext context;
  context.internal = true;
  context.cancelled = stop;
  context.deadline = Deadline::After(kAnswerWithin);
  bool all = true;
  for (const Watched& one : watched_) {
    const bool ready = one.ready(context).has_value();
    tell_(one.name, ready);
    all = all && ready;
  }
  tell_("", all);
  return all;
}

void Readiness::Run(const std::stop_token& stop) {
  auto pause = kFirstPause;
  while (!stop.stop_requested()) {
    pause = TellAll(stop) ? kReadyPause : std::min(pause * 2, kLongestPause);
    const auto until = std::chrono::steady_clock::now() + pause;
    MutexLock lock(mutex_);
    while (!stop.stop_requested() && wake_.WaitUntil(mutex_, until)) {
    }
  }
}

}  // namespace lakehouse::rpc
