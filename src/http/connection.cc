#include "http/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "http/connection_socket.h"
#include "http/problem.h"
#include "http/server_exchange.h"

namespace lakehouse::http {

namespace {

constexpr size_t kFill = 64 << 10;
constexpr uint64_t kDrain = 256 << 10;

std::unexpected<Error> Misframed(const FramingError& error) {
  return Fail(ErrorKind::kInvalid, "the request body is framed wrongly: {}", error.detail);
}

}  // namespace

Connection::Connection(FileDescriptor descriptor, Loop* owner_loop) : socket(std::move(descriptor)), loop(owner_loop) {}
Connection::~Connection() = default;

std::stop_token Connection::BeginRequest() {
  MutexLock lock(stop_mutex);
  stop = std::stop_source();
  return stop.get_token();
}

void Connection::RequestStop() {
  std::stop_source source{std::nostopstate};
  {
    MutexLock lock(stop_mutex);
    source = stop;
  }
  // Outside the lock: what was registered for the stop runs here.
  if (source.stop_possible()) source.request_stop();
}

BodyReader::BodyReader(Connection& connection, const RequestHead& head, ConnectionTimes times)
    : connection_(connection), times_(times), expects_continue_(head.expect_continue && head.HasBody()) {
  if (head.chunked) chunks_.emplace();
  left_ = head.content_length.value_or(0);
  if (!head.HasBody()) MarkDone();
}

void BodyReader::MarkDone() {
  done_ = true;
  connection_.watched.store(true, std::memory_order_relaxed);
}

Result<size_t> BodyReader::Read(std::span<char> out) {
  if (done_) return size_t{0};
  if (failed_) return Fail(ErrorKind::kInvalid, "the request body broke off");
  LH_TRY(SendContinue());
  Result<size_t> got = chunks_ ? ReadChunked(out) : ReadLength(out);
  if (got) {
    bytes_ += *got;
  } else {
    failed_ = true;
  }
  return got;
}

// RFC 9110, 10.1.1: only when somebody wants the body, and only when the client has not sent it unasked.
Status BodyReader::SendContinue() {
  if (!expects_continue_) return {};
  expects_continue_ = false;
  if (!connection_.in.empty()) return {};
  char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
  iovec piece{text, sizeof text - 1};
  return SendAll(connection_.wire(), std::span(&piece, 1), 0, times_.body_timeout);
}

Result<size_t> BodyReader::Receive(std::span<char> out) {
  Result<size_t> got = ReceiveSome(connection_.wire(), out, times_.body_timeout, times_.deadline);
  if (!got && got.error().kind == ErrorKind::kDeadline) {
    return Fail(ErrorKind::kRequestTimeout, "the request body did not arrive in time");
  }
  if (got && *got == 0) {
    return Fail(ErrorKind::kInvalid, "the request body ends before its announced end, after {} bytes", bytes_);
  }
  return got;
}

Status BodyReader::Fill() {
  char bytes[kFill];
  LH_ASSIGN(const size_t got, Receive(bytes));
  connection_.in.Append(std::string_view(bytes, got));
  return {};
}

Result<size_t> BodyReader::ReadLength(std::span<char> out) {
  size_t got = 0;
  const size_t want = std::min<uint64_t>(out.size(), left_);
  if (!connection_.in.empty()) {
    got = std::min(want, connection_.in.size());
    std::memcpy(out.data(), connection_.in.view().data(), got);
    connection_.in.Consume(got);
  } else {
    LH_ASSIGN(got, Receive(out.first(want)));
  }
  left_ -= got;
  if (left_ == 0) MarkDone();
  return got;
}

Result<size_t> BodyReader::ReadChunked(std::span<char> out) {
  for (;;) {
    const Framed<size_t> used = chunks_->Parse(connection_.in.view());
    if (!used) return Misframed(used.error());
    connection_.in.Consume(*used);
    if (chunks_->done()) {
      MarkDone();
      return size_t{0};
    }
    if (connection_.in.empty() && chunks_->data_left() < out.size()) {
      // Data and the next chunk's framing in one call.
      LH_TRY(Fill());
      continue;
    }
    if (chunks_->data_left() == 0) {
      LH_TRY(Fill());
      continue;
    }
    size_t got = std::min<uint64_t>(out.size(), chunks_->data_left());
    if (connection_.in.empty()) {
      LH_ASSIGN(got, Receive(out.first(got)));
    } else {
      got = std::min(got, connection_.in.size());
      std::memcpy(out.data(), connection_.in.view().data(), got);
      connection_.in.Consume(got);
    }
    chunks_->Take(got);
    return got;
  }
}

bool BodyReader::IsCheapToDrain() const {
  return done_ || (!failed_ && !expects_continue_ && (chunks_.has_value() || left_ <= kDrain));
}

bool BodyReader::Drain() {
  if (!IsCheapToDrain()) return false;
  char dropped[16 << 10];
  const uint64_t limit = bytes_ + kDrain;
  const Deadline patience = Deadline::After(std::chrono::seconds(1));
  while (!done_ && bytes_ <= limit && !patience.HasPassed()) {
    if (!Read(dropped)) return false;
  }
  return done_;
}

}  // namespace lakehouse::http
