// lakehouse mcp: the Model Context Protocol over standard input and output, carried to a server's /mcp. A line is a
// message, both ways. Requests run side by side; what the server says by itself comes through a stream of its own.

#include <boost/json/serialize.hpp>
#include <semaphore>
#include <thread>

#include "base/hash.h"
#include "base/json_value.h"
#include "base/mutex.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "net/http_client.h"

namespace lakehouse::cli {

namespace json = boost::json;

namespace {

constexpr size_t kMaxLine = 16 << 20;
constexpr uint64_t kMaxAnswer = uint64_t{64} << 20;
constexpr ptrdiff_t kMaxAtOnce = 16;
constexpr std::string_view kMetaVersion = "io.modelcontextprotocol/protocolVersion";

// What of a message decides how it travels.
struct Envelope {
  json::value id;
  std::string method, name, version;  // version: of a request that says it itself
};

Envelope EnvelopeOf(std::string_view line) {
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
  const json::value* params = message.if_contains("params");
  if (params == nullptr || !params->is_object()) return envelope;
  envelope.name = text(params->get_object(), envelope.method == "resources/read" ? "uri" : "name");
  const json::value* meta = params->get_object().if_contains("_meta");
  if (meta != nullptr && meta->is_object()) envelope.version = text(meta->get_object(), kMetaVersion);
  return envelope;
}

class Bridge {
 public:
  Bridge(const Client& client, Console& console)
      : url_(client.url() + "/mcp"),
        key_(console.environment()("LAKEHOUSE_API_KEY").value_or("")),
        console_(console),
        http_({.connect_timeout = std::chrono::seconds(5), .idle_timeout = std::chrono::minutes(10)}) {}

  // Until the end of the input.
  Status Run();

 private:
  void Carry(const std::string& line, const Envelope& envelope) LH_EXCLUDES(mutex_);
  Status Exchange(const std::string& line, const Envelope& envelope) LH_EXCLUDES(mutex_);
  void Listen() LH_EXCLUDES(mutex_);
  void EndSession() LH_EXCLUDES(mutex_);
  net::HttpRequest Prepare(std::string method) LH_EXCLUDES(mutex_);
  Status ReadEvents(net::HttpResponse& response) LH_EXCLUDES(out_mutex_);
  void Say(std::string_view message) LH_EXCLUDES(out_mutex_);
  void SayError(const json::value& id, const std::string& what) LH_EXCLUDES(out_mutex_);
  RequestContext Context() const {
    RequestContext context;
    context.cancelled = stop_.get_token();
    return context;
  }

