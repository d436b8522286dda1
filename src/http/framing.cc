#include "http/framing.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace lakehouse::http {

namespace {

constexpr std::string_view kBareLf = "a line of the request head ends in LF without CR";
constexpr std::string_view kBareCr = "the request head has a CR that ends no line";
constexpr size_t kMaxChunkLine = 1024;
constexpr size_t kMaxTrailers = 8 << 10;
constexpr unsigned kMaxChunkDigits = 15;  // below 2^60: sums of sizes cannot overflow

std::unexpected<FramingError> Refuse(int status, std::string_view detail) {
  return std::unexpected(FramingError{status, std::string(detail)});
}

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<uint8_t>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<uint8_t>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<uint8_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<uint8_t>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kToken = MakeTokenTable();

bool IsTokenChar(char c) { return kToken[static_cast<uint8_t>(c)]; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Visible ASCII, blanks and bytes above it (obs-text); no control bytes.
bool IsFieldText(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

// Cuts the next line off `rest`, without its CRLF. REQUIRES: `rest` has one.
std::string_view NextLine(std::string_view& rest) {
  const size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

// A name for an error text: short, and only when it is printable.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 40));
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  return shown;
}

Framed<void> ParseHeaderLine(std::string_view line, Headers& headers) {
  if (line.front() == ' ' || line.front() == '\t') return Refuse(400, "a header line is folded (obs-fold)");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Refuse(400, fmt::format("header line '{}' has no colon", Shown(line)));
  const std::string_view name = line.substr(0, colon);
  if (!IsToken(name)) {
    return Refuse(400,
                  fmt::format("header name '{}' is empty or has a blank or a byte that no name may have", Shown(name)));
  }
  const std::string_view value = TrimBlanks(line.substr(colon + 1));
  if (!IsFieldText(value)) return Refuse(400, fmt::format("the value of header '{}' has a control byte", Shown(name)));
  if (headers.size() >= kMaxHeaderFields) {
    return Refuse(431, fmt::format("more than {} header fields", kMaxHeaderFields));
  }
  headers.emplace_back(name, value);
  return {};
}

Framed<void> ParseHeaders(std::string_view rest, Headers& headers) {
  headers.reserve(12);
  while (rest != "\r\n") {
    const std::string_view line = NextLine(rest);
    if (auto parsed = ParseHeaderLine(line, headers); !parsed) return parsed;
  }
  return {};
}

Framed<uint64_t> ParseLength(std::string_view text) {
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || length > (1ull << 60)) {
    return Refuse(400, fmt::format("Content-Length '{}' is not a length", Shown(text)));
  }
  return length;
}

// What the headers say about the body's framing, the same for both directions.
struct BodyFraming {
  bool chunked = false;
  bool close = false;
  bool keep_alive_named = false;
  std::optional<uint64_t> content_length;
};

Framed<BodyFraming> ParseBodyFraming(const Headers& headers) {
  BodyFraming body;
  for (const auto& [name, value] : headers) {
    if (EqualsNoCase(name, "Content-Length")) {
      if (body.content_length) return Refuse(400, "Content-Length is given twice");
      auto length = ParseLength(value);
      if (!length) return std::unexpected(length.error());
      body.content_length = *length;
    } else if (EqualsNoCase(name, "Transfer-Encoding")) {
      if (body.chunked || !EqualsNoCase(value, "chunked")) {
        return Refuse(501, "Transfer-Encoding other than a single 'chunked' is not supported");
      }
      body.chunked = true;
    } else if (EqualsNoCase(name, "Connection")) {
      body.close = body.close || ListHas(value, "close");
      body.keep_alive_named = body.keep_alive_named || ListHas(value, "keep-alive");
    }
  }
  if (body.chunked && body.content_length) {
    return Refuse(400, "both Content-Length and Transfer-Encoding are given");
  }
  return body;
}

// "http://host:port/path" to its path; the authority goes to `host`.
Framed<void> ReduceAbsoluteTarget(RequestHead& head) {
  std::string_view target = head.target;
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos ||
      !(EqualsNoCase(target.substr(0, scheme), "http") || EqualsNoCase(target.substr(0, scheme), "https"))) {
    return Refuse(400, "the request target is neither a path nor an http URL");
  }
  target.remove_prefix(scheme + 3);
  const size_t slash = std::min(target.find_first_of("/?"), target.size());
  head.host = target.substr(0, slash);
  if (head.host.empty() || head.host.find('@') != std::string::npos) {
    return Refuse(400, "the request target's host is empty or carries user information");
  }
  std::string path(target.substr(slash));
  if (path.empty() || path.front() == '?') path.insert(0, "/");
  head.target = std::move(path);
  return {};
}

Framed<void> ParseVersion(std::string_view version, bool& http11) {
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.' || version[5] < '0' ||
      version[5] > '9' || version[7] < '0' || version[7] > '9') {
    return Refuse(400, "the request line does not end in an HTTP version");
  }
  if (version[5] != '1') return Refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  http11 = version[7] != '0';
  return {};
}

