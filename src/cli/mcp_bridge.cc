#include "cli/mcp_bridge.h"

#include <boost/json/serialize.hpp>
#include <vector>

#include "base/hash.h"
#include "base/json_value.h"
#include "cli/client.h"
#include "cli/files.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr size_t kMaxLine = 16 << 20;
constexpr size_t kMaxAnswer = 64 << 20;
constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";

RequestContext Until(const std::stop_token& stop) {
  RequestContext context;
  context.cancelled = stop;
  return context;
}

}  // namespace

// Messages out of an answer: a document is one, an event stream has one in every "data:".
class McpBridge::Answer final : public http::DirectAnswer {
 public:
  explicit Answer(McpBridge& bridge) : bridge_(bridge) {}

  void Begin(int status, const http::Headers& headers) override {
    status_ = status;
    headers_ = headers;
    const std::string* type = net::FindHeader(headers_, "Content-Type");
    is_events_ = type != nullptr && type->starts_with("text/event-stream");
    is_message_ = type != nullptr && type->starts_with("application/json");
  }
  Status Take(std::string_view bytes) override {
    text_.append(bytes);
    if (is_events_) SayEvents();
    if (text_.size() > kMaxAnswer) return Fail(ErrorKind::kUpstream, "the server sent more than {} bytes", kMaxAnswer);
    return {};
  }
  // Once all has come. A notification has no answer that the other side could take.
  Status End(bool is_notification) {
    if (is_events_) return {};
    if (is_message_ && !is_notification) {
      bridge_.Say(text_);
    } else if (status_ >= 400) {
      return Fail(RefusalOf(status_, headers_, text_));
    }
    return {};
  }
  int status() const { return status_; }
  const http::Headers& headers() const { return headers_; }

 private:
  void SayEvents() {
    size_t from = 0;
    for (size_t end; (end = text_.find('\n', from)) != std::string::npos; from = end + 1) {
      std::string_view line = std::string_view(text_).substr(from, end - from);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.starts_with("data:")) continue;
      line.remove_prefix(5);
      if (line.starts_with(' ')) line.remove_prefix(1);
      if (!line.empty()) bridge_.Say(line);
    }
    text_.erase(0, from);
  }

  McpBridge& bridge_;
  int status_ = 0;
  http::Headers headers_;
  bool is_events_ = false, is_message_ = false;
  std::string text_;  // of an event stream: what is no whole line yet
};

McpBridge::Envelope McpBridge::EnvelopeOf(std::string_view line) {
  Envelope envelope;
  const auto parsed = ParseJson(line);
  if (!parsed || !parsed->is_object()) return envelope;
  const auto text = [](const json::object& object, std::string_view member) {
    const json::value* value = object.if_contains(member);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const json::object& message = parsed->get_object();
  if (const json::value* id = message.if_contains("id"); id != nullptr) envelope.id = *id;
  envelope.method = text(message, "method");
  const json::value* found = message.if_contains("params");
  if (found == nullptr || !found->is_object()) return envelope;
  const json::object& params = found->get_object();
  envelope.name = text(params, envelope.method == "resources/read" ? "uri" : "name");
  const json::value* meta = params.if_contains("_meta");
  if (meta != nullptr && meta->is_object()) envelope.version = text(meta->get_object(), kMetaVersion);
  const json::value* cancels = params.if_contains("requestId");
  if (envelope.method == "notifications/cancelled" && cancels != nullptr) envelope.cancels = json::serialize(*cancels);
  return envelope;
}

void McpBridge::Say(std::string_view message) {
  const MutexLock lock(out_mutex_);
  // A reader that is gone closes our input as well, which ends the run.
  static_cast<void>(console_.Write(std::string(message) + "\n"));
}

void McpBridge::SayError(const json::value& id, const std::string& what) {
  if (id.is_null()) return console_.Note("lakehouse: " + what);
  Say(json::serialize(
      json::object{{"jsonrpc", "2.0"}, {"id", id}, {"error", json::object{{"code", -32603}, {"message", what}}}}));
}

http::DirectRequest McpBridge::Prepare(std::string method) {
  http::DirectRequest request{.method = std::move(method), .path = "/mcp"};
  const MutexLock lock(mutex_);
  if (!session_.empty()) request.headers.emplace_back("Mcp-Session-Id", session_);
  return request;
}

Status McpBridge::Exchange(const std::string& line, const Envelope& envelope, const std::stop_token& stop) {
  http::DirectRequest request = Prepare("POST");
  request.body = line;
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Accept", "application/json, text/event-stream");
  if (!envelope.version.empty()) {
    request.headers.emplace_back("MCP-Protocol-Version", envelope.version);
    request.headers.emplace_back("Mcp-Method", envelope.method);
    if (!envelope.name.empty()) {
      request.headers.emplace_back("Mcp-Name", "=?base64?" + Base64Encode(envelope.name) + "?=");
    }
  }
  Answer answer(*this);
  LH_TRY(carrier_.Send(Until(stop), request, answer));
  const std::string* session = net::FindHeader(answer.headers(), "Mcp-Session-Id");
  if (envelope.method == "initialize" && session != nullptr) {
    const MutexLock lock(mutex_);
    session_ = *session;
  }
  return answer.End(envelope.id.is_null() && !envelope.method.empty());
}

void McpBridge::Carry(const std::string& line, const Envelope& envelope, const std::stop_token& stop) {
  const Status carried = Exchange(line, envelope, stop);
  // Who has taken a request back waits for no answer.
  if (!carried && !stop.stop_requested()) SayError(envelope.id, carried.error().detail);
}

bool McpBridge::HasSession() {
  const MutexLock lock(mutex_);
  return !session_.empty();
}

bool McpBridge::CancelAlone(const std::string& key) {
  std::stop_source stop(std::nostopstate);
  {
    const MutexLock lock(mutex_);
    const auto found = running_.find(key);
    if (found == running_.end() || !found->second.stands_alone) return false;
    stop = found->second.stop;
  }
  // Outside the lock: what is told may come back here.
  return stop.request_stop();
}

void McpBridge::CancelAll(bool only_endless) {
  std::vector<std::stop_source> stops;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, running] : running_) {
      if (running.is_endless || !only_endless) stops.push_back(running.stop);
    }
  }
  for (auto& stop : stops) stop.request_stop();
}

