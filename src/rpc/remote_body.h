// Bodies of a peer's calls: bytes that come as messages with data, and bytes that go as such. Private to rpc/. Used by
// one thread.
#pragma once

#include <grpcpp/support/sync_stream.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/stream.h"
#include "rpc/peer.h"

namespace lakehouse::rpc {

inline constexpr size_t kPieceBytes = 256 << 10;

// The messages of a call that answers with many. Dropping it ends the call at the role too.
template <typename Message>
class PeerStream {
 public:
  PeerStream(const Peer& peer, const RequestContext& context, std::chrono::milliseconds grace = {})
      : call_(peer, context, grace) {}
  ~PeerStream() {
    if (reader_ == nullptr || ended_) return;
    call_.BreakOff();
    (void)reader_->Finish();
  }
  PeerStream(const PeerStream&) = delete;
  PeerStream& operator=(const PeerStream&) = delete;

  // Sends the request and waits for the first message; what the call fails with before that is its error.
  template <typename Stub, typename Request>
  Status Open(Stub& stub,
              std::unique_ptr<grpc::ClientReader<Message>> (Stub::*method)(grpc::ClientContext*, const Request&),
              const Request& request) {
    reader_ = (stub.*method)(call_.grpc(), request);
    if (reader_->Read(&message_)) return {};
    ended_ = true;
    LH_TRY(call_.End(reader_->Finish()));
    return Fail(ErrorKind::kUpstream, "{}: the answer has nothing in it", call_.peer().name());
  }

  // The message that came last.
  Message& message() { return message_; }

  // Waits for the next; false at the end.
  Result<bool> Next() {
    if (ended_) return false;
    if (reader_->Read(&message_)) return true;
    ended_ = true;
    LH_TRY(call_.EndOfBody(reader_->Finish()));
    return false;
  }

 private:
  PeerCall call_;
  std::unique_ptr<grpc::ClientReader<Message>> reader_;
  Message message_;
  bool ended_ = false;
};

// Copies what fits of `data` from `at` on, which moves.
inline size_t TakeBytes(const std::string& data, size_t& at, std::span<char> out) {
  const size_t size = std::min(out.size(), data.size() - at);
  std::memcpy(out.data(), data.data() + at, size);
  at += size;
  return size;
}

// Sends `first`, then the source's bytes, then the mark that they are all. A source that fails breaks the upload off,
// and its own error is told. `Message` has a oneof of options and data, and a bool last.
template <typename Message>
Status SendBody(PeerCall& call, grpc::ClientWriter<Message>& writer, const Message& first, ByteSource& source) {
  bool open = writer.Write(first);
  while (open) {
    Message piece;
    std::string& bytes = *piece.mutable_data();
    bytes.resize(kPieceBytes);
    const auto size = source.Read(bytes);
    if (!size) {
      call.BreakOff();
      (void)writer.Finish();
      return Fail(size.error());
    }
    bytes.resize(*size);
    piece.set_last(*size == 0);
    open = writer.Write(piece) && *size != 0;
  }
  writer.WritesDone();
  return call.End(writer.Finish());
}

}  // namespace lakehouse::rpc
