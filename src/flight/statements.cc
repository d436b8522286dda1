#include "flight/statements.h"

#include <arrow/c/bridge.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "flight/parameters.h"
#include "flight/query_stream.h"
#include "flight/status.h"

namespace lakehouse::flight {
namespace {

// One batch is what a client that stops reading keeps in memory, its query gone, until it goes away itself.
constexpr uint64_t kBatchBytes = uint64_t{2} << 20;

using Rows = Result<std::unique_ptr<arrow::flight::FlightDataStream>>;

Status CheckTransaction(bool has_transaction) {
  if (!has_transaction) return {};
  return Fail(ErrorKind::kNotImplemented,
              "there are no transactions: every statement reads the lake at one seq, and an ingest is one commit");
}

Result<Planned> PlanText(State& state, Call& call, const std::string& sql) {
  LH_ASSIGN(const auto shape,
            state.services->query.Describe(call.Context(state.options.query_timeout), sql, std::nullopt));
  auto schema = arrow::ImportSchema(shape.columns.get());
  LH_ARROW_TRY("the result's schema", schema.status());
  return Planned{*schema, shape.seq};
}

Rows Start(State& state, Call& call, const arrow::flight::ServerCallContext& context, const Ticket& ticket,
           query::BatchRequest request) {
  LH_ASSIGN(const SessionOptions session, state.sessions.Options(call.caller()));
  const auto limit = std::min(session.timeout.value_or(state.options.query_timeout), state.options.query_timeout);
  const RequestContext bounded = call.Context(limit);
  request.at_seq = ticket.seq;
  request.batch_bytes = kBatchBytes;
  const auto run = [&] { return state.services->query.RunBatches(bounded, request); };
  return SendRows(call, context, state.active, ticket.id, run, {bounded.deadline, state.options.stall_timeout});
}

Result<query::BatchRequest> RequestOf(const PreparedStatement& statement) {
  query::BatchRequest request;
  request.sql = statement.sql;
  const bool bound = statement.rows != nullptr && !statement.rows->empty();
  if (statement.parameters > 0 && !bound) {
    return Fail(ErrorKind::kInvalid, "the statement has {} parameters and nothing is bound to them",
                statement.parameters);
  }
  if (bound) request.parameter_rows = *statement.rows;
  return request;
}

Result<std::string> MessageOf(ArrowSchema* exported) {
  const auto schema = arrow::ImportSchema(exported);
  LH_ARROW_TRY("the statement's schema", schema.status());
  const auto message = arrow::ipc::SerializeSchema(**schema);
  LH_ARROW_TRY("the statement's schema", message.status());
  return (*message)->ToString();
}

// About what the values take.
uint64_t BytesOf(const std::vector<query::Parameter>& row) {
  uint64_t bytes = row.size() * sizeof(query::Parameter);
  for (const auto& value : row) {
    if (const auto* text = std::get_if<std::string>(&value)) bytes += text->size();
    if (const auto* blob = std::get_if<query::Blob>(&value)) bytes += blob->bytes.size();
  }
  return bytes;
}

}  // namespace

Result<Planned> Plan(State& state, Call& call, const pb::CommandStatementQuery& command) {
  LH_TRY(CheckTransaction(command.has_transaction_id()));
  return PlanText(state, call, command.query());
}

Result<Planned> Plan(State& state, Call& call, const pb::CommandPreparedStatementQuery& command) {
  LH_ASSIGN(const auto statement, state.prepared.Get(call.caller(), command.prepared_statement_handle()));
  if (statement.parameters == 0 || statement.rows == nullptr) return PlanText(state, call, statement.sql);
  LH_ASSIGN(const auto request, RequestOf(statement));
  LH_ASSIGN(const auto stream, state.services->query.RunBatches(call.Context(state.options.query_timeout), request));
  ArrowSchema exported;
  LH_TRY(stream->ExportSchema(&exported));
  auto schema = arrow::ImportSchema(&exported);
  LH_ARROW_TRY("the result's schema", schema.status());
  return Planned{*schema, stream->seq()};
}

Rows Run(State& state, Call& call, const arrow::flight::ServerCallContext& context, const Ticket& ticket,
         const pb::CommandStatementQuery& command) {
  query::BatchRequest request;
  request.sql = command.query();
  return Start(state, call, context, ticket, std::move(request));
}

Rows Run(State& state, Call& call, const arrow::flight::ServerCallContext& context, const Ticket& ticket,
         const pb::CommandPreparedStatementQuery& command) {
  LH_ASSIGN(const auto statement, state.prepared.Get(call.caller(), command.prepared_statement_handle()));
  LH_ASSIGN(auto request, RequestOf(statement));
  return Start(state, call, context, ticket, std::move(request));
}

Result<pb::ActionCreatePreparedStatementResult> Prepare(State& state, Call& call,
                                                        const pb::ActionCreatePreparedStatementRequest& request) {
  LH_TRY(CheckTransaction(request.has_transaction_id()));
  LH_ASSIGN(const auto shape,
            state.services->query.Describe(call.Context(state.options.query_timeout), request.query(), std::nullopt));
  pb::ActionCreatePreparedStatementResult result;
  LH_ASSIGN(*result.mutable_dataset_schema(), MessageOf(shape.columns.get()));
  LH_ASSIGN(*result.mutable_parameter_schema(), MessageOf(shape.parameters.get()));
  result.set_is_update(false);
  LH_ASSIGN(*result.mutable_prepared_statement_handle(),
            state.prepared.Add(call.caller(), request.query(), shape.parameter_count));
  return result;
}

Status BindParameters(State& state, Call& call, const pb::CommandPreparedStatementQuery& command,
                      arrow::flight::FlightMessageReader& reader) {
  LH_ASSIGN(const auto statement, state.prepared.Get(call.caller(), command.prepared_statement_handle()));
  ParameterRows rows;
  uint64_t bytes = 0;
  for (;;) {
    auto chunk = reader.Next();
    LH_ARROW_TRY("the bound parameters", chunk.status());
    if (!chunk->data) {
      if (!chunk->app_metadata) break;
      continue;
    }
    const arrow::RecordBatch& batch = *chunk->data;
    // What a client says of its buffers is believed only once it is checked.
    LH_ARROW_TRY("the bound parameters", batch.ValidateFull());
    if (static_cast<size_t>(batch.num_columns()) != statement.parameters) {
      return Fail(ErrorKind::kInvalid, "the statement has {} parameters, and {} columns were bound",
                  statement.parameters, batch.num_columns());
    }
    const size_t before = rows.size();
    LH_TRY(AppendParameterRows(batch, rows));
    for (size_t i = before; i < rows.size(); ++i) bytes += BytesOf(rows[i]);
    if (bytes > PreparedStatements::kMostBytes) {
      return Fail(ErrorKind::kTooLarge, "the bound values take more than {} bytes; ingest them as a table and join it",
                  PreparedStatements::kMostBytes);
    }
  }
  call.bytes_in += bytes;
  return state.prepared.Bind(call.caller(), command.prepared_statement_handle(), std::move(rows), bytes);
}

}  // namespace lakehouse::flight
