#include "observe/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/json.h"
#include "base/mutex.h"

namespace lakehouse::observe {

namespace {

enum class Kind { kCounter, kGauge, kHistogram };
constexpr std::string_view kKindNames[] = {"counter", "gauge", "histogram"};

struct Series {
  Counter counter;
  Gauge gauge;
  Histogram histogram;
  std::function<double()> read;
};

struct Family {
  Kind kind;
  std::string help;
  std::map<std::string, std::unique_ptr<Series>> series;  // by rendered labels, so that output is sorted
};

void AppendEscaped(std::string& out, std::string_view text, bool in_quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && in_quotes) {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
}

// name="value",… with the names in order, so that the same labels are the same series in whatever order they come.
std::string RenderLabels(Labels labels) {
  std::ranges::sort(labels);
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out.push_back(',');
    out.append(name).append("=\"");
    AppendEscaped(out, value, true);
    out.push_back('"');
  }
  return out;
}

void AppendNumber(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else if (value == std::floor(value) && std::abs(value) < 9e15) {
    AppendInt(out, static_cast<int64_t>(value));
  } else {
    // Plain digits where they are short (0.0001, not 1e-04): bounds are matched as text by some readers.
    const bool plain = std::abs(value) >= 1e-6 && std::abs(value) < 1e15;
    char digits[64];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value,
                                   plain ? std::chars_format::fixed : std::chars_format::general);
    out.append(digits, end.ptr);
  }
}

void AppendName(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
                std::string_view bound) {
  out.append(name).append(suffix);
  if (!labels.empty() || !bound.empty()) {
    out.push_back('{');
    out.append(labels);
    if (!bound.empty()) {
      if (!labels.empty()) out.push_back(',');
      out.append("le=\"").append(bound).append("\"");
    }
    out.push_back('}');
  }
  out.push_back(' ');
}

void AppendHistogram(std::string& out, std::string_view name, std::string_view labels, const Histogram& histogram) {
  uint64_t below = 0;
  for (size_t i = 0; i < Histogram::kBuckets; ++i) {
    below += histogram.bucket(i);
    std::string bound;
    AppendNumber(bound, i + 1 < Histogram::kBuckets ? Histogram::kBounds[i] : HUGE_VAL);
    AppendName(out, name, "_bucket", labels, bound);
    AppendUint(out, below);
    out.push_back('\n');
  }
  AppendName(out, name, "_sum", labels, "");
  AppendNumber(out, histogram.sum());
  out.push_back('\n');
  AppendName(out, name, "_count", labels, "");
  // The buckets' own total, not a counter of its own: a scrape in the middle of an Observe stays consistent.
  AppendUint(out, below);
  out.push_back('\n');
}

}  // namespace

void Histogram::Observe(double seconds) {
  const auto bound = std::ranges::lower_bound(kBounds, seconds);
  buckets_[static_cast<size_t>(bound - std::begin(kBounds))].fetch_add(1, std::memory_order_relaxed);
  sum_nanos_.fetch_add(static_cast<uint64_t>(std::max(seconds, 0.0) * 1e9), std::memory_order_relaxed);
}

struct Metrics::Impl {
  mutable Mutex mutex;
  std::map<std::string, Family, std::less<>> families LH_GUARDED_BY(mutex);

  Series& SeriesOf(Kind kind, std::string_view name, std::string_view help, const Labels& labels,
                   std::function<double()> read = {}) LH_EXCLUDES(mutex) {
    MutexLock lock(mutex);
    auto family = families.find(name);
    if (family == families.end()) {
      family = families.emplace(std::string(name), Family{kind, std::string(help), {}}).first;
    }
    std::unique_ptr<Series>& series = family->second.series[RenderLabels(labels)];
    if (series == nullptr) series = std::make_unique<Series>();
    if (read) series->read = std::move(read);
    return *series;
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::CounterOf(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->SeriesOf(Kind::kCounter, name, help, labels).counter;
}

Gauge& Metrics::GaugeOf(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->SeriesOf(Kind::kGauge, name, help, labels).gauge;
}

Histogram& Metrics::HistogramOf(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->SeriesOf(Kind::kHistogram, name, help, labels).histogram;
}

void Metrics::GaugeFrom(std::string_view name, std::string_view help, const Labels& labels,
                        std::function<double()> read) {
  impl_->SeriesOf(Kind::kGauge, name, help, labels, std::move(read));
}

void Metrics::CounterFrom(std::string_view name, std::string_view help, const Labels& labels,
                          std::function<double()> read) {
  impl_->SeriesOf(Kind::kCounter, name, help, labels, std::move(read));
}

std::string Metrics::Render() const {
  std::string out;
  MutexLock lock(impl_->mutex);
  for (const auto& [name, family] : impl_->families) {
    out.append("# HELP ").append(name).push_back(' ');
    AppendEscaped(out, family.help, false);
    out.append("\n# TYPE ").append(name).push_back(' ');
    out.append(kKindNames[static_cast<int>(family.kind)]).push_back('\n');
    for (const auto& [labels, series] : family.series) {
      if (family.kind == Kind::kHistogram) {
        AppendHistogram(out, name, labels, series->histogram);
        continue;
      }
      AppendName(out, name, "", labels, "");
      if (series->read) {
        AppendNumber(out, series->read());
      } else if (family.kind == Kind::kCounter) {
        AppendUint(out, series->counter.value());
      } else {
        AppendInt(out, series->gauge.value());
      }
      out.push_back('\n');
    }
  }
  return out;
}

}  // namespace lakehouse::observe
