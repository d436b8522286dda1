#include "rpc/call.h"

#include "base/hash.h"
#include "rpc/status.h"

namespace lakehouse::rpc {
namespace {

constexpr const char* kAuthorizationKey = "authorization";
constexpr const char* kVoucherKey = "x-lakehouse-caller";

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

std::string_view Find(const grpc::CallbackServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string_view() : View(found->second);
}

// The client's deadline on our clock.
Deadline DeadlineOf(const grpc::CallbackServerContext& context, std::chrono::milliseconds longest) {
  const auto at = context.deadline();
  const Deadline own = Deadline::After(longest);
  if (at == std::chrono::system_clock::time_point::max()) return own;
  return own.Sooner(Deadline::After(at - std::chrono::system_clock::now()));
}

// Compares without telling by the time it takes where the difference is.
bool SameSecret(std::string_view a, std::string_view b) { return Sha256Of(a) == Sha256Of(b); }

Error Overloaded(std::string_view what, unsigned limit) {
  return Error{
      ErrorKind::kUnavailable, fmt::format("all {} places for {} are taken", limit, what), std::chrono::seconds(1), {}};
}

}  // namespace

const Method& Host::AddMethod(std::string name, auth::Scope scope, std::chrono::milliseconds deadline, bool in_place) {
  auto method = std::make_unique<Method>();
  method->ok = &metrics.CounterOf("lakehouse_grpc_calls_total", "gRPC calls that ended, by method and code",
                                  {{"method", name}, {"code", "OK"}});
  method->seconds = &metrics.HistogramOf("lakehouse_grpc_call_seconds", "Duration of gRPC calls", {{"method", name}});
  method->name = std::move(name);
  method->scope = scope;
  method->deadline = deadline;
  method->in_place = in_place;
  methods_.push_back(std::move(method));
  return *methods_.back();
}

Call::Call(Host& host, const Method& method, grpc::CallbackServerContext& context, Place place)
    : host_(host), method_(method), grpc_context_(context), place_(place), began_(std::chrono::steady_clock::now()) {
  TakeMetadata();
  context_.deadline = DeadlineOf(context, method.deadline);
  context_.cancelled = stop_.get_token();
}

Call::~Call() {
  if (!entered_) return;
  (place_ == Place::kThread ? host_.calls : host_.streams).fetch_sub(1, std::memory_order_acq_rel);
  host_.in_flight.Add(-1);
}

void Call::TakeMetadata() {
  const std::string_view id = Find(grpc_context_, kRequestIdKey);
  context_.request_id = observe::IsRequestId(id) ? std::string(id) : host_.request_ids.Make();
  grpc_context_.AddInitialMetadata(kRequestIdKey, context_.request_id);
  const std::string_view trace = Find(grpc_context_, kTraceKey);
  if (observe::IsTraceparent(trace)) context_.traceparent = trace;
  const std::string_view token = Find(grpc_context_, kRoleTokenKey);
  context_.internal = !host_.options.role_token.empty() && SameSecret(token, host_.options.role_token);
}

Status Call::Begin() {
  const bool threaded = place_ == Place::kThread;
  auto& taken = threaded ? host_.calls : host_.streams;
  const unsigned limit = threaded ? host_.options.max_calls : host_.options.max_streams;
  if (taken.fetch_add(1, std::memory_order_acq_rel) >= limit) {
    taken.fetch_sub(1, std::memory_order_acq_rel);
    return Fail(Overloaded(threaded ? "calls" : "streams", limit));
  }
  entered_ = true;
  host_.in_flight.Add(1);
  return LetIn();
}

// Checks the key, its scope and its limits.
Status Call::LetIn() {
  if (context_.internal) return {};
  const auth::Access* access = host_.options.access;
  if (auto vouched = host_.voucher.Read(Find(grpc_context_, kVoucherKey)); vouched && !vouched->IsAnonymous()) {
    vouched_ = true;
    caller_ = std::move(*vouched);
  } else if (access != nullptr) {
    LH_ASSIGN(caller_, access->Identify(Find(grpc_context_, kAuthorizationKey)));
  }
  LH_TRY(auth::CheckScope(caller_, method_.scope));
  if (access == nullptr || vouched_) return {};
  LH_ASSIGN(admission_, access->Admit(caller_));
  return {};
}

void Call::WriteAudit(std::string_view code, std::chrono::duration<double> took) const {
  const auth::Audit* audit = host_.options.audit;
  // What a gateway vouches for stands in the gateway's audit.
  if (audit == nullptr || context_.internal || vouched_ || !audit->Wants(caller_)) return;
  audit->Write(caller_,
               {.door = "grpc", .call = method_.name, .status = code, .request_id = context_.request_id, .took = took});
}

grpc::Status Call::End(const Status& done) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
  method_.seconds->Observe(took.count());
  const grpc::StatusCode code = done ? grpc::StatusCode::OK : CodeOf(done.error().kind);
  const std::string code_name(CodeName(code));
  if (done) {
    method_.ok->Add();
  } else {
    host_.metrics
        .CounterOf("lakehouse_grpc_calls_total", "gRPC calls that ended, by method and code",
                   {{"method", method_.name}, {"code", code_name}})
        .Add();
  }
  WriteAudit(code_name, took);
  // A refusal under load is the client's news; a line for each would make the load worse.
  const bool is_fault = code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::DEADLINE_EXCEEDED;
  const LogLevel level = is_fault ? LogLevel::kWarn : LogLevel::kDebug;
  if (host_.log.Enabled(level)) {
    host_.log.Write(level, "call",
                    {{"request_id", context_.request_id},
                     {"method", method_.name},
                     {"code", code_name},
                     {"ms", fmt::format("{:.3f}", took.count() * 1e3)},
                     {"error", done ? "" : done.error().detail}});
  }
  return done ? grpc::Status() : ToStatus(done.error(), context_.request_id);
}

}  // namespace lakehouse::rpc
