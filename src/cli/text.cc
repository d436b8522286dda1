#include "cli/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace lakehouse::cli {

namespace {

struct Range {
  uint32_t first, last;
};

// East Asian wide and emoji blocks (Unicode 15, EastAsianWidth W and F), merged to whole blocks.
constexpr std::array<Range, 11> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0xA4CF},
                                          {0xA960, 0xA97F},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F},
                                          {0xFF00, 0xFF60},
                                          {0xFFE0, 0xFFE6},
                                          {0x1F300, 0x1FAFF},
                                          {0x20000, 0x3FFFD}}};
// Combining marks, joiners and variation selectors.
constexpr std::array<Range, 7> kZero = {{{0x0300, 0x036F},
                                         {0x0591, 0x05BD},
                                         {0x200B, 0x200F},
                                         {0x20D0, 0x20FF},
                                         {0xFE00, 0xFE0F},
                                         {0xFE20, 0xFE2F},
                                         {0xE0100, 0xE01EF}}};
// Characters that turn the direction of a line, or hide in it.
constexpr std::array<Range, 2> kUnsafe = {{{0x202A, 0x202E}, {0x2066, 0x2069}}};

template <size_t kCount>
bool In(const std::array<Range, kCount>& ranges, uint32_t point) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [point](Range range) { return point >= range.first && point <= range.last; });
}

uint32_t Decode(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return lead;
  uint32_t point = lead & (0xFFu >> (sequence.size() + 1));
  for (size_t i = 1; i < sequence.size(); ++i) point = point << 6 | (static_cast<unsigned char>(sequence[i]) & 0x3Fu);
  return point;
}

size_t PointWidth(uint32_t point) { return In(kZero, point) ? 0 : In(kWide, point) ? 2 : 1; }

void AppendEscaped(std::string& out, uint32_t point) {
  switch (point) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += point < 0x100 ? fmt::format("\\x{:02x}", point) : fmt::format("\\u{:04x}", point);
  }
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    const uint32_t point = Decode(text.substr(0, length));
    if (point < 0x20 || (point >= 0x7F && point < 0xA0) || In(kUnsafe, point)) {
      AppendEscaped(out, point);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

size_t CellWidth(std::string_view text) {
  size_t cells = 0;
  while (!text.empty()) {
    const size_t length = std::max<size_t>(Utf8SequenceLength(text), 1);
    cells += PointWidth(Decode(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return cells;
}

std::string Cut(std::string_view text, size_t cells) {
  if (CellWidth(text) <= cells) return std::string(text);
  size_t used = 0;
  size_t end = 0;
  while (end < text.size()) {
    const size_t length = std::max<size_t>(Utf8SequenceLength(text.substr(end)), 1);
    const size_t width = PointWidth(Decode(text.substr(end, length)));
    if (used + width + 1 > cells) break;
    used += width;
    end += length;
  }
  return std::string(text.substr(0, end)) + "\xE2\x80\xA6";
}

std::string Grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string HumanBytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto scaled = static_cast<double>(bytes);
  size_t unit = 0;
  while (scaled >= 999.95 && unit + 1 < kUnits.size()) {
    scaled /= 1000;
    ++unit;
  }
  return scaled < 99.95 ? fmt::format("{:.1f} {}", scaled, kUnits[unit])
                        : fmt::format("{:.0f} {}", scaled, kUnits[unit]);
}

std::string HumanSeconds(double seconds) {
  if (seconds < 10) return fmt::format("{:.2f} s", seconds);
  if (seconds < 100) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<uint64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

}  // namespace lakehouse::cli
