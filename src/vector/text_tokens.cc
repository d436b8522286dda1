#include "vector/text_tokens.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>

#include "base/utf8.h"

namespace lakehouse::vector {
namespace {

struct CodePoints {
  uint32_t first, last;
};

template <size_t kSize>
bool IsIn(const CodePoints (&ranges)[kSize], uint32_t point) {
  const auto* after = std::upper_bound(std::begin(ranges), std::end(ranges), point,
                                       [](uint32_t value, const CodePoints& range) { return value < range.first; });
  return after != std::begin(ranges) && point <= std::prev(after)->last;
}

// Past ASCII: what belongs to no word.
constexpr CodePoints kSeparators[] = {
    {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},       {0xF7, 0xF7},
    {0x37E, 0x37E},   {0x387, 0x387},   {0x55A, 0x55F},   {0x589, 0x58A},   {0x5BE, 0x5BE},     {0x5F3, 0x5F4},
    {0x60C, 0x60D},   {0x61B, 0x61F},   {0x66A, 0x66D},   {0x6D4, 0x6D4},   {0x964, 0x965},     {0x1680, 0x1680},
    {0x2000, 0x206F}, {0x20A0, 0x20CF}, {0x2190, 0x2BFF}, {0x2E00, 0x2E7F}, {0x3000, 0x3004},   {0x3008, 0x3020},
    {0x3030, 0x3030}, {0x30FB, 0x30FB}, {0xE000, 0xF8FF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F},   {0xFEFF, 0xFF0F},
    {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF}, {0xE0000, 0x10FFFF},
};
// Each character a word.
constexpr CodePoints kAlone[] = {
    {0x3040, 0x30FF}, {0x31F0, 0x31FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF},
};
// Upper case and lower case in turn, from `first` on.
constexpr CodePoints kPairs[] = {
    {0x100, 0x137}, {0x139, 0x148}, {0x14A, 0x177}, {0x179, 0x17E}, {0x1CD, 0x1DC}, {0x1DE, 0x1EF},   {0x1F8, 0x21F},
    {0x222, 0x233}, {0x460, 0x481}, {0x48A, 0x4BF}, {0x4C1, 0x4CE}, {0x4D0, 0x52F}, {0x1E00, 0x1E95}, {0x1EA0, 0x1EFF},
};
struct Shift {
  CodePoints upper;
  uint32_t by;
};
constexpr Shift kShifts[] = {
    {{0xC0, 0xD6}, 0x20},   {{0xD8, 0xDE}, 0x20},   {{0x388, 0x38A}, 0x25},   {{0x38C, 0x38C}, 0x40},
    {{0x38E, 0x38F}, 0x3F}, {{0x391, 0x3A1}, 0x20}, {{0x3A3, 0x3AB}, 0x20},   {{0x400, 0x40F}, 0x50},
    {{0x410, 0x42F}, 0x20}, {{0x531, 0x556}, 0x30}, {{0xFF21, 0xFF3A}, 0x20},
};

uint32_t ToLower(uint32_t point) {
  if (point == 0x130) return 'i';
  if (point == 0x178) return 0xFF;
  if (point == 0x386) return 0x3AC;
  if (point == 0x3C2) return 0x3C3;  // sigma at the end of a word
  if (point == 0x4C0) return 0x4CF;
  if (point == 0x1E9E) return 0xDF;
  for (const Shift& shift : kShifts) {
    if (point >= shift.upper.first && point <= shift.upper.last) return point + shift.by;
  }
  for (const CodePoints& pairs : kPairs) {
    if (point >= pairs.first && point <= pairs.last) return point + ((point - pairs.first) % 2 == 0 ? 1 : 0);
  }
  return point;
}

// REQUIRES: `bytes` is one well-formed sequence of two bytes or more.
uint32_t Decode(std::string_view bytes) {
  uint32_t point = static_cast<uint8_t>(bytes[0]) & (0xFFU >> (bytes.size() + 1));
  for (const char byte : bytes.substr(1)) point = (point << 6) | (static_cast<uint8_t>(byte) & 0x3FU);
  return point;
}

void AppendUtf8(std::string& out, uint32_t point) {
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80U | ((point >> shift) & 0x3FU))); };
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (point >> 6)));
    tail(0);
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (point >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (point >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

// The byte in lower case when it belongs to a word, else 0.
char AsciiWord(char byte) {
  if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) return byte;
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : '\0';
}

}  // namespace

void ForEachToken(std::string_view text, const std::function<void(std::string_view)>& callback) {
  std::string token;
  bool full = false;  // the rest of the word is cut off
  const auto end_word = [&] {
    if (!token.empty()) callback(token);
    token.clear();
    full = false;
  };
  while (!text.empty()) {
    if (static_cast<uint8_t>(text[0]) < 0x80) {
      const char word = AsciiWord(text[0]);
      text.remove_prefix(1);
      if (word == '\0') {
        end_word();
      } else if (token.size() < kMaxTokenBytes && !full) {
        token.push_back(word);
      }
      continue;
    }
    const size_t length = Utf8SequenceLength(text);
    const uint32_t point = length < 2 ? 0x80 : Decode(text.substr(0, length));
    text.remove_prefix(std::max<size_t>(length, 1));
    if (IsIn(kSeparators, point)) {
      end_word();
    } else if (IsIn(kAlone, point)) {
      end_word();
      AppendUtf8(token, point);
      end_word();
    } else {
      const size_t before = token.size();
      if (!full) AppendUtf8(token, ToLower(point));
      full = full || token.size() > kMaxTokenBytes;
      if (token.size() > kMaxTokenBytes) token.resize(before);
    }
  }
  end_word();
}

}  // namespace lakehouse::vector
