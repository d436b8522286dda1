#include "http/server_exchange.h"

#include <algorithm>
#include <exception>
#include <typeinfo>

#include "http/problem.h"
#include "net/http_client.h"

namespace lakehouse::http {

namespace {

const std::string kNoCapture;
const auth::Principal kAnyone;

// application/x-www-form-urlencoded: '+' is a blank.
Result<std::string> DecodeQuery(std::string_view text) {
  std::string blanks(text);
  for (char& c : blanks) {
    if (c == '+') c = ' ';
  }
  return net::PercentDecode(blanks);
}

}  // namespace

const auth::Principal& Request::caller() const { return kAnyone; }

Exchange::Exchange(ServerCore& core, Connection& connection, RequestHead head)
    : core_(core), connection_(connection), head_(std::move(head)), began_(std::chrono::steady_clock::now()) {
  core_.metrics.in_flight->Add(1);
  path_ = std::string_view(head_.target).substr(0, head_.target.find('?'));
  TakeIds();
  if (Status routed = Route(); !routed) refusal_ = std::move(routed.error());
  const auto deadline = match_.route != nullptr ? match_.route->deadline : std::chrono::milliseconds(60000);
  body_.emplace(connection_, head_, ConnectionTimes{core_.options.body_timeout, Deadline(began_ + deadline)});
}

Exchange::Exchange(ServerCore& core, Connection& connection, const FramingError& error)
    : core_(core), connection_(connection), began_(std::chrono::steady_clock::now()), framing_status_(error.status) {
  core_.metrics.in_flight->Add(1);
  head_.keep_alive = false;
  request_id_ = core_.request_ids.Make();
  refusal_ = Error{ErrorKind::kInvalid, error.detail, std::nullopt, {}};
  body_.emplace(connection_, head_, ConnectionTimes{core_.options.body_timeout, Deadline()});
}

Exchange::~Exchange() {
  core_.metrics.in_flight->Add(-1);
  if (entered_) core_.Leave();
}

void Exchange::TakeIds() {
  const std::string* id = header("X-Request-Id");
  request_id_ = id != nullptr && observe::IsRequestId(*id) ? *id : core_.request_ids.Make();
  const std::string* trace = header("traceparent");
  if (trace != nullptr && observe::IsTraceparent(*trace)) traceparent_ = *trace;
}

Status Exchange::Route() {
  LH_ASSIGN(AccessRules::Caller caller, core_.access.Check(head_, connection_.socket.get()));
  internal_ = caller.internal;
  std::erase_if(head_.headers, [](const auto& field) {
    return EqualsNoCase(field.first, kRoleTokenHeader) || EqualsNoCase(field.first, auth::kVoucherHeader);
  });
  Result<Router::Match> match = core_.router.Find(head_.method, path_);
  if (match) match_ = std::move(*match);
  // Who has no key does not learn what routes there are.
  if (!internal_ && (!match || match_.route->scope)) LH_TRY(LetIn(std::move(caller.vouched)));
  if (!match) return Fail(std::move(match.error()));
  if (match_.is_prefix || path_.size() == head_.target.size()) return {};
  return ParseQuery(std::string_view(head_.target).substr(path_.size() + 1));
}

// Checks the key, its scope and its limits. A call that a gateway vouches for has been counted there.
Status Exchange::LetIn(std::optional<auth::Principal> vouched) {
  const auth::Access* access = core_.options.access;
  if (vouched) {
    vouched_ = true;
    caller_ = std::move(*vouched);
  } else if (access != nullptr) {
    const std::string* shown = header("Authorization");
    LH_ASSIGN(caller_, access->Identify(shown != nullptr ? *shown : std::string_view()));
  }
  if (match_.route == nullptr) return {};
  LH_TRY(auth::CheckScope(caller_, *match_.route->scope));
  if (access == nullptr || vouched_) return {};
  LH_ASSIGN(admission_, access->Admit(caller_));
  return {};
}

Status Exchange::ParseQuery(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    Result<std::string> name = DecodeQuery(pair.substr(0, equals));
    Result<std::string> value = DecodeQuery(equals < pair.size() ? pair.substr(equals + 1) : std::string_view());
    if (!name || !value) {
      return Fail(ErrorKind::kInvalid, "the query string has a '%' that two hexadecimal digits do not follow");
    }
    if (query(*name) != nullptr) return Fail(ErrorKind::kInvalid, "query parameter '{}' is given twice", *name);
    query_.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

// The path that the client asked for: behind a gateway that is the gateway's, which says what it took off. At the edge
// only our own word counts.
std::string Exchange::Instance() const {
  const std::string* prefix = core_.options.strip_role_token ? nullptr : header(kPrefixHeader);
  const bool usable = prefix != nullptr && prefix->starts_with('/') && observe::IsRequestId(*prefix);
  return usable ? *prefix + std::string(path_) : std::string(path_);
}

const std::string& Exchange::capture(std::string_view name) const {
  const auto found = match_.captures.find(name);
  return found == match_.captures.end() ? kNoCapture : found->second;
}

const std::string* Exchange::query(std::string_view name) const {
  for (const auto& [parameter, value] : query_) {
    if (parameter == name) return &value;
  }
  return nullptr;
}

Status Exchange::OnlyQuery(std::initializer_list<std::string_view> known) const {
  for (const auto& [parameter, value] : query_) {
    if (std::ranges::find(known, parameter) == known.end()) {
      return Fail(ErrorKind::kInvalid, "unknown query parameter '{}'", parameter);
    }
  }
  return {};
}

bool Exchange::NeedsThread() const {
  if (head_.HasBody()) return true;
  return !refusal_ && match_.route->dispatch == Dispatch::kHandlerThread;
}

bool Exchange::Enter() {
  if (entered_ || overloaded_) return entered_;
  entered_ = core_.TryEnter();
  if (!entered_) {
    overloaded_ = true;
    refusal_ = Error{ErrorKind::kUnavailable, "too many requests are in flight", std::chrono::seconds(1), {}};
  }
  return entered_;
}

Status Exchange::CallHandler(ResponseWriter& response, const std::stop_token& cancelled) {
  const RequestContext context{request_id_, traceparent_, Deadline(began_ + match_.route->deadline), cancelled,
                               internal_};
  try {
    LH_TRY(match_.route->handler(context, *this, response));
  } catch (const std::exception& thrown) {
    // Its text may quote the request (a SQL text, say), so only its type is logged.
    core_.log.Error(
        "a handler threw",
        {{"request_id", request_id_}, {"route", match_.route->pattern}, {"exception", typeid(thrown).name()}});
    return Fail(ErrorKind::kInternal, "an internal error; the server's log has more under this request_id");
  } catch (...) {
    core_.log.Error("a handler threw", {{"request_id", request_id_}, {"route", match_.route->pattern}});
    return Fail(ErrorKind::kInternal, "an internal error; the server's log has more under this request_id");
  }
  if (!response.started()) return Fail(ErrorKind::kInternal, "the handler gave no answer");
  if (response.finished()) return {};
  if (response.has_length() || head_.method == "HEAD") return response.Finish();
  return Fail(ErrorKind::kInternal, "the handler did not finish its answer");
}

Status Exchange::AnswerError(ResponseWriter& response, const Error& error) {
  if (error.kind == ErrorKind::kCancelled || !response.Reset()) return Fail(error);
  // Past the limit no time is spent on a body that nobody will look at.
  if (framing_status_ != 0 || (overloaded_ && head_.HasBody()) || error.kind == ErrorKind::kRequestTimeout ||
      body_->failed()) {
    response.CloseAfter();
  }
  for (const auto& [name, value] : error.members) {
    if (name == "allow") response.SetHeader("Allow", value);
  }
  if (error.kind == ErrorKind::kUnauthenticated) response.SetHeader("WWW-Authenticate", "Bearer realm=\"lakehouse\"");
  if (error.retry_after) response.SetHeader("Retry-After", std::to_string(error.retry_after->count()));
  const int status = framing_status_ != 0 ? framing_status_ : StatusOf(error.kind);
  const std::string body = framing_status_ != 0 ? ProblemJsonOfStatus(status, error.detail, Instance(), request_id_)
                                                : ProblemJson(error, Instance(), request_id_);
  return response.Send(status, "application/problem+json", body);
}

Exchange::After Exchange::Run(Scratch& scratch, std::string* collect) {
  const std::stop_token cancelled = collect == nullptr ? connection_.BeginRequest() : std::stop_token();
  ResponseWriter response(connection_, scratch, *body_,
                          {.head_only = head_.method == "HEAD",
                           .http11 = head_.http11,
                           .wants_keep_alive = head_.keep_alive,
                           .stopping = &core_.stopping,
                           .request_id = request_id_,
                           .stall = core_.options.body_timeout,
                           .collect = collect,
                           .admission = &admission_});
  Status handled = refusal_ ? Status(Fail(*refusal_)) : CallHandler(response, cancelled);
  const Status answered = handled ? Status() : AnswerError(response, handled.error());
  connection_.watched.store(false, std::memory_order_relaxed);
  Account(response, handled);
  return Settle(response, answered);
}

Exchange::After Exchange::Settle(const ResponseWriter& response, const Status& answered) {
  if (!answered) return After::kBreak;
  if (response.keeps_alive()) {
    if (body_->done()) return After::kKeep;
    // A loop never gets here: requests with bodies are a thread's.
    return body_->Drain() ? After::kKeep : After::kDrain;
  }
  const bool all_read = body_->done() && framing_status_ == 0 && connection_.in.empty();
  return all_read ? After::kClose : After::kDrain;
}

void Exchange::Account(const ResponseWriter& response, const Status& handled) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
  const auto known = core_.metrics.routes.find(match_.route);
  const RouteMetrics& metrics = known != core_.metrics.routes.end() ? known->second : core_.metrics.no_route;
  const int status = !handled && handled.error().kind == ErrorKind::kCancelled ? 499 : response.status();
  const int status_class = status / 100;
  if (status_class >= 2 && status_class <= 5) metrics.by_class[status_class]->Add();
  metrics.seconds->Observe(took.count());
  core_.metrics.bytes_in->Add(body_->bytes());
  core_.metrics.bytes_out->Add(response.bytes_sent());
  WriteAudit(status, response, took);

  // A refusal under load is the client's news; a line for each would make the load worse.
  const bool is_fault = status >= 500 && status != 501 && status != 503;
  const LogLevel level = is_fault ? LogLevel::kWarn : LogLevel::kDebug;
  if (!core_.log.Enabled(level)) return;
  core_.log.Write(level, "request",
                  {{"request_id", request_id_},
                   {"method", head_.method},
                   {"path", std::string(path_)},
                   {"route", match_.route != nullptr ? match_.route->pattern : ""},
                   {"status", std::to_string(status)},
                   {"bytes_in", std::to_string(body_->bytes())},
                   {"bytes_out", std::to_string(response.bytes_sent())},
                   {"ms", fmt::format("{:.3f}", took.count() * 1e3)},
                   {"error", handled ? "" : handled.error().detail}});
}

void Exchange::WriteAudit(int status, const ResponseWriter& response, std::chrono::duration<double> took) {
  const auth::Audit* audit = core_.options.audit;
  // What a gateway vouches for stands in the gateway's audit.
  if (audit == nullptr || internal_ || vouched_ || !audit->Wants(caller_)) return;
  const std::string call = match_.route != nullptr ? head_.method + " " + match_.route->pattern : head_.method;
  audit->Write(caller_, {.door = "http",
                         .call = call,
                         .status = std::to_string(status),
                         .request_id = request_id_,
                         .bytes_in = body_->bytes(),
                         .bytes_out = response.bytes_sent(),
                         .took = took});
}

bool TakeHead(ServerCore& core, Connection& connection) {
  // RFC 9112, 2.2: an empty line before a request is ignored; one, not any number.
  if (connection.scanned == 0 && connection.in.view().starts_with("\r\n")) connection.in.Consume(2);
  const std::string_view bytes = connection.in.view();
  if (bytes.empty() || bytes == "\r") return false;
  Framed<size_t> end = FindHeadEnd(bytes, connection.scanned);
  if (end && (*end > core.options.max_header_bytes || (*end == 0 && bytes.size() > core.options.max_header_bytes))) {
    end = std::unexpected(
        FramingError{431, fmt::format("the request's head is longer than {} bytes", core.options.max_header_bytes)});
  }
  if (end && *end == 0) return false;
  Framed<RequestHead> head = end ? ParseRequestHead(bytes.substr(0, *end)) : std::unexpected(end.error());
  connection.scanned = 0;
  if (!head) {
    connection.exchange = std::make_unique<Exchange>(core, connection, head.error());
    return true;
  }
  core.metrics.bytes_in->Add(*end);
  connection.in.Consume(*end);
  connection.exchange = std::make_unique<Exchange>(core, connection, std::move(*head));
  return true;
}

}  // namespace lakehouse::http
