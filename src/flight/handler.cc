#include "flight/handler.h"

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "flight/actions.h"
#include "flight/command.h"
#include "flight/ingest.h"
#include "flight/metadata.h"
#include "flight/query_stream.h"
#include "flight/statements.h"
#include "flight/status.h"

namespace lakehouse::flight {
namespace {

using arrow::flight::FlightDescriptor;
using arrow::flight::ServerCallContext;

// A client that goes away ends what is done for it.
WhileClientStays Watch(State& state, Call& call, const ServerCallContext& context) {
  return {state.active, call.stop, [&context] { return context.is_cancelled(); }};
}

Result<Command> CommandOf(Call& call, const FlightDescriptor& descriptor) {
  if (descriptor.type != FlightDescriptor::CMD) {
    return Fail(ErrorKind::kInvalid, "a descriptor with a command of Arrow Flight SQL was expected, not a path");
  }
  LH_ASSIGN(Command command, ParseCommand(descriptor.cmd));
  call.Name(NameOf(command));
  return command;
}

struct PlanOf {
  State& state;
  Call& call;
  // Nothing is pinned to a seq that reads the catalog alone.
  struct Found {
    std::shared_ptr<arrow::Schema> schema;
    std::optional<Seq> seq;
  };
  Result<Found> operator()(const pb::CommandStatementQuery& command) const {
    return Pinned(Plan(state, call, command));
  }
  Result<Found> operator()(const pb::CommandPreparedStatementQuery& command) const {
    return Pinned(Plan(state, call, command));
  }
  Result<Found> operator()(const pb::CommandStatementSubstraitPlan&) const {
    return Fail(ErrorKind::kNotImplemented, "Substrait plans are not understood; send the statement as SQL");
  }
  template <typename Other>
  Result<Found> operator()(const Other& command) const {
    if (auto schema = MetadataSchema(command)) return Found{std::move(schema), std::nullopt};
    return Fail(ErrorKind::kInvalid, "{} is sent through DoPut; it has no flight", command.descriptor()->name());
  }

 private:
  static Result<Found> Pinned(Result<Planned> planned) {
    if (!planned) return Fail(planned.error());
    return Found{std::move(planned->schema), planned->seq};
  }
};

Result<arrow::flight::FlightInfo> InfoOf(State& state, Call& call, const FlightDescriptor& descriptor) {
  LH_ASSIGN(const Command command, CommandOf(call, descriptor));
  LH_ASSIGN(const auto planned, std::visit(PlanOf{state, call}, command));
  LH_ASSIGN(auto ticket, state.tickets.Issue(call.caller(), descriptor.cmd, planned.seq));
  arrow::flight::FlightEndpoint endpoint;
  endpoint.ticket.ticket = std::move(ticket);
  auto info = arrow::flight::FlightInfo::Make(*planned.schema, descriptor, {endpoint}, -1, -1, /*ordered=*/true);
  LH_ARROW_TRY("the flight", info.status());
  return *std::move(info);
}

Result<std::unique_ptr<arrow::flight::FlightDataStream>> RowsOf(State& state, Call& call,
                                                                const ServerCallContext& context,
                                                                const std::string& bytes) {
  LH_ASSIGN(const Ticket ticket, state.tickets.Redeem(call.caller(), bytes));
  LH_ASSIGN(const Command command, ParseCommand(ticket.command));
  call.Name(NameOf(command));
  if (const auto* statement = std::get_if<pb::CommandStatementQuery>(&command)) {
    return Run(state, call, context, ticket, *statement);
  }
  if (const auto* prepared = std::get_if<pb::CommandPreparedStatementQuery>(&command)) {
    return Run(state, call, context, ticket, *prepared);
  }
  LH_ASSIGN(auto batch, Metadata(state, call, command));
  return SendTable(call, std::move(batch));
}

// Takes what a client sends; the bytes that answer it.
struct Take {
  State& state;
  Call& call;
  const ServerCallContext& context;
  arrow::flight::FlightMessageReader& reader;

  Result<std::string> operator()(const pb::CommandStatementIngest& command) const {
    LH_ASSIGN(const int64_t rows, Ingest(state, call, context, command, reader));
    pb::DoPutUpdateResult result;
    result.set_record_count(rows);
    return result.SerializeAsString();
  }
  Result<std::string> operator()(const pb::CommandPreparedStatementQuery& command) const {
    LH_TRY(BindParameters(state, call, command, reader));
    pb::DoPutPreparedStatementResult result;
    result.set_prepared_statement_handle(command.prepared_statement_handle());
    return result.SerializeAsString();
  }
  Result<std::string> operator()(const pb::CommandStatementUpdate&) const { return OnlyReads(); }
  Result<std::string> operator()(const pb::CommandPreparedStatementUpdate&) const { return OnlyReads(); }
  template <typename Other>
  Result<std::string> operator()(const Other& command) const {
    return Fail(ErrorKind::kInvalid, "{} is asked for with GetFlightInfo; it takes no rows",
                command.descriptor()->name());
  }