  const std::string url_, key_;
  Console& console_;
  net::HttpClient http_;
  std::stop_source stop_;
  std::counting_semaphore<kMaxAtOnce> places_{kMaxAtOnce};
  Mutex mutex_;
  std::string session_ LH_GUARDED_BY(mutex_);
  Mutex out_mutex_;
};

void Bridge::Say(std::string_view message) {
  const MutexLock lock(out_mutex_);
  // A reader that is gone closes our input as well, which ends the run.
  static_cast<void>(console_.Write(std::string(message) + "\n"));
}

void Bridge::SayError(const json::value& id, const std::string& what) {
  if (id.is_null()) return console_.Note("lakehouse: " + what);
  Say(json::serialize(
      json::object{{"jsonrpc", "2.0"}, {"id", id}, {"error", json::object{{"code", -32603}, {"message", what}}}}));
}

net::HttpRequest Bridge::Prepare(std::string method) {
  net::HttpRequest request;
  request.method = std::move(method);
  request.url = url_;
  if (!key_.empty()) request.headers.emplace_back("Authorization", "Bearer " + key_);
  const MutexLock lock(mutex_);
  if (!session_.empty()) request.headers.emplace_back("Mcp-Session-Id", session_);
  return request;
}

// Lines of "data:" until the end; each is a message.
Status Bridge::ReadEvents(net::HttpResponse& response) {
  std::string pending;
  std::vector<char> room(64 << 10);
  while (true) {
    LH_ASSIGN(const size_t size, response.Read(room));
    if (size == 0) return {};
    pending.append(room.data(), size);
    size_t from = 0;
    for (size_t end; (end = pending.find('\n', from)) != std::string::npos; from = end + 1) {
      std::string_view line = std::string_view(pending).substr(from, end - from);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.starts_with("data:")) continue;
      line.remove_prefix(5);
      if (line.starts_with(' ')) line.remove_prefix(1);
      if (!line.empty()) Say(line);
    }
    pending.erase(0, from);
    if (pending.size() > kMaxAnswer) return Fail(ErrorKind::kUpstream, "the server sent a line that does not end");
  }
}

Status Bridge::Exchange(const std::string& line, const Envelope& envelope) {
  StringSource body(line);
  net::HttpRequest request = Prepare("POST");
  request.body = &body;
  request.body_bytes = line.size();
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("Accept", "application/json, text/event-stream");
  if (!envelope.version.empty()) {
    request.headers.emplace_back("MCP-Protocol-Version", envelope.version);
    request.headers.emplace_back("Mcp-Method", envelope.method);
    if (!envelope.name.empty()) {
      request.headers.emplace_back("Mcp-Name", "=?base64?" + Base64Encode(envelope.name) + "?=");
    }
  }
  LH_ASSIGN(const auto response, http_.Send(Context(), request));
  if (envelope.method == "initialize") {
    const std::string* session = net::FindHeader(response->headers(), "Mcp-Session-Id");
    const MutexLock lock(mutex_);
    if (session != nullptr) session_ = *session;
  }
  const std::string* type = net::FindHeader(response->headers(), "Content-Type");
  if (type != nullptr && type->starts_with("text/event-stream")) return ReadEvents(*response);
  LH_ASSIGN(const std::string answer, ReadAll(*response, kMaxAnswer));
  if (type != nullptr && type->starts_with("application/json")) {
    Say(answer);
    return {};
  }
  if (response->status() >= 400) return Fail(RefusalOf(response->status(), response->headers(), answer));
  return {};
}

void Bridge::Carry(const std::string& line, const Envelope& envelope) {
  const Status carried = Exchange(line, envelope);
  if (!carried && !stop_.stop_requested()) SayError(envelope.id, carried.error().detail);
}

// The session's own stream; it is opened again when it ends early.
void Bridge::Listen() {
  while (!stop_.stop_requested()) {
    net::HttpRequest request = Prepare("GET");
    request.headers.emplace_back("Accept", "text/event-stream");
    const auto response = http_.Send(Context(), request);
    // A server without such streams, or a session that has ended: nothing to listen to.
    if (!response || (*response)->status() != 200) return;
    if (!ReadEvents(**response)) return;
  }
}

void Bridge::EndSession() {
  const net::HttpRequest request = Prepare("DELETE");
  if (net::FindHeader(request.headers, "Mcp-Session-Id") == nullptr) return;
  RequestContext context;
  context.deadline = Deadline::After(std::chrono::seconds(2));
  static_cast<void>(http_.Send(context, request));
}

Status Bridge::Run() {
  LH_ASSIGN(const auto input, InputFile::Open("-", console_));
  std::vector<std::jthread> listeners;
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
      std::string line = pending.substr(from, end - from);
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      const Envelope envelope = EnvelopeOf(line);
      // What comes next needs the session, and these need no time.
      if (envelope.method == "initialize" || envelope.id.is_null() || envelope.method.empty()) {
        Carry(line, envelope);
        if (envelope.method == "notifications/initialized" && listeners.empty()) {
          listeners.emplace_back([this] { Listen(); });
        }
        continue;
      }
      places_.acquire();
      std::thread([this, line = std::move(line), envelope] {
        Carry(line, envelope);
        places_.release();
      }).detach();
    }
    pending.erase(0, from);
    if (pending.size() > kMaxLine) {
      ended = Fail(ErrorKind::kTooLarge, "a message is longer than {} bytes", kMaxLine);
      break;
    }
  }
  // What was asked is answered before the end; then nobody is left to listen.
  for (ptrdiff_t i = 0; i < kMaxAtOnce; ++i) places_.acquire();
  EndSession();
  stop_.request_stop();
  return ended;
}

}  // namespace

Status RunMcp(Client& client, Console& console) {
  Bridge bridge(client, console);
  return bridge.Run();
}

}  // namespace lakehouse::cli
