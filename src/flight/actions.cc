#include "flight/actions.h"

#include <arrow/buffer.h>

#include <algorithm>
#include <charconv>

#include "flight/command.h"
#include "flight/metadata.h"
#include "flight/statements.h"
#include "flight/status.h"

namespace lakehouse::flight {
namespace {

using arrow::flight::ServerCallContext;
using arrow::flight::SetSessionOptionErrorValue;
using Bodies = Result<std::vector<std::string>>;

struct Request {
  State& state;
  Call& call;
  const ServerCallContext& context;
  std::string_view body;
};

Bodies CreatePrepared(const Request& request) {
  LH_ASSIGN(const auto asked, Unpack<pb::ActionCreatePreparedStatementRequest>(request.body));
  LH_ASSIGN(const auto made, Prepare(request.state, request.call, asked));
  return std::vector<std::string>{Pack(made)};
}

Bodies ClosePrepared(const Request& request) {
  LH_ASSIGN(const auto asked, Unpack<pb::ActionClosePreparedStatementRequest>(request.body));
  LH_TRY(request.state.prepared.Close(request.call.caller(), asked.prepared_statement_handle()));
  return std::vector<std::string>{};
}

// False when no ticket in it can be cancelled: expired, or nobody's.
Result<bool> Cancel(const Request& request, const arrow::flight::FlightInfo& info) {
  bool any = false;
  for (const auto& endpoint : info.endpoints()) {
    const auto ticket = request.state.tickets.Redeem(request.call.caller(), endpoint.ticket.ticket);
    if (!ticket && ticket.error().kind == ErrorKind::kNotFound) continue;
    if (!ticket) return Fail(ticket.error());
    request.state.active.Cancel(ticket->id, std::chrono::steady_clock::now() + request.state.tickets.lifetime());
    any = true;
  }
  return any;
}

Bodies CancelFlightInfo(const Request& request) {
  const auto asked = arrow::flight::CancelFlightInfoRequest::Deserialize(request.body);
  LH_ARROW_TRY("the body of CancelFlightInfo", asked.status());
  if (!asked->info) return Fail(ErrorKind::kInvalid, "the body of CancelFlightInfo has no flight");
  LH_ASSIGN(const bool any, Cancel(request, *asked->info));
  const arrow::flight::CancelFlightInfoResult result(any ? arrow::flight::CancelStatus::kCancelled
                                                         : arrow::flight::CancelStatus::kNotCancellable);
  const auto body = result.SerializeToString();
  LH_ARROW_TRY("the answer", body.status());
  return std::vector<std::string>{*body};
}

Bodies CancelQuery(const Request& request) {
  LH_ASSIGN(const auto asked, Unpack<pb::ActionCancelQueryRequest>(request.body));
  std::unique_ptr<arrow::flight::FlightInfo> info;
  LH_ARROW_TRY("the flight of CancelQuery", arrow::flight::FlightInfo::Deserialize(asked.info(), &info));
  LH_ASSIGN(const bool any, Cancel(request, *info));
  pb::ActionCancelQueryResult result;
  result.set_result(any ? pb::ActionCancelQueryResult::CANCEL_RESULT_CANCELLED
                        : pb::ActionCancelQueryResult::CANCEL_RESULT_NOT_CANCELLABLE);
  return std::vector<std::string>{Pack(result)};
}

// A whole number; drivers with settings of texts alone send one as a text.
std::optional<int64_t> NumberOf(const arrow::flight::SessionOptionValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  const auto* text = std::get_if<std::string>(&value);
  int64_t number = 0;
  if (text == nullptr) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

// Why the option is not set; nullopt: it is.
std::optional<SetSessionOptionErrorValue> SetOption(SessionOptions& options, const std::string& name,
                                                    const arrow::flight::SessionOptionValue& value) {
  const bool unset = std::holds_alternative<std::monostate>(value);
  const auto* text = std::get_if<std::string>(&value);
  if (name == "catalog") {
    if (unset || (text != nullptr && *text == kCatalogName)) return std::nullopt;
    return SetSessionOptionErrorValue::kInvalidValue;
  }
  if (name == "schema") {
    if (!unset && (text == nullptr || *text != kDefaultSchema)) return SetSessionOptionErrorValue::kInvalidValue;
    return std::nullopt;
  }
  if (name == "timeout_ms") {
    const auto number = NumberOf(value);
    if (unset) {
      options.timeout.reset();
    } else if (number && *number > 0 && *number <= kLongestTimeout.count()) {
      options.timeout = std::chrono::milliseconds(*number);
    } else {
      return SetSessionOptionErrorValue::kInvalidValue;
    }
    return std::nullopt;
  }
  return SetSessionOptionErrorValue::kInvalidName;
}

Bodies SetOptions(const Request& request) {
  const auto asked = arrow::flight::SetSessionOptionsRequest::Deserialize(request.body);
  LH_ARROW_TRY("the body of SetSessionOptions", asked.status());
  LH_ASSIGN(SessionOptions options, request.state.sessions.Options(request.call.caller()));
  arrow::flight::SetSessionOptionsResult result;
  for (const auto& [name, value] : asked->session_options) {
    if (const auto error = SetOption(options, name, value)) result.errors[name] = {*error};
  }
  LH_ASSIGN(const std::string id, request.state.sessions.Set(request.call.caller(), options));
  if (id != request.call.caller().session) {
    request.context.AddHeader("set-cookie", fmt::format("{}={}; Path=/; HttpOnly", kSessionCookie, id));
  }
  const auto body = result.SerializeToString();
  LH_ARROW_TRY("the answer", body.status());
  return std::vector<std::string>{*body};
}

Bodies GetOptions(const Request& request) {
  LH_ASSIGN(const SessionOptions options, request.state.sessions.Options(request.call.caller()));
  arrow::flight::GetSessionOptionsResult result;
  result.session_options["catalog"] = std::string(kCatalogName);
  result.session_options["schema"] = std::string(kDefaultSchema);
  const auto limit = options.timeout.value_or(request.state.options.query_timeout);
  result.session_options["timeout_ms"] = static_cast<int64_t>(limit.count());
  const auto body = result.SerializeToString();
  LH_ARROW_TRY("the answer", body.status());
  return std::vector<std::string>{*body};
}

Bodies CloseSession(const Request& request) {
  const std::string session = request.call.caller().session;
  LH_ASSIGN(const bool closed, request.state.sessions.Close(request.call.caller()));
  if (closed) {
    request.state.prepared.CloseSession(session);
    request.state.active.EndSession(session);
    request.context.AddHeader("set-cookie", fmt::format("{}=; Path=/; Max-Age=0", kSessionCookie));
  }
  const arrow::flight::CloseSessionResult result(closed ? arrow::flight::CloseSessionStatus::kClosed
                                                        : arrow::flight::CloseSessionStatus::kNotClosable);
  const auto body = result.SerializeToString();
  LH_ARROW_TRY("the answer", body.status());
  return std::vector<std::string>{*body};
}

Bodies NoTransactions(const Request&) {
  return Fail(ErrorKind::kNotImplemented,
              "there are no transactions: every statement reads the lake at one seq, and an ingest is one commit");
}

Bodies NoSubstrait(const Request&) {
  return Fail(ErrorKind::kNotImplemented, "Substrait plans are not understood; send the statement as SQL");
}

struct KnownAction {
  const char* name;
  const char* description;  // nullptr: not offered
  Bodies (*run)(const Request&);
};

constexpr KnownAction kActions[] = {
    {"CreatePreparedStatement", "Prepares a statement; its columns and parameters", CreatePrepared},
    {"ClosePreparedStatement", "Ends a prepared statement", ClosePrepared},
    {"CancelFlightInfo", "Stops the query of a flight", CancelFlightInfo},
    {"CancelQuery", "Stops the query of a flight (CancelFlightInfo is the newer name)", CancelQuery},
    {"SetSessionOptions", "Sets catalog, schema or timeout_ms for the calls that send the cookie back", SetOptions},
    {"GetSessionOptions", "What these options are", GetOptions},
    {"CloseSession", "Ends the session, its prepared statements and its queries", CloseSession},
    {"BeginTransaction", nullptr, NoTransactions},
    {"BeginSavepoint", nullptr, NoTransactions},
    {"EndTransaction", nullptr, NoTransactions},
    {"EndSavepoint", nullptr, NoTransactions},
    {"CreatePreparedSubstraitPlan", nullptr, NoSubstrait},
};

}  // namespace

std::vector<arrow::flight::ActionType> KnownActions() {
  std::vector<arrow::flight::ActionType> types;
  for (const KnownAction& action : kActions) {
    if (action.description != nullptr) types.push_back({action.name, action.description});
  }
  return types;
}

Bodies DoAction(State& state, Call& call, const ServerCallContext& context, const arrow::flight::Action& action) {
  const auto* known = std::ranges::find_if(kActions, [&](const KnownAction& k) { return action.type == k.name; });
  if (known == std::end(kActions)) {
    return Fail(ErrorKind::kNotImplemented, "there is no action \"{}\"; ListActions names those there are",
                action.type.substr(0, 100));
  }
  call.Name(known->name);
  std::string_view body;
  if (action.body) body = std::string_view(*action.body);
  if (body.size() > kMaxCommandBytes) {
    return Fail(ErrorKind::kTooLarge, "the action's body is {} bytes long; at most {} are allowed", body.size(),
                kMaxCommandBytes);
  }
  call.bytes_in += body.size();
  return known->run({state, call, context, body});
}

}  // namespace lakehouse::flight
