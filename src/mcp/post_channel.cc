#include "mcp/post_channel.h"

#include "mcp/jsonrpc.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

// How long a client waits before it comes back to a stream that ended.
constexpr int kRetryMs = 500;

}  // namespace

Status StartEvents(http::Response& response) {
  response.SetHeader("Content-Type", "text/event-stream");
  response.SetHeader("Cache-Control", "no-cache, no-transform");
  response.SetHeader("X-Accel-Buffering", "no");
  return response.Start(200, std::nullopt);
}

void PostChannel::Write(std::string_view text) {
  if (is_detached_) return;
  const Status written = response_.Write(text);
  if (!written || !response_.Flush()) is_detached_ = true;
}

void PostChannel::Open() {
  if (is_open_) return;
  is_open_ = true;
  if (session_ != nullptr) {
    stream_ = session_->OpenStream();
    is_resumable_.store(true, std::memory_order_relaxed);
  }
  if (!StartEvents(response_)) is_detached_ = true;
  if (stream_ != nullptr && PrimesStreams(revision_)) {
    Write(fmt::format("id: {}\nretry: {}\ndata: \n\n", EventId({stream_->id(), 0}), kRetryMs));
  }
}

void PostChannel::Emit(const std::string& message) {
  Open();
  std::string id;
  if (stream_ != nullptr) id = EventId({stream_->id(), stream_->Append(message)});
  Write(EventText(id, message));
}

void PostChannel::Notify(std::string_view method, json::object params) {
  if (may_stream_) Emit(NotificationMessage(method, std::move(params)));
}

Result<json::object> PostChannel::Ask(const RequestContext& context, std::string_view method, json::object params) {
  if (session_ == nullptr || !may_stream_) {
    return Fail(ErrorKind::kNotImplemented, "the client cannot be asked on this connection");
  }
  const std::string_view capability = method.substr(0, method.find('/'));
  if (!session_->capabilities().contains(capability)) {
    return Fail(ErrorKind::kNotImplemented, "the client does not have {}", capability);
  }
  const json::value id = session_->NewRequestId();
  Emit(RequestMessage(id, method, std::move(params)));
  return session_->AwaitResponse(context, id);
}

void PostChannel::Detach() {
  if (session_ == nullptr || !may_stream_) return;
  Open();
  if (is_detached_) return;
  is_detached_ = true;
  // A client that did not get the end of the stream comes back just the same.
  static_cast<void>(response_.Finish());
}

Status PostChannel::Answer(int status, const std::string& message) {
  if (!is_open_) return response_.SendJson(status, message);
  Emit(message);
  if (stream_ != nullptr) stream_->Close();
  if (!is_detached_) return response_.Finish();
  if (response_.started()) return {};
  return Fail(ErrorKind::kCancelled, "the client went away");
}

}  // namespace lakehouse::mcp
