#include "mcp/http_transport.h"

#include <boost/json/serialize.hpp>

#include "mcp/stateless_headers.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kKeepAlive{15};
constexpr std::chrono::hours kLongest{24};

// One of the places for open streams, while it lives.
class StreamPlace {
 public:
  StreamPlace(std::atomic<int>& taken, int most) : taken_(taken), has_(taken.fetch_add(1) < most) {}
  ~StreamPlace() { taken_.fetch_sub(1); }
  StreamPlace(const StreamPlace&) = delete;
  StreamPlace& operator=(const StreamPlace&) = delete;
  Status Check() const {
    if (has_) return {};
    return Fail(Error{ErrorKind::kUnavailable, "too many event streams are open", std::chrono::seconds(5), {}});
  }

 private:
  std::atomic<int>& taken_;
  const bool has_;
};

bool Accepts(const http::Request& request, std::string_view type) {
  const std::string* accept = request.header("Accept");
  return accept == nullptr || accept->find(type) != std::string::npos || accept->find("*/*") != std::string::npos;
}

Status SendError(http::Response& response, int status, const RpcError& error, const json::value& id = nullptr) {
  return response.SendJson(status, ErrorMessage(id, error));
}

Status SendAccepted(http::Response& response) {
  LH_TRY(response.Start(202, 0));
  return response.Finish();
}

const json::object* MetaOf(const Message& message) {
  const json::value* meta = message.params.if_contains("_meta");
  return meta != nullptr && meta->is_object() ? &meta->get_object() : nullptr;
}

// A request that says its revision itself: today's, or one that we do not know.
bool IsStatelessRequest(const http::Request& request, const Message& message) {
  if (const json::object* meta = MetaOf(message); meta != nullptr && meta->contains(kMetaVersion)) return true;
  const std::string* version = request.header("MCP-Protocol-Version");
  return version != nullptr && *version == RevisionName(Revision::k2026_07_28) &&
         request.header("Mcp-Session-Id") == nullptr && message.method != "initialize";
}

json::value MetaValue(const Message& message, std::string_view name) {
  const json::object* meta = MetaOf(message);
  const json::value* value = meta == nullptr ? nullptr : meta->if_contains(name);
  return value == nullptr ? json::value() : *value;
}

int StatusOfStateless(const RpcError& error) {
  switch (error.code) {
    case kMethodNotFound:
      return 404;
    case kHeaderMismatch:
    case kUnsupportedVersion:
    case kMissingCapability:
    case kInvalidRequest:
      return 400;
    default:
      return 200;
  }
}

// What answers an earlier "input_required"; each is an object.
Rpc<Input> InputOf(const Message& message) {
  const auto invalid = [](std::string_view what) {
    return std::unexpected(RpcError{kInvalidParams, std::string(what)});
  };
  Input input;
  if (const json::value* responses = message.params.if_contains("inputResponses"); responses != nullptr) {
    if (!responses->is_object()) return invalid("\"inputResponses\" must be an object");
    for (const auto& response : responses->get_object()) {
      if (!response.value().is_object()) return invalid("each of \"inputResponses\" must be an object");
    }
    input.responses = responses->get_object();
  }
  if (const json::value* state = message.params.if_contains("requestState"); state != nullptr) {
    if (!state->is_string()) return invalid("\"requestState\" must be a text");
    input.state = std::string(state->get_string());
  }
  return input;
}

json::object CapabilitiesOf(const Message& message) {
  const json::value given = MetaValue(message, kMetaCapabilities);
  return given.is_object() ? given.get_object() : json::object();
}

// The name that a client gives itself, for the audit.
std::string ClientName(const json::value& info) {
  constexpr size_t kMost = 64;
  const json::value* name = info.is_object() ? info.get_object().if_contains("name") : nullptr;
  if (name == nullptr || !name->is_string()) return {};
  return std::string(std::string_view(name->get_string()).substr(0, kMost));
}

}  // namespace

HttpTransport::HttpTransport(const Services& services, const Options& options, const Clock& clock, const Logger& log,
                             observe::Metrics& metrics)
    : methods_(services, options, log, metrics),
      sessions_(clock),
      changes_(services.catalog, services.vectors, sessions_) {}

HttpTransport::~HttpTransport() { Stop(); }

void HttpTransport::Stop() {
  changes_.Stop();
  sessions_.CloseAll();
}