 private:
  static Result<std::string> OnlyReads() {
    return Fail(ErrorKind::kNotImplemented,
                "SQL only reads here: no statement updates anything. Tables are written by ingest "
                "(CommandStatementIngest; adbc_ingest in ADBC)");
  }
};

}  // namespace

arrow::Status Handler::GetFlightInfo(const ServerCallContext& context, const FlightDescriptor& request,
                                     std::unique_ptr<arrow::flight::FlightInfo>* info) {
  Call& call = Call::Of(context);
  const auto watched = Watch(state_, call, context);
  auto made = InfoOf(state_, call, request);
  if (!made) return call.Refuse(made.error());
  *info = std::make_unique<arrow::flight::FlightInfo>(*std::move(made));
  return arrow::Status::OK();
}

arrow::Status Handler::GetSchema(const ServerCallContext& context, const FlightDescriptor& request,
                                 std::unique_ptr<arrow::flight::SchemaResult>* schema) {
  Call& call = Call::Of(context);
  const auto watched = Watch(state_, call, context);
  const auto command = CommandOf(call, request);
  if (!command) return call.Refuse(command.error());
  const auto planned = std::visit(PlanOf{state_, call}, *command);
  if (!planned) return call.Refuse(planned.error());
  return arrow::flight::SchemaResult::Make(*planned->schema).Value(schema);
}

arrow::Status Handler::DoGet(const ServerCallContext& context, const arrow::flight::Ticket& request,
                             std::unique_ptr<arrow::flight::FlightDataStream>* stream) {
  Call& call = Call::Of(context);
  const auto watched = Watch(state_, call, context);
  auto rows = RowsOf(state_, call, context, request.ticket);
  if (!rows) return call.Refuse(rows.error());
  *stream = *std::move(rows);
  return arrow::Status::OK();
}

// Nothing goes on in the background: a flight is ready when it is known.
arrow::Status Handler::PollFlightInfo(const ServerCallContext& context, const FlightDescriptor& request,
                                      std::unique_ptr<arrow::flight::PollInfo>* info) {
  Call& call = Call::Of(context);
  const auto watched = Watch(state_, call, context);
  auto made = InfoOf(state_, call, request);
  if (!made) return call.Refuse(made.error());
  *info = std::make_unique<arrow::flight::PollInfo>(std::make_unique<arrow::flight::FlightInfo>(*std::move(made)),
                                                    std::nullopt, 1.0, std::nullopt);
  return arrow::Status::OK();
}

arrow::Status Handler::DoPut(const ServerCallContext& context,
                             std::unique_ptr<arrow::flight::FlightMessageReader> reader,
                             std::unique_ptr<arrow::flight::FlightMetadataWriter> writer) {
  Call& call = Call::Of(context);
  const auto watched = Watch(state_, call, context);
  const auto command = CommandOf(call, reader->descriptor());
  if (!command) return call.Refuse(command.error());
  const auto answer = std::visit(Take{state_, call, context, *reader}, *command);
  if (!answer) return call.Refuse(answer.error());
  return writer->WriteMetadata(arrow::Buffer(*answer));
}

arrow::Status Handler::DoAction(const ServerCallContext& context, const arrow::flight::Action& action,
                                std::unique_ptr<arrow::flight::ResultStream>* result) {
  Call& call = Call::Of(context);
  const auto watched = Watch(state_, call, context);
  auto bodies = flight::DoAction(state_, call, context, action);
  if (!bodies) return call.Refuse(bodies.error());
  std::vector<arrow::flight::Result> results;
  for (std::string& body : *bodies) results.push_back({arrow::Buffer::FromString(std::move(body))});
  *result = std::make_unique<arrow::flight::SimpleResultStream>(std::move(results));
  return arrow::Status::OK();
}

arrow::Status Handler::ListFlights(const ServerCallContext& context, const arrow::flight::Criteria*,
                                   std::unique_ptr<arrow::flight::FlightListing>*) {
  return Call::Of(context).Refuse(
      Error{ErrorKind::kNotImplemented,
            "flights are not listed: they are asked for with commands of Arrow Flight SQL, and CommandGetTables lists "
            "the tables",
            std::nullopt,
            {}});
}

arrow::Status Handler::DoExchange(const ServerCallContext& context, std::unique_ptr<arrow::flight::FlightMessageReader>,
                                  std::unique_ptr<arrow::flight::FlightMessageWriter>) {
  return Call::Of(context).Refuse(
      Error{ErrorKind::kNotImplemented, "no command of Arrow Flight SQL is an exchange", std::nullopt, {}});
}

arrow::Status Handler::ListActions(const ServerCallContext&, std::vector<arrow::flight::ActionType>* actions) {
  *actions = KnownActions();
  return arrow::Status::OK();
}

}  // namespace lakehouse::flight
