#include "config/units.h"

#include <array>
#include <charconv>
#include <optional>

namespace lakehouse::config {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 5> kDurationUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 5> kBinaryUnits = {{{"B", 1},
                                               {"KiB", uint64_t{1} << 10},
                                               {"MiB", uint64_t{1} << 20},
                                               {"GiB", uint64_t{1} << 30},
                                               {"TiB", uint64_t{1} << 40}}};
constexpr std::array<Unit, 4> kDecimalUnits = {
    {{"KB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}, {"TB", 1'000'000'000'000}}};
// Ten years: longer than any wait, and far from what the clocks' arithmetic can hold.
constexpr uint64_t kMaxMilliseconds = uint64_t{3650} * 86'400'000;

// The number in front; moves `text` past it.
std::optional<uint64_t> TakeNumber(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

template <size_t kCount>
std::optional<uint64_t> FactorOf(const std::array<Unit, kCount>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return unit.factor;
  }
  return std::nullopt;
}

}  // namespace

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const auto number = TakeNumber(text);
  const auto factor = FactorOf(kDurationUnits, text);
  if (!number || !factor)
    return Fail(ErrorKind::kInvalid, "a duration such as \"500ms\", \"10s\", \"5m\", \"24h\" or \"30d\"");
  if (*number > kMaxMilliseconds / *factor) return Fail(ErrorKind::kInvalid, "a duration of at most 3650d");
  return std::chrono::milliseconds(*number * *factor);
}

Result<uint64_t> ParseBytes(std::string_view text) {
  const auto number = TakeNumber(text);
  const auto binary = FactorOf(kBinaryUnits, text.empty() ? "B" : text);
  const auto factor = binary ? binary : FactorOf(kDecimalUnits, text);
  if (!number || !factor)
    return Fail(ErrorKind::kInvalid, "a size such as \"64KiB\", \"256MiB\", \"4GB\" or a number of bytes");
  if (*number > (uint64_t{1} << 60) / *factor) return Fail(ErrorKind::kInvalid, "a size below 1048576TiB");
  return *number * *factor;
}

Result<uint64_t> ParsePercent(std::string_view text) {
  const auto number = TakeNumber(text);
  if (!number || text != "%" || *number < 1 || *number > 100)
    return Fail(ErrorKind::kInvalid, "a share from \"1%\" to \"100%\"");
  return *number;
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  const auto milliseconds = static_cast<uint64_t>(duration.count());
  for (size_t i = kDurationUnits.size(); milliseconds > 0 && i-- > 1;) {
    const Unit& unit = kDurationUnits[i];
    if (milliseconds % unit.factor == 0) return fmt::format("{}{}", milliseconds / unit.factor, unit.name);
  }
  return fmt::format("{}ms", milliseconds);
}

std::string FormatBytes(uint64_t bytes) {
  size_t i = 0;
  while (i + 1 < kBinaryUnits.size() && bytes >= kBinaryUnits[i + 1].factor) ++i;
  const Unit& unit = kBinaryUnits[i];
  if (bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.name);
  return fmt::format("{:.1f}{}", static_cast<double>(bytes) / static_cast<double>(unit.factor), unit.name);
}

}  // namespace lakehouse::config