Framed<void> ParseRequestLine(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return Refuse(400, "the request line is not 'METHOD target HTTP/1.1'");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!IsToken(method) || method.size() > 32) return Refuse(400, "the request's method is not a token");
  if (auto version = ParseVersion(line.substr(last + 1), head.http11); !version) return version;
  if (target.size() > kMaxTarget)
    return Refuse(414, fmt::format("the request target is longer than {} bytes", kMaxTarget));
  // Bytes above ASCII must be percent-encoded; '#' never belongs on the wire.
  if (target.empty() || !std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; })) {
    return Refuse(400, "the request target is empty or has a byte that must be percent-encoded");
  }
  head.method = method;
  head.target = target;
  return {};
}

Framed<void> ParseHost(RequestHead& head) {
  const std::string* host = nullptr;
  for (const auto& [name, value] : head.headers) {
    if (!EqualsNoCase(name, "Host")) continue;
    if (host != nullptr) return Refuse(400, "Host is given twice");
    host = &value;
  }
  if (host == nullptr && head.http11) return Refuse(400, "the Host header is missing");
  if (head.target.front() != '/' && head.target != "*") {
    if (auto reduced = ReduceAbsoluteTarget(head); !reduced) return reduced;
    // RFC 9112, 3.2.2 lets the target win; two hosts in one request are refused instead.
    if (host != nullptr && !EqualsNoCase(*host, head.host)) {
      return Refuse(400, "the request target and the Host header name different hosts");
    }
    return {};
  }
  if (host != nullptr) head.host = *host;
  return {};
}

Framed<void> ParseExpect(RequestHead& head) {
  for (const auto& [name, value] : head.headers) {
    if (!EqualsNoCase(name, "Expect")) continue;
    if (!EqualsNoCase(value, "100-continue")) return Refuse(417, "the only expectation known here is 100-continue");
    head.expect_continue = head.http11;  // RFC 9110, 10.1.1: ignored from HTTP/1.0
  }
  return {};
}

}  // namespace

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool IsToken(std::string_view text) { return !text.empty() && std::ranges::all_of(text, IsTokenChar); }

bool EqualsNoCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

const std::string* FindHeader(const Headers& headers, std::string_view name) {
  for (const auto& [header, value] : headers) {
    if (EqualsNoCase(header, name)) return &value;
  }
  return nullptr;
}

