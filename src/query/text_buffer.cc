#include "query/text_buffer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace lakehouse::query {
namespace {

// "00" to "99".
constexpr auto kPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

char* WritePair(char* at, uint32_t value) {
  std::memcpy(at, &kPairs[size_t{2} * value], 2);
  return at + 2;
}

char* WriteUint(char* at, uint64_t value) {
  char digits[20];
  char* begin = digits + sizeof digits;
  while (value >= 100) {
    begin -= 2;
    WritePair(begin, static_cast<uint32_t>(value % 100));
    value /= 100;
  }
  if (value >= 10) {
    begin -= 2;
    WritePair(begin, static_cast<uint32_t>(value));
  } else {
    *--begin = static_cast<char>('0' + value);
  }
  const auto size = static_cast<size_t>(digits + sizeof digits - begin);
  std::memcpy(at, begin, size);
  return at + size;
}

// Numbers of up to four decimals and fifteen digits, as money and measures are. A decimal of at most fifteen digits is
// the only such one that reads back as its double, so this is the shortest text; 0 is left to the general way for its
// sign.
char* WriteFewDecimals(char* at, double value) {
  constexpr double kScale = 10'000;
  const double scaled = std::nearbyint(value * kScale);
  if (scaled == 0 || std::fabs(scaled) >= 1e15 || scaled / kScale != value) return nullptr;
  if (scaled < 0) *at++ = '-';
  const auto whole = static_cast<uint64_t>(std::fabs(scaled));
  at = WriteUint(at, whole / 10'000);
  const auto fraction = static_cast<uint32_t>(whole % 10'000);
  *at++ = '.';
  WritePair(at, fraction / 100);
  WritePair(at + 2, fraction % 100);
  // At least one decimal stays: 3.0 must not read back as an integer.
  size_t kept = 4;
  while (kept > 1 && at[kept - 1] == '0') --kept;
  return at + kept;
}

template <typename T>
char* WriteShortest(char* at, T value) {
  char* const end = std::to_chars(at, at + 32, value).ptr;
  if (std::string_view(at, static_cast<size_t>(end - at)).find_first_of(".e") != std::string_view::npos) return end;
  std::memcpy(end, ".0", 2);
  return end + 2;
}

// True when none of the eight bytes needs an escape.
bool ArePlain(uint64_t bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  const auto has_zero = [](uint64_t x) { return (x - kOnes) & ~x & kHigh; };
  const uint64_t control = (bytes - kOnes * 0x20) & ~bytes & kHigh;
  return (control | has_zero(bytes ^ (kOnes * '"')) | has_zero(bytes ^ (kOnes * '\\'))) == 0;
}

char* WriteEscaped(char* at, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && c != '"' && c != '\\') {
    *at++ = c;
    return at;
  }
  *at++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *at++ = c;
      return at;
    case '\n':
      *at++ = 'n';
      return at;
    case '\r':
      *at++ = 'r';
      return at;
    case '\t':
      *at++ = 't';
      return at;
    case '\b':
      *at++ = 'b';
      return at;
    case '\f':
      *at++ = 'f';
      return at;
    default:
      break;
  }
  std::memcpy(at, "u00", 3);
  at[3] = "0123456789abcdef"[byte >> 4];
  at[4] = "0123456789abcdef"[byte & 15];
  return at + 5;
}

}  // namespace

void TextBuffer::Grow(size_t bytes) {
  const size_t wanted = std::max({size_ + bytes, capacity_ * 2, size_t{1} << 12});
  std::unique_ptr<char[]> larger(new char[wanted]);
  if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
  data_ = std::move(larger);
  capacity_ = wanted;
}

void TextBuffer::AppendInt(int64_t value) {
  char* at = Room(21);
  auto magnitude = static_cast<uint64_t>(value);
  if (value < 0) {
    *at++ = '-';
    magnitude = ~magnitude + 1;
  }
  Advance(WriteUint(at, magnitude));
}

void TextBuffer::AppendUint(uint64_t value) { Advance(WriteUint(Room(20), value)); }

void TextBuffer::AppendFinite(double value) {
  char* const at = Room(34);
  char* const end = WriteFewDecimals(at, value);
  Advance(end != nullptr ? end : WriteShortest(at, value));
}

void TextBuffer::AppendFinite(float value) { Advance(WriteShortest(Room(34), value)); }

void TextBuffer::AppendDigits(uint32_t value, int digits) {
  char* const at = Room(10);
  for (int i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
  size_ += static_cast<size_t>(digits);
}

void TextBuffer::AppendJsonString(std::string_view utf8) {
  // In pieces, so that room for the worst case stays small beside a long text.
  constexpr size_t kPiece = size_t{1} << 16;
  Push('"');
  while (!utf8.empty()) {
    const std::string_view piece = utf8.substr(0, kPiece);
    utf8.remove_prefix(piece.size());
    char* at = Room(piece.size() * 6);
    size_t i = 0;
    while (i + 8 <= piece.size()) {
      uint64_t bytes;
      std::memcpy(&bytes, piece.data() + i, 8);
      if (ArePlain(bytes)) {
        std::memcpy(at, &bytes, 8);
        at += 8;
      } else {
        for (size_t k = i; k < i + 8; ++k) at = WriteEscaped(at, piece[k]);
      }
      i += 8;
    }
    for (; i < piece.size(); ++i) at = WriteEscaped(at, piece[i]);
    Advance(at);
  }
  Push('"');
}

}  // namespace lakehouse::query