void HttpTransport::AddRoutes(http::Router& router) {
  router.Add({.method = "POST",
              .pattern = "/mcp",
              .handler = [this](const RequestContext& context, http::Request& request,
                                http::Response& response) { return Post(context, request, response); },
              .summary = "A message of the Model Context Protocol",
              .deadline = kLongest,
              .doc = {.headers = "Mcp-Session-Id MCP-Protocol-Version",
                      .body = "application/json bytes",
                      .answers = "200 application/json bytes, 200 text/event-stream bytes, 202, "
                                 "4XX application/json bytes"},
              .scope = auth::Scope::kRead});
  router.Add({.method = "GET",
              .pattern = "/mcp",
              .handler = [this](const RequestContext& context, http::Request& request,
                                http::Response& response) { return Get(context, request, response); },
              .summary = "The messages of a session that belong to no request, as an event stream",
              .deadline = kLongest,
              .doc = {.headers = "Mcp-Session-Id Last-Event-ID", .answers = "200 text/event-stream bytes"},
              .scope = auth::Scope::kRead});
  router.Add({.method = "DELETE",
              .pattern = "/mcp",
              .handler = [this](const RequestContext&, http::Request& request,
                                http::Response& response) { return Delete(request, response); },
              .summary = "End a session of the Model Context Protocol",
              .doc = {.headers = "Mcp-Session-Id", .answers = "204"},
              .scope = auth::Scope::kRead});
}

Status HttpTransport::Post(const RequestContext& context, http::Request& request, http::Response& response) {
  const std::string* type = request.header("Content-Type");
  if (type != nullptr && !type->starts_with("application/json")) {
    return Fail(ErrorKind::kUnsupportedMedia, "messages are application/json");
  }
  LH_ASSIGN(const std::string text, ReadAll(request.body(), kMaxMessageBytes));
  const auto body = ParseBody(text);
  if (!body) return SendError(response, 400, body.error());
  if (body->is_batch) return PostBatch(context, request, response, body->messages);
  json::value id;
  const auto message = ParseMessage(body->messages.front(), id);
  if (!message) return SendError(response, 400, message.error(), id);
  return PostMessage(context, request, response, *message);
}

Status HttpTransport::PostMessage(const RequestContext& context, http::Request& request, http::Response& response,
                                  const Message& message) {
  if (IsStatelessRequest(request, message)) return PostStateless(context, request, response, message);
  if (message.kind == MessageKind::kRequest && message.method == "initialize") return Open(request, response, message);
  const std::string* session_id = request.header("Mcp-Session-Id");
  if (session_id == nullptr) {
    return SendError(
        response, 400,
        {kInvalidRequest, "no Mcp-Session-Id: begin with initialize, or say the protocol version 2026-07-28"},
        message.id);
  }
  const auto session = sessions_.Find(*session_id, request.caller().key_id);
  if (session == nullptr) {
    return SendError(response, 404, {kInvalidRequest, "the session has ended: begin again with initialize"},
                     message.id);
  }
  const std::string* version = request.header("MCP-Protocol-Version");
  if (version != nullptr && !RevisionOf(*version)) {
    return SendError(response, 400, {kInvalidRequest, "MCP-Protocol-Version is none of " + RevisionList()}, message.id);
  }
  if (message.kind != MessageKind::kRequest) {
    Take(*session, message);
    return SendAccepted(response);
  }
  PostChannel channel(response, session, session->revision(), Accepts(request, "text/event-stream"));
  Call call{.context = context,
            .revision = session->revision(),
            .channel = channel,
            .session = session.get(),
            .capabilities = session->capabilities(),
            .progress_token = MetaValue(message, "progressToken"),
            .log_level = session->log_level(),
            .caller = request.caller(),
            .client = session->client()};
  auto result = Run(context, call, message, &channel);
  return channel.Answer(
      200, result ? ResultMessage(message.id, std::move(*result)) : ErrorMessage(message.id, result.error()));
}

// The call under its deadline and the client's cancellation.
Rpc<json::object> HttpTransport::Run(const RequestContext& context, Call& call, const Message& message,
                                     const PostChannel* channel) {
  std::stop_source stop;
  // A client that can come back is not gone.
  const std::stop_callback gone(context.cancelled, [&stop, channel] {
    if (channel == nullptr || !channel->is_resumable()) stop.request_stop();
  });
  call.context.cancelled = stop.get_token();
  call.context.deadline = Deadline::After(methods_.timeout());
  if (call.session != nullptr) call.session->Begin(message.id, stop);
  auto result = methods_.Handle(call, message.method, message.params);
  if (call.session != nullptr) call.session->End(message.id);
  return result;
}

void HttpTransport::Take(Session& session, const Message& message) {
  if (message.kind == MessageKind::kResponse) {
    session.Resolve(message);
    return;
  }
  if (message.method != "notifications/cancelled") return;
  const json::value* id = message.params.if_contains("requestId");
  if (id != nullptr) session.Cancel(*id);
}

