#include "flight/call.h"

#include <openssl/evp.h>

#include <algorithm>

#include "flight/session.h"
#include "flight/status.h"

namespace lakehouse::flight {
namespace {

using arrow::flight::CallHeaders;
using arrow::flight::FlightMethod;

constexpr size_t kLongestHeader = 4096;

std::string_view MethodName(FlightMethod method) {
  switch (method) {
    case FlightMethod::Handshake:
      return "Handshake";
    case FlightMethod::ListFlights:
      return "ListFlights";
    case FlightMethod::GetFlightInfo:
      return "GetFlightInfo";
    case FlightMethod::GetSchema:
      return "GetSchema";
    case FlightMethod::DoGet:
      return "DoGet";
    case FlightMethod::DoPut:
      return "DoPut";
    case FlightMethod::DoAction:
      return "DoAction";
    case FlightMethod::ListActions:
      return "ListActions";
    case FlightMethod::DoExchange:
      return "DoExchange";
    case FlightMethod::PollFlightInfo:
      return "PollFlightInfo";
    default:
      return "Unknown";
  }
}

std::string_view Header(const CallHeaders& headers, std::string_view name) {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

// "ipv4:127.0.0.1:5000", "ipv6:%5B::1%5D:5000": what stands between the scheme and the port.
std::string HostOf(std::string_view peer) {
  const size_t scheme = peer.find(':');
  const size_t port = peer.rfind(':');
  if (scheme == std::string_view::npos || port <= scheme) return std::string(peer);
  return std::string(peer.substr(scheme + 1, port - scheme - 1));
}

// The password of "Basic <base64 of user:password>".
std::optional<std::string> PasswordOf(std::string_view encoded) {
  if (encoded.empty() || encoded.size() > kLongestHeader || encoded.size() % 4 != 0) return std::nullopt;
  std::string text(encoded.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(encoded.data()), static_cast<int>(encoded.size()));
  if (size < 0) return std::nullopt;
  text.resize(static_cast<size_t>(size) - std::min<size_t>(encoded.ends_with("==")  ? 2
                                                           : encoded.ends_with('=') ? 1
                                                                                    : 0,
                                                           static_cast<size_t>(size)));
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return text.substr(colon + 1);
}

}  // namespace

class CallMiddleware final : public arrow::flight::ServerMiddleware {
 public:
  CallMiddleware(const CallFactory& factory, FlightMethod method)
      : factory_(factory), method_(method), began_(std::chrono::steady_clock::now()) {
    factory_.in_flight_.Add(1);
  }
  ~CallMiddleware() override { factory_.in_flight_.Add(-1); }

  std::string name() const override { return CallFactory::kKey; }
  // Called twice for some methods; a header that is there twice would be two values.
  void SendingHeaders(arrow::flight::AddCallHeaders* headers) override {
    if (std::exchange(sent_, true)) return;
    headers->AddHeader("x-request-id", call.request_id_);
    if (!bearer.empty()) headers->AddHeader("authorization", bearer);
  }
  void CallCompleted(const arrow::Status& status) override {
    factory_.Ended(call, MethodName(method_), CodeName(status), began_);
    admission = auth::Admission();
  }

  Call call;
  auth::Admission admission;
  std::string bearer;  // what Basic is answered with

