#include "base/clock.h"

#include <ctime>

namespace lakehouse {
namespace {

class MachineClock final : public Clock {
 public:
  WallTime Now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  MonotonicTime Monotonic() const override { return std::chrono::steady_clock::now(); }
};

struct tm ToUtc(WallTime time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  struct tm utc = {};
  gmtime_r(&seconds, &utc);
  return utc;
}

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

std::chrono::milliseconds Deadline::Remaining() const {
  if (IsNever()) return std::chrono::hours(24);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

std::string FormatRfc3339(WallTime time) {
  const struct tm utc = ToUtc(time);
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, (time - whole).count());
}

Result<WallTime> ParseRfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) !=
      6) {
    return Fail(ErrorKind::kInvalid, "'{}' is no RFC 3339 time", text);
  }
  int64_t micros = 0;
  size_t at = static_cast<size_t>(used);
  if (at < copy.size() && copy[at] == '.') {
    int64_t unit = 100'000;
    for (++at; at < copy.size() && copy[at] >= '0' && copy[at] <= '9'; ++at, unit /= 10)
      micros += (copy[at] - '0') * unit;
  }
  if (copy.substr(at) != "Z" && copy.substr(at) != "+00:00") {
    return Fail(ErrorKind::kInvalid, "'{}' is no RFC 3339 time in UTC", text);
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return Fail(ErrorKind::kInvalid, "'{}' is no time", text);
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + std::chrono::microseconds(micros);
}

std::string FormatHttpDate(WallTime time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const struct tm utc = ToUtc(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon],
                     utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

Result<WallTime> ParseHttpDate(std::string_view text) {
  struct tm utc = {};
  const std::string copy(text);
  const char* end = strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  if (end == nullptr || *end != '\0') return Fail(ErrorKind::kInvalid, "'{}' is no HTTP date", text);
  return WallTime(std::chrono::seconds(timegm(&utc)));
}

}  // namespace lakehouse
