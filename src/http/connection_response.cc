#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/clock.h"
#include "http/connection.h"
#include "http/connection_socket.h"
#include "http/problem.h"

namespace lakehouse::http {

namespace {

constexpr size_t kHeld = 16 << 10;
constexpr size_t kCopy = 256 << 10;
// Smaller ranges of files go out with their headers in one call; a copy of this size costs less than a second call.
constexpr uint64_t kSmallFile = 32 << 10;

bool StatusHasBody(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

Status Response::Send(int status, std::string_view content_type, std::string_view body) {
  if (!content_type.empty()) SetHeader("Content-Type", content_type);
  LH_TRY(Start(status, body.size()));
  LH_TRY(Write(body));
  return Finish();
}

ResponseWriter::ResponseWriter(Connection& connection, Scratch& scratch, const BodyReader& body, Options options)
    : connection_(connection), scratch_(scratch), body_(body), options_(options) {
  scratch_.head.clear();
  scratch_.held.clear();
}

void ResponseWriter::SetHeader(std::string_view name, std::string_view value) {
  const size_t from = headers_.size();
  headers_.append(name).append(": ").append(value);
  // A value with a line end in it would be two headers; nobody's data gets to write one.
  for (size_t i = from; i < headers_.size(); ++i) {
    if (static_cast<unsigned char>(headers_[i]) < ' ' || headers_[i] == 0x7f) headers_[i] = ' ';
  }
  headers_.append("\r\n");
}

bool ResponseWriter::HasBody() const { return !options_.head_only && StatusHasBody(status_); }

Status ResponseWriter::Start(int status, std::optional<uint64_t> length) {
  if (started()) return Fail(ErrorKind::kInternal, "an answer was started twice");
  status_ = status;
  length_ = length;
  return {};
}

bool ResponseWriter::Reset() {
  if (head_sent_ || failed_) return false;
  status_ = 0;
  length_.reset();
  written_ = 0;
  finished_ = false;
  headers_.clear();
  scratch_.held.clear();
  return true;
}

void ResponseWriter::BuildHead() {
  chunked_ = HasBody() && !length_ && options_.http11;
  const bool ends_with_close = HasBody() && !length_ && !options_.http11;
  const bool stopping = options_.stopping != nullptr && options_.stopping->load(std::memory_order_relaxed);
  keep_alive_ = options_.wants_keep_alive && !stopping && !wants_close_ && !ends_with_close && body_.IsCheapToDrain();

  std::string& head = scratch_.head;
  head.clear();
  fmt::format_to(std::back_inserter(head),
                 "HTTP/1.1 {} {}\r\nServer: lakehouse\r\nDate: {}\r\nX-Request-Id: {}\r\n"
                 // Stored objects come from this origin too: a browser must not guess that one is a page.
                 "X-Content-Type-Options: nosniff\r\n",
                 status_, ReasonPhrase(status_), FormatHttpDate(SystemClock().Now()), options_.request_id);
  head.append(headers_);
  if (chunked_) {
    head.append("Transfer-Encoding: chunked\r\n");
  } else if (length_ && StatusHasBody(status_)) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", *length_);
  }
  if (!keep_alive_) {
    head.append("Connection: close\r\n");
  } else if (!options_.http11) {
    head.append("Connection: keep-alive\r\n");
  }
  head.append("\r\n");
}

Status ResponseWriter::Transmit(std::span<iovec> pieces, int flags) {
  for (const iovec& piece : pieces) sent_ += piece.iov_len;
  if (options_.collect != nullptr) {
    for (const iovec& piece : pieces) options_.collect->append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    return {};
  }
  Status sent = SendAll(connection_.wire(), pieces, flags, options_.stall);
  if (!sent) failed_ = true;
  return sent;
}

// The head if it is still here, what is held, and `bytes`, as one chunk where there are chunks, in one call.
Status ResponseWriter::SendHeldAnd(std::string_view bytes) {
  std::array<iovec, 5> pieces;
  size_t count = 0;
  const auto add = [&](std::string_view text) {
    if (!text.empty()) pieces[count++] = {const_cast<char*>(text.data()), text.size()};
  };
  if (!head_sent_) {
    BuildHead();
    head_sent_ = true;
    add(scratch_.head);
  }
  const size_t size = scratch_.held.size() + bytes.size();
  std::array<char, 24> chunk;
  if (chunked_ && size > 0) {
    const auto end = fmt::format_to_n(chunk.data(), chunk.size(), "{:x}\r\n", size);
    add(std::string_view(chunk.data(), end.size));
  }
  add(scratch_.held);
  add(bytes);
  if (chunked_ && size > 0) add("\r\n");
  Status sent = Transmit(std::span(pieces).first(count), 0);
  scratch_.held.clear();
  return sent;
}

Status ResponseWriter::Count(size_t size) {
  if (!started() || finished_) return Fail(ErrorKind::kInternal, "an answer's body outside of Start and Finish");
  written_ += size;
  if (length_ && written_ > *length_) {
    return Fail(ErrorKind::kInternal, "an answer's body is longer than the {} bytes announced", *length_);
  }
  return {};
}

void ResponseWriter::GiveAdmissionBack() {
  if (options_.admission != nullptr) *options_.admission = auth::Admission();
}

Status ResponseWriter::Write(std::string_view bytes) {
  LH_TRY(Count(bytes.size()));
  if (length_ && written_ == *length_) GiveAdmissionBack();
  if (!HasBody()) return {};
  if (scratch_.held.size() + bytes.size() > kHeld && options_.collect == nullptr) return SendHeldAnd(bytes);
  scratch_.held.append(bytes);
  return {};
}

Status ResponseWriter::Flush() {
  if (!started() || finished_ || options_.collect != nullptr) return {};
  return SendHeldAnd({});
}

Status ResponseWriter::WriteFile(const ByteSource::FileRange& range) {
  LH_TRY(Count(range.length));
  std::array<iovec, 2> pieces;
  size_t count = 0;
  if (!head_sent_) {
    BuildHead();
    head_sent_ = true;
    pieces[count++] = {scratch_.head.data(), scratch_.head.size()};
  }
  if (!scratch_.held.empty()) pieces[count++] = {scratch_.held.data(), scratch_.held.size()};
  LH_TRY(Transmit(std::span(pieces).first(count), MSG_MORE));
  scratch_.held.clear();
  Status sent = SendFile(connection_.wire(), range.descriptor, range.offset, range.length, options_.stall);
  if (sent) {
    sent_ += range.length;
  } else {
    failed_ = true;
  }
  return sent;
}

Status ResponseWriter::WriteFrom(ByteSource& source) {
  if (!started()) return Fail(ErrorKind::kInternal, "an answer's body before Start");
  if (!HasBody()) return {};
  const auto range = source.AsFile();
  if (range && length_ && range->length > kSmallFile && options_.collect == nullptr) return WriteFile(*range);
  if (scratch_.copy.empty()) scratch_.copy.resize(kCopy);
  for (;;) {
    LH_ASSIGN(const size_t got, source.Read(scratch_.copy));
    if (got == 0) return {};
    LH_TRY(Write(std::string_view(scratch_.copy.data(), got)));
    // The end is known without asking for it when all that was announced is here.
    if (length_ && written_ == *length_ && range) return {};
  }
}

Status ResponseWriter::Finish() {
  if (!started()) return Fail(ErrorKind::kInternal, "an answer was finished before it was started");
  if (finished_) return {};
  if (HasBody() && length_ && written_ != *length_) {
    return Fail(ErrorKind::kInternal, "an answer's body has {} of the {} bytes announced", written_, *length_);
  }
  finished_ = true;
  GiveAdmissionBack();
  if (!head_sent_) {
    if (!length_ && HasBody()) length_ = written_;
    return SendHeldAnd({});
  }
  if (!scratch_.held.empty()) LH_TRY(SendHeldAnd({}));
  if (chunked_) {
    char end[] = "0\r\n\r\n";
    iovec piece{end, sizeof end - 1};
    return Transmit(std::span(&piece, 1), 0);
  }
  return {};
}

}  // namespace lakehouse::http