bool ListHas(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (EqualsNoCase(TrimBlanks(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

Framed<size_t> FindHeadEnd(std::string_view buffer, size_t& scanned) {
  if (!buffer.empty() && !IsTokenChar(buffer.front())) {
    return Refuse(400, "these bytes are not HTTP (a TLS client on a plain port?)");
  }
  size_t at = scanned;
  while (at < buffer.size()) {
    const void* found = std::memchr(buffer.data() + at, '\n', buffer.size() - at);
    const size_t lf =
        found == nullptr ? buffer.size() : static_cast<size_t>(static_cast<const char*>(found) - buffer.data());
    // A CR is allowed only right before this LF, or as the very last byte so far.
    const size_t cr = buffer.substr(0, lf).find('\r', at);
    if (cr != std::string_view::npos && cr + 1 < lf) return Refuse(400, kBareCr);
    if (found == nullptr) {
      scanned = cr == std::string_view::npos ? buffer.size() : cr;
      return size_t{0};
    }
    if (lf == 0 || buffer[lf - 1] != '\r') return Refuse(400, kBareLf);
    if (lf >= 3 && buffer[lf - 2] == '\n') return lf + 1;
    at = lf + 1;
  }
  scanned = at;
  return size_t{0};
}

Framed<RequestHead> ParseRequestHead(std::string_view head_bytes) {
  RequestHead head;
  std::string_view rest = head_bytes;
  if (auto parsed = ParseRequestLine(NextLine(rest), head); !parsed) return std::unexpected(parsed.error());
  if (auto parsed = ParseHeaders(rest, head.headers); !parsed) return std::unexpected(parsed.error());
  if (auto parsed = ParseHost(head); !parsed) return std::unexpected(parsed.error());
  auto body = ParseBodyFraming(head.headers);
  if (!body) {
    // RFC 9112, 6.1 suggests 501 for an unknown coding; to a client it is a bad request like any other.
    return Refuse(400, body.error().detail);
  }
  if (body->chunked && !head.http11) return Refuse(400, "HTTP/1.0 has no Transfer-Encoding");
  if (auto parsed = ParseExpect(head); !parsed) return std::unexpected(parsed.error());
  head.chunked = body->chunked;
  head.content_length = body->content_length;
  head.keep_alive = !body->close && (head.http11 || body->keep_alive_named);
  return head;
}

Framed<ResponseHead> ParseResponseHead(std::string_view head_bytes) {
  ResponseHead head;
  std::string_view rest = head_bytes;
  const std::string_view line = NextLine(rest);
  bool http11 = false;
  if (line.size() < 12 || !ParseVersion(line.substr(0, 8), http11) || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' ')) {
    return Refuse(502, "the status line is not 'HTTP/1.1 200 OK'");
  }
  const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, head.status);
  if (error != std::errc() || end != line.data() + 12 || head.status < 100) {
    return Refuse(502, "the status is not a number of three digits");
  }
  if (auto parsed = ParseHeaders(rest, head.headers); !parsed) return std::unexpected(parsed.error());
  auto body = ParseBodyFraming(head.headers);
  if (!body) return std::unexpected(body.error());
  head.chunked = body->chunked;
  head.content_length = body->content_length;
  head.keep_alive = !body->close && (http11 || body->keep_alive_named);
  return head;
}

void ChunkDecoder::Take(uint64_t size) {
  data_left_ -= size;
  if (data_left_ == 0) state_ = State::kDataCr;
}

Framed<size_t> ChunkDecoder::Parse(std::string_view bytes) {
  size_t used = 0;
  while (used < bytes.size() && state_ != State::kData && state_ != State::kDone) {
    if (auto step = OnByte(bytes[used]); !step) return std::unexpected(step.error());
    ++used;
  }
  return used;
}

Framed<void> ChunkDecoder::EndOfSizeLine() {
  line_bytes_ = 0;
  digits_ = 0;
  data_left_ = size_;
  state_ = size_ == 0 ? State::kTrailer : State::kData;
  size_ = 0;
  return {};
}

Framed<void> ChunkDecoder::EndOfTrailerLine() {
  if (trailer_.empty()) {
    state_ = State::kDone;
    return {};
  }
  Headers checked;
  if (auto parsed = ParseHeaderLine(trailer_, checked); !parsed) return Refuse(400, "a trailer line is malformed");
  trailer_.clear();
  state_ = State::kTrailer;
  return {};
}

Framed<void> ChunkDecoder::OnByte(char c) {
  switch (state_) {
    case State::kSize: {
      const char lower = Lower(c);
      const bool digit = c >= '0' && c <= '9';
      if (digit || (lower >= 'a' && lower <= 'f')) {
        if (++digits_ > kMaxChunkDigits) return Refuse(400, "a chunk's size is too large");
        size_ = size_ * 16 + static_cast<uint64_t>(digit ? c - '0' : lower - 'a' + 10);
        return {};
      }
      if (digits_ == 0) return Refuse(400, "a chunk does not start with its size in hexadecimal");
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (c == ';') {
        state_ = State::kExtension;
      } else {
        return Refuse(400, "a chunk's size is followed by neither ';' nor CRLF");
      }
      return {};
    }
    case State::kExtension:
      if (++line_bytes_ > kMaxChunkLine) return Refuse(400, "a chunk extension is too long");
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (!IsFieldText(std::string_view(&c, 1))) {
        return Refuse(400, "a chunk extension has a control byte");
      }
      return {};
    case State::kSizeLf:
      if (c != '\n') return Refuse(400, "a chunk's size line does not end in CRLF");
      return EndOfSizeLine();
    case State::kDataCr:
      if (c != '\r') return Refuse(400, "a chunk's data does not end in CRLF where its size says");
      state_ = State::kDataLf;
      return {};
    case State::kDataLf:
      if (c != '\n') return Refuse(400, "a chunk's data does not end in CRLF where its size says");
      state_ = State::kSize;
      return {};
    case State::kTrailer:
      if (++line_bytes_ > kMaxTrailers) return Refuse(431, "the trailers are too large");
      if (c == '\r') {
        state_ = State::kTrailerLf;
      } else if (c == '\n') {
        return Refuse(400, "a trailer line does not end in CRLF");
      } else {
        trailer_.push_back(c);
      }
      return {};
    case State::kTrailerLf:
      if (c != '\n') return Refuse(400, "a trailer line does not end in CRLF");
      return EndOfTrailerLine();
    case State::kData:
    case State::kDone:
      return {};
  }
  return {};
}

}  // namespace lakehouse::http
