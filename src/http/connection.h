// One client connection and the two streams of a request on it. Private to http/.
//
// A connection belongs to its loop or to one handler thread, never to both; `owner` says to which, and whoever owns it
// may touch everything that is not marked otherwise.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "auth/access.h"
#include "base/file.h"
#include "base/mutex.h"
#include "http/connection_socket.h"
#include "http/framing.h"
#include "http/server.h"
#include "http/tls.h"

namespace lakehouse::http {

// Bytes received and not yet used.
class InputBuffer {
 public:
  std::string_view view() const { return std::string_view(data_).substr(at_); }
  bool empty() const { return at_ == data_.size(); }
  size_t size() const { return data_.size() - at_; }
  void Append(std::string_view bytes) { data_.append(bytes); }
  void Consume(size_t size) {
    at_ += size;
    if (at_ == data_.size()) {
      data_.clear();
      at_ = 0;
    }
  }
  // Gives memory back that a large head or body left behind.
  void Shrink() {
    if (empty() && data_.capacity() > 8192) data_ = std::string();
  }

 private:
  std::string data_;
  size_t at_ = 0;
};

class Exchange;
class Loop;

struct Connection {
  enum class Owner { kLoop, kHandler };
  // What the loop does with it: wait for a request, wait for the rest of a head, swallow what the peer still sends
  // after our last answer, or close it.
  enum class Phase { kIdle, kHead, kDrain, kClosing };

  Connection(FileDescriptor socket, Loop* loop);
  ~Connection();

  FileDescriptor socket;
  std::unique_ptr<TlsSession> tls;  // nullptr: plain
  Wire wire() const { return {socket.get(), tls.get()}; }
  Loop* const loop;
  size_t index = 0;  // in the loop's table; the loop's alone
  InputBuffer in;
  size_t scanned = 0;  // of the head in `in`
  std::unique_ptr<Exchange> exchange;
  std::string unsent;  // what an inline answer could not send without waiting
  bool close_after_unsent = false;
  std::string peer;  // its address, once it was asked for: the owner's alone
  Phase phase = Phase::kIdle;
  MonotonicTime until;  // when the phase is over
  std::atomic<Owner> owner{Owner::kLoop};

  // Any thread: the handler waits for nothing from the client any more, so an end of its stream means it is gone.
  std::atomic<bool> watched{false};
  std::stop_token BeginRequest() LH_EXCLUDES(stop_mutex);
  void RequestStop() LH_EXCLUDES(stop_mutex);

 private:
  Mutex stop_mutex;
  std::stop_source stop LH_GUARDED_BY(stop_mutex){std::nostopstate};
};

struct ConnectionTimes {
  std::chrono::milliseconds body_timeout;
  Deadline deadline;
};

// The body of one request, de-chunked, straight from the socket into the reader's memory where it can.
class BodyReader final : public ByteSource {
 public:
  BodyReader(Connection& connection, const RequestHead& head, ConnectionTimes times);
  // kInvalid for a body that ends early or is framed wrongly, kRequestTimeout for a slow one.
  Result<size_t> Read(std::span<char> out) override;
  bool done() const { return done_; }
  bool failed() const { return failed_; }
  // Whether the rest is likely to be read in a moment after the answer: it is small, and the client sends it unasked.
  bool IsCheapToDrain() const;
  // Reads and drops at most 256 KiB; true when that was the rest.
  bool Drain();
  uint64_t bytes() const { return bytes_; }

 private:
  Result<size_t> ReadLength(std::span<char> out);
  Result<size_t> ReadChunked(std::span<char> out);
  Result<size_t> Receive(std::span<char> out);
  Status SendContinue();
  Status Fill();
  void MarkDone();

  Connection& connection_;
  const ConnectionTimes times_;
  std::optional<ChunkDecoder> chunks_;
  uint64_t left_ = 0;  // with a length
  uint64_t bytes_ = 0;
  bool expects_continue_ = false;
  bool done_ = false;
  bool failed_ = false;
};

// Memory that a thread lends to the requests it serves, one at a time.
struct Scratch {
  std::string head;
  std::string held;        // up to kHeld bytes of the answer
  std::vector<char> copy;  // for bodies that are copied through; empty until needed
};

class ResponseWriter final : public Response {
 public:
  struct Options {
    bool head_only = false;
    bool http11 = true;
    bool wants_keep_alive = true;
    const std::atomic<bool>* stopping = nullptr;  // true: no connection is kept
    std::string_view request_id;
    std::chrono::milliseconds stall{};
    // Collects the answer here instead of sending: a loop must not wait.
    std::string* collect = nullptr;
    // The call's place among those of its key. Given back before the last bytes leave, so that a client that calls one
    // after another never meets its own last call.
    auth::Admission* admission = nullptr;
  };
  ResponseWriter(Connection& connection, Scratch& scratch, const BodyReader& body, Options options);

  void SetHeader(std::string_view name, std::string_view value) override;
  Status Start(int status, std::optional<uint64_t> length) override;
  Status Write(std::string_view bytes) override;
  Status WriteFrom(ByteSource& source) override;
  Status Finish() override;
  Status Flush() override;
  bool started() const override { return status_ != 0; }

  // Forgets an answer of which nothing is on the wire, headers included. False when it is too late.
  bool Reset();
  bool finished() const { return finished_; }
  bool has_length() const { return length_.has_value(); }
  int status() const { return status_; }
  uint64_t bytes_sent() const { return sent_; }
  bool keeps_alive() const { return keep_alive_; }
  // The connection is to be closed after this answer; before Start only.
  void CloseAfter() { wants_close_ = true; }

 private:
  void BuildHead();
  bool HasBody() const;
  Status Count(size_t size);
  void GiveAdmissionBack();
  Status Transmit(std::span<iovec> pieces, int flags);
  Status SendHeldAnd(std::string_view bytes);
  Status WriteFile(const ByteSource::FileRange& range);

  Connection& connection_;
  Scratch& scratch_;
  const BodyReader& body_;
  const Options options_;
  std::string headers_;
  int status_ = 0;
  std::optional<uint64_t> length_;
  uint64_t written_ = 0;
  uint64_t sent_ = 0;
  bool head_sent_ = false;
  bool chunked_ = false;
  bool finished_ = false;
  bool failed_ = false;
  bool keep_alive_ = true;
  bool wants_close_ = false;
};

}  // namespace lakehouse::http
