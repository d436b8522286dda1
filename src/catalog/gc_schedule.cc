#include "catalog/gc_schedule.h"

namespace lakehouse::catalog {
namespace {

constexpr std::chrono::hours kLongTime{24};

}  // namespace

GcSchedule::GcSchedule(Options options, const Clock& clock, const Logger& log, Collect collect)
    : options_(options),
      clock_(clock),
      log_(log),
      collect_(std::move(collect)),
      random_(options.seed),
      next_(clock.Monotonic() + Jittered()) {}

GcSchedule::~GcSchedule() {
  thread_.request_stop();
  {
    MutexLock lock(mutex_);
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void GcSchedule::Start() {
  if (options_.every.count() == 0) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
}

std::chrono::milliseconds GcSchedule::Jittered() {
  std::uniform_int_distribution<int64_t> permille(900, 1100);
  return options_.every * permille(random_) / 1000;
}

std::chrono::milliseconds GcSchedule::Step(const std::stop_token& stop) {
  if (options_.every.count() == 0) return kLongTime;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_ - clock_.Monotonic());
  if (left.count() > 0) return left;
  RequestContext context;
  context.internal = true;
  context.cancelled = stop;
  context.deadline = Deadline::After(options_.run_deadline);
  const auto report = collect_(context);
  if (report) {
    log_.Info("garbage collected",
              {{"objects", std::to_string(report->removed.size())}, {"bytes", std::to_string(report->bytes)}});
  } else if (report.error().kind != ErrorKind::kCancelled) {
    log_.Warn("garbage could not be collected; the next run finds what is left", {{"reason", report.error().detail}});
  }
  next_ = clock_.Monotonic() + Jittered();
  return std::chrono::ceil<std::chrono::milliseconds>(next_ - clock_.Monotonic());
}

void GcSchedule::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto left = Step(stop);
    MutexLock lock(mutex_);
    if (!stop.stop_requested()) wake_.WaitUntil(mutex_, Deadline::After(left).at());
  }
}

}  // namespace lakehouse::catalog