// The session's own stream; it is opened again when it ends early.
void McpBridge::Listen(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    http::DirectRequest request = Prepare("GET");
    request.headers.emplace_back("Accept", "text/event-stream");
    Answer answer(*this);
    // A server without such streams, or a session that has ended: nothing to listen to.
    if (!carrier_.Send(Until(stop), request, answer) || answer.status() != 200) return;
  }
}

void McpBridge::EndSession() {
  const http::DirectRequest request = Prepare("DELETE");
  if (net::FindHeader(request.headers, "Mcp-Session-Id") == nullptr) return;
  RequestContext context;
  context.deadline = Deadline::After(std::chrono::seconds(2));
  Answer answer(*this);
  static_cast<void>(carrier_.Send(context, request, answer));
}

void McpBridge::Take(std::string line) {
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  const Envelope envelope = EnvelopeOf(line);
  // Without a session only what runs can be taken back.
  if (!envelope.cancels.empty() && (CancelAlone(envelope.cancels) || !HasSession())) return;
  // What comes next needs the session, and these need no time.
  if (envelope.method == "initialize" || envelope.id.is_null() || envelope.method.empty()) {
    Carry(line, envelope, console_.stop());
    if (envelope.method == "notifications/initialized" && !listener_.joinable()) {
      listener_ = std::jthread([this](const std::stop_token& stop) { Listen(stop); });
    }
    return;
  }
  places_.acquire();
  const std::string key = json::serialize(envelope.id);
  const Running running{
      .stop = {}, .stands_alone = !envelope.version.empty(), .is_endless = envelope.method == "subscriptions/listen"};
  {
    const MutexLock lock(mutex_);
    running_.insert_or_assign(key, running);
  }
  std::thread([this, line = std::move(line), envelope, key, stop = running.stop.get_token()] {
    Carry(line, envelope, stop);
    {
      const MutexLock lock(mutex_);
      running_.erase(key);
    }
    places_.release();
  }).detach();
}

Status McpBridge::Run() {
  LH_ASSIGN(const auto input, InputFile::Open("-", console_));
  const std::stop_callback interrupted(console_.stop(), [this] { CancelAll(false); });
  std::string pending;
  std::vector<char> room(64 << 10);
  Status ended;
  while (true) {
    const auto size = input->Read(room);
    if (!size) ended = Fail(size.error());
    if (!size || *size == 0) break;
    pending.append(room.data(), *size);
    size_t from = 0;
    for (size_t end; (end = pending.find('\n', from)) != std::string::npos; from = end + 1) {
      Take(pending.substr(from, end - from));
    }
    pending.erase(0, from);
    if (pending.size() > kMaxLine) {
      ended = Fail(ErrorKind::kTooLarge, "a message is longer than {} bytes", kMaxLine);
      break;
    }
  }
  // What was asked is answered before the end; then nobody is left to listen.
  CancelAll(true);
  for (ptrdiff_t i = 0; i < kMaxAtOnce; ++i) places_.acquire();
  listener_.request_stop();
  EndSession();
  return ended;
}

}  // namespace lakehouse::cli
