// HTTP/1.1 framing (RFC 9112), strict: whatever two parsers could read differently is refused. No I/O here; bytes in,
// meaning out. Used by the server for requests and by the proxy for its upstreams' answers.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lakehouse::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A refusal. After it the connection is of no use: nobody knows where the next message starts.
struct FramingError {
  int status;  // 400, 414, 417, 431, 501 or 505
  std::string detail;
};
template <typename T>
using Framed = std::expected<T, FramingError>;

constexpr size_t kMaxTarget = 16 << 10;
constexpr size_t kMaxHeaderFields = 128;

struct RequestHead {
  std::string method;
  std::string target;  // origin form: path and query as sent
  std::string host;    // the Host header, or the authority of an absolute target
  Headers headers;
  bool http11 = true;
  bool keep_alive = true;
  bool chunked = false;
  bool expect_continue = false;
  std::optional<uint64_t> content_length;

  bool HasBody() const { return chunked || content_length.value_or(0) > 0; }
};

struct ResponseHead {
  int status = 0;
  Headers headers;
  bool keep_alive = true;
  bool chunked = false;
  std::optional<uint64_t> content_length;
};

// Offset behind the blank line that ends a head; 0: not there yet. `scanned` (0 at first) remembers how far earlier
// calls on a shorter `buffer` looked. Refuses a bare LF, a bare CR and a first byte that starts no message, at once.
Framed<size_t> FindHeadEnd(std::string_view buffer, size_t& scanned);

// `head` as FindHeadEnd cut it, with its blank line.
Framed<RequestHead> ParseRequestHead(std::string_view head);
Framed<ResponseHead> ParseResponseHead(std::string_view head);

// Reads the framing between the data of a chunked body. The owner of the bytes loops:
//   Parse(bytes) takes framing until data, the end, or the bytes' end; then Take as many data bytes as there are.
class ChunkDecoder {
 public:
  // Bytes of framing taken from the front of `bytes`.
  Framed<size_t> Parse(std::string_view bytes);
  uint64_t data_left() const { return data_left_; }
  // REQUIRES: size <= data_left().
  void Take(uint64_t size);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailer, kTrailerLf, kDone };
  Framed<void> OnByte(char c);
  Framed<void> EndOfSizeLine();
  Framed<void> EndOfTrailerLine();

  State state_ = State::kSize;
  uint64_t size_ = 0;
  unsigned digits_ = 0;
  size_t line_bytes_ = 0;  // of the size line, or of all trailers
  uint64_t data_left_ = 0;
  std::string trailer_;
};

bool IsToken(std::string_view text);  // RFC 9110, 5.6.2
bool EqualsNoCase(std::string_view a, std::string_view b);
// First value of a header, compared without case; nullptr when absent.
const std::string* FindHeader(const Headers& headers, std::string_view name);
// Whether the comma-separated `list` holds `token`, compared without case.
bool ListHas(std::string_view list, std::string_view token);
std::string_view TrimBlanks(std::string_view text);  // spaces and tabs

}  // namespace lakehouse::http
