#include "base/json.h"

#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace lakehouse {
namespace {

// Bytes that may stand in a JSON string as they are: printable ASCII but the quote and the backslash.
constexpr bool IsPlain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

void AppendEscape(std::string& out, unsigned char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    case '\b':
      out.append("\\b");
      return;
    case '\f':
      out.append("\\f");
      return;
    default:
      break;
  }
  const char escape[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
  out.append(escape, sizeof(escape));
}

template <typename T>
void AppendFloating(std::string& out, T value) {
  if (std::isnan(value)) {
    out.append("\"NaN\"");
  } else if (std::isinf(value)) {
    out.append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  } else {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    out.append(digits, end);
    // 3.0 must not read back as an integer.
    if (std::string_view(digits, end).find_first_of(".e") == std::string_view::npos) out.append(".0");
  }
}

template <typename T>
void AppendInteger(std::string& out, T value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr);
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  size_t start = 0;
  size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (IsPlain(c)) {
      ++at;
      continue;
    }
    const size_t length = c < 0x80 ? 0 : Utf8SequenceLength(text.substr(at));
    if (length > 0) {
      at += length;
      continue;
    }
    out.append(text.substr(start, at - start));
    if (c < 0x80) {
      AppendEscape(out, c);
    } else {
      out.append("\xEF\xBF\xBD");
    }
    start = ++at;
  }
  out.append(text.substr(start));
  out.push_back('"');
}

void AppendJsonDouble(std::string& out, double value) { AppendFloating(out, value); }
void AppendJsonFloat(std::string& out, float value) { AppendFloating(out, value); }
void AppendInt(std::string& out, int64_t value) { AppendInteger(out, value); }
void AppendUint(std::string& out, uint64_t value) { AppendInteger(out, value); }

}  // namespace lakehouse