 private:
  const CallFactory& factory_;
  const FlightMethod method_;
  const MonotonicTime began_;
  bool sent_ = false;
};

Call& Call::Of(const arrow::flight::ServerCallContext& context) {
  return static_cast<CallMiddleware*>(context.GetMiddleware(CallFactory::kKey))->call;
}

RequestContext Call::Context(std::chrono::milliseconds limit) const {
  RequestContext context;
  context.request_id = request_id_;
  context.traceparent = traceparent_;
  context.deadline = Deadline::After(limit);
  context.cancelled = stop.get_token();
  return context;
}

arrow::Status Call::Refuse(const Error& error) const { return ToArrow(error, request_id_); }

CallFactory::CallFactory(uint32_t max_calls, const auth::Access& access, const auth::Audit& audit, const Logger& log,
                         observe::Metrics& metrics)
    : max_calls_(max_calls),
      access_(access),
      audit_(audit),
      log_(log),
      metrics_(metrics),
      seconds_(
          metrics.HistogramOf("lakehouse_flight_call_seconds", "Time that Flight calls took, their rows included")),
      in_flight_(metrics.GaugeOf("lakehouse_flight_calls_in_flight", "Flight calls being served")) {}

// The bearer token that a password is answered with; empty without one.
Result<std::string> CallFactory::Identify(const CallHeaders& headers, Call& call) const {
  const std::string_view authorization = Header(headers, "authorization");
  constexpr std::string_view kBasic = "Basic ";
  if (!authorization.starts_with(kBasic)) {
    LH_ASSIGN(call.caller_.principal, access_.Check(authorization, auth::Scope::kRead));
    return std::string();
  }
  const auto password = PasswordOf(authorization.substr(kBasic.size()));
  if (!password) {
    return Fail(ErrorKind::kUnauthenticated, "the Basic authorization is not base64 of user:password");
  }
  LH_ASSIGN(call.caller_.principal, access_.CheckKey(*password, auth::Scope::kRead));
  // Without keys the door is open, whatever a tool was told to send.
  return "Bearer " + (call.caller_.principal.IsAnonymous() ? "anonymous" : *password);
}

arrow::Status CallFactory::StartCall(const arrow::flight::CallInfo& info,
                                     const arrow::flight::ServerCallContext& context,
                                     std::shared_ptr<arrow::flight::ServerMiddleware>* middleware) {
  const CallHeaders& headers = context.incoming_headers();
  auto made = std::make_shared<CallMiddleware>(*this, info.method);
  Call& call = made->call;
  const std::string_view id = Header(headers, "x-request-id");
  call.request_id_ = observe::IsRequestId(id) ? std::string(id) : request_ids_.Make();
  const std::string_view trace = Header(headers, "traceparent");
  if (observe::IsTraceparent(trace)) call.traceparent_ = trace;
  call.caller_.peer = HostOf(context.peer());
  call.caller_.session = SessionIdOf(Header(headers, "cookie"));
  const auto admit = [&]() -> Status {
    if (!open_.load(std::memory_order_acquire)) {
      return Fail(Error{ErrorKind::kUnavailable, "the server is starting", std::chrono::seconds(1), {}});
    }
    if (in_flight_.value() > static_cast<int64_t>(max_calls_)) {
      return Fail(Error{ErrorKind::kUnavailable,
                        fmt::format("{} calls are being served, which is the most; try again", max_calls_),
                        std::chrono::seconds(1),
                        {}});
    }
    LH_ASSIGN(made->bearer, Identify(headers, call));
    LH_ASSIGN(made->admission, access_.Admit(call.caller_.principal));
    return {};
  };
  if (const Status admitted = admit(); !admitted) {
    const arrow::Status refused = call.Refuse(admitted.error());
    Ended(call, MethodName(info.method), CodeName(refused), std::chrono::steady_clock::now());
    return refused;
  }
  *middleware = std::move(made);
  return arrow::Status::OK();
}

void CallFactory::Ended(const Call& call, std::string_view method, std::string_view code, MonotonicTime began) const {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  metrics_
      .CounterOf("lakehouse_flight_calls_total", "Flight calls, by method and code",
                 {{"method", std::string(method)}, {"code", std::string(code)}})
      .Add();
  seconds_.Observe(took.count());
  std::string name(method);
  if (!call.command_.empty()) name += fmt::format(" {}", call.command_);
  audit_.Write(call.caller_.principal, {.door = "flight",
                                        .call = name,
                                        .status = code,
                                        .request_id = call.request_id_,
                                        .bytes_in = call.bytes_in,
                                        .bytes_out = call.bytes_out,
                                        .took = took});
  log_.Debug("flight", {{"request_id", call.request_id_},
                        {"call", name},
                        {"status", std::string(code)},
                        {"seconds", fmt::format("{:.6f}", took.count())}});
}

}  // namespace lakehouse::flight