Status HttpTransport::Open(http::Request& request, http::Response& response, const Message& message) {
  const json::value* wanted = message.params.if_contains("protocolVersion");
  if (wanted == nullptr || !wanted->is_string()) {
    return SendError(response, 400, {kInvalidParams, "\"protocolVersion\" must be a text"}, message.id);
  }
  // An unknown revision is answered with ours; the client goes away if it does not speak it.
  auto revision = RevisionOf(wanted->get_string()).value_or(kNewestWithSessions);
  if (IsStateless(revision)) revision = kNewestWithSessions;
  const json::value* given = message.params.if_contains("capabilities");
  json::object capabilities = given != nullptr && given->is_object() ? given->get_object() : json::object();
  const json::value* info = message.params.if_contains("clientInfo");
  LH_ASSIGN(const auto session, sessions_.Open({.revision = revision,
                                                .capabilities = std::move(capabilities),
                                                .client = info == nullptr ? std::string() : ClientName(*info),
                                                .key_id = request.caller().key_id}));
  response.SetHeader("Mcp-Session-Id", session->id());
  return response.SendJson(200, ResultMessage(message.id, methods_.Initialize(revision)));
}

// Only clients of 2025-03-26 send batches. They are answered as one document, without streams.
Status HttpTransport::PostBatch(const RequestContext& context, http::Request& request, http::Response& response,
                                const std::vector<json::value>& messages) {
  const std::string* session_id = request.header("Mcp-Session-Id");
  const auto session = session_id == nullptr ? nullptr : sessions_.Find(*session_id, request.caller().key_id);
  if (session == nullptr || !TakesBatches(session->revision())) {
    return SendError(response, 400,
                     {kInvalidRequest, "batches were only in the revision 2025-03-26: send one message"});
  }
  if (messages.size() > kMaxBatch) {
    return SendError(response, 400, {kInvalidRequest, fmt::format("a batch has at most {} messages", kMaxBatch)});
  }
  std::string answers;
  for (const json::value& value : messages) {
    json::value id;
    const auto message = ParseMessage(value, id);
    std::string answer;
    if (!message) {
      answer = ErrorMessage(id, message.error());
    } else if (message->kind != MessageKind::kRequest) {
      Take(*session, *message);
      continue;
    } else if (message->method == "initialize") {
      answer = ErrorMessage(id, {kInvalidRequest, "initialize must not stand in a batch"});
    } else {
      PostChannel channel(response, nullptr, session->revision(), false);
      Call call{.context = context,
                .revision = session->revision(),
                .channel = channel,
                .session = session.get(),
                .caller = request.caller(),
                .client = session->client()};
      auto result = Run(context, call, *message, nullptr);
      answer = result ? ResultMessage(id, std::move(*result)) : ErrorMessage(id, result.error());
    }
    answers.append(answers.empty() ? "[" : ",").append(answer);
  }
  if (answers.empty()) return SendAccepted(response);
  return response.SendJson(200, answers + "]");
}

Status HttpTransport::PostStateless(const RequestContext& context, http::Request& request, http::Response& response,
                                    const Message& message) {
  if (message.kind != MessageKind::kRequest) return SendAccepted(response);
  if (const auto checked = CheckStatelessRequest(request, message); !checked) {
    return SendError(response, 400, checked.error(), message.id);
  }
  if (message.method == "subscriptions/listen") return Listen(context, response, message);
  auto input = InputOf(message);
  if (!input) return SendError(response, 200, input.error(), message.id);
  PostChannel channel(response, nullptr, Revision::k2026_07_28, Accepts(request, "text/event-stream"));
  const std::string client = ClientName(MetaValue(message, kMetaClientInfo));
  Call call{.context = context,
            .revision = Revision::k2026_07_28,
            .channel = channel,
            .capabilities = CapabilitiesOf(message),
            .input = std::move(*input),
            .progress_token = MetaValue(message, "progressToken"),
            .caller = request.caller(),
            .client = client};
  const json::value level = MetaValue(message, kMetaLogLevel);
  if (level.is_string()) call.log_level = LogSeverityOf(level.get_string());
  auto result = Run(context, call, message, &channel);
  if (!result) return channel.Answer(StatusOfStateless(result.error()), ErrorMessage(message.id, result.error()));
  return channel.Answer(200, ResultMessage(message.id, std::move(*result)));
}

