#include "observe/request_id.h"

#include <algorithm>

#include "base/uuid.h"

namespace lakehouse::observe {

namespace {

bool IsLowerHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsAllZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

RequestIds::RequestIds() {
  const std::string random = RandomUuid();
  // The digits of the first and last group: 20 hex digits without the fixed version and variant bits.
  prefix_ = random.substr(0, 8) + random.substr(28, 8) + "-";
}

std::string RequestIds::Make() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string id = prefix_;
  const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
  for (int shift = 44; shift >= 0; shift -= 4) id.push_back(kDigits[(number >> shift) & 15]);
  return id;
}

bool IsTraceparent(std::string_view text) {
  constexpr size_t kSize = 55;  // 2-32-16-2 with dashes
  if (text.size() < kSize) return false;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view trace = text.substr(3, 32);
  const std::string_view parent = text.substr(36, 16);
  if (!IsLowerHex(version) || !IsLowerHex(trace) || !IsLowerHex(parent) || !IsLowerHex(text.substr(53, 2)))
    return false;
  if (version == "ff" || IsAllZero(trace) || IsAllZero(parent)) return false;
  if (text.size() == kSize) return true;
  return version != "00" && text.size() <= 256 && text[kSize] == '-' && IsRequestId(text.substr(kSize));
}

}  // namespace lakehouse::observe