Status HttpTransport::Listen(const RequestContext& context, http::Response& response, const Message& message) {
  constexpr size_t kMaxUris = 1000;
  const StreamPlace place(streams_, kMaxStreams);
  LH_TRY(place.Check());
  const auto listener = std::make_shared<Listener>(message.id);
  json::object agreed;
  if (const json::value* filter = message.params.if_contains("notifications");
      filter != nullptr && filter->is_object()) {
    const json::value* list = filter->get_object().if_contains("resourcesListChanged");
    listener->list_changed = list != nullptr && list->is_bool() && list->get_bool();
    if (listener->list_changed) agreed["resourcesListChanged"] = true;
    const json::value* uris = filter->get_object().if_contains("resourceSubscriptions");
    json::array taken;
    if (uris != nullptr && uris->is_array()) {
      for (const json::value& uri : uris->get_array()) {
        if (uri.is_string() && listener->uris.size() < kMaxUris) {
          listener->uris.emplace(uri.get_string());
          taken.push_back(uri);
        }
      }
    }
    if (!taken.empty()) agreed["resourceSubscriptions"] = std::move(taken);
  }
  const json::object meta{{kMetaSubscription, message.id}};
  listener->stream.Append(NotificationMessage("notifications/subscriptions/acknowledged",
                                              {{"_meta", meta}, {"notifications", std::move(agreed)}}));
  changes_.Start();
  changes_.Add(listener);
  uint64_t after = 0;
  const Status followed = Follow(context, response, listener->stream, after, false);
  changes_.Remove(listener);
  LH_TRY(followed);
  LH_TRY(response.Write(EventText({}, ResultMessage(message.id, {{"resultType", "complete"}, {"_meta", meta}}))));
  return response.Finish();
}

// Writes events until the stream is closed (then the answer is not finished yet) or the client is gone.
Status HttpTransport::Follow(const RequestContext& context, http::Response& response, EventStream& stream,
                             uint64_t& after, bool with_ids) {
  LH_TRY(StartEvents(response));
  LH_TRY(response.Write(": open\n\n"));
  LH_TRY(response.Flush());
  while (!context.cancelled.stop_requested()) {
    const auto batch = stream.After(after, std::chrono::steady_clock::now() + kKeepAlive, context.cancelled);
    std::string text;
    for (const EventStream::Event& event : batch.events) {
      text.append(EventText(with_ids ? EventId({stream.id(), event.number}) : std::string(), event.data));
    }
    if (text.empty() && !batch.closed) text = ": \n\n";
    if (!text.empty()) LH_TRY(response.Write(text));
    if (!batch.events.empty()) after = batch.events.back().number;
    if (batch.closed) return {};
    LH_TRY(response.Flush());
  }
  return Fail(ErrorKind::kCancelled, "the client went away");
}

Status HttpTransport::Get(const RequestContext& context, http::Request& request, http::Response& response) {
  const std::string* session_id = request.header("Mcp-Session-Id");
  if (session_id == nullptr || !Accepts(request, "text/event-stream")) {
    return Fail(Error{
        ErrorKind::kMethodNotAllowed,
        "this path takes POST; GET is for clients with an Mcp-Session-Id that accept text/event-stream",
        std::nullopt,
        {}}.With("allow", "DELETE, POST"));
  }
  const auto session = sessions_.Find(*session_id, request.caller().key_id);
  if (session == nullptr) return Fail(ErrorKind::kNotFound, "the session has ended: begin again with initialize");
  const StreamPlace place(streams_, kMaxStreams);
  LH_TRY(place.Check());
  if (const std::string* last = request.header("Last-Event-ID"); last != nullptr) {
    const auto position = ParseEventId(*last);
    if (!position) return Fail(ErrorKind::kInvalid, "Last-Event-ID is none that we gave");
    const auto stream = session->FindStream(position->stream);
    if (stream == nullptr) return Fail(ErrorKind::kNotFound, "the stream of Last-Event-ID is forgotten");
    uint64_t after = position->number;
    LH_TRY(Follow(context, response, *stream, after, true));
    return response.Finish();
  }
  if (!session->TakeReader()) return Fail(ErrorKind::kConflict, "the session has a reader already");
  changes_.Start();
  uint64_t after = session->delivered();
  const Status followed = Follow(context, response, session->messages(), after, true);
  session->LeaveReader(after);
  LH_TRY(followed);
  return response.Finish();
}

Status HttpTransport::Delete(http::Request& request, http::Response& response) {
  const std::string* session_id = request.header("Mcp-Session-Id");
  if (session_id == nullptr) return Fail(ErrorKind::kInvalid, "no Mcp-Session-Id");
  if (sessions_.Find(*session_id, request.caller().key_id) == nullptr || !sessions_.Close(*session_id))
    return Fail(ErrorKind::kNotFound, "there is no such session");
  LH_TRY(response.Start(204, 0));
  return response.Finish();
}

}  // namespace lakehouse::mcp
