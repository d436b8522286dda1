#include "query/query_run.h"

#include <thread>

#include "query/errors.h"
#include "query/statement.h"

namespace lakehouse::query {
namespace {

// What takes longer is worth waking other threads for, and standing in line for.
constexpr std::chrono::microseconds kAlone{1000};
// Between two looks at whether another thread is done.
constexpr std::chrono::microseconds kPause{50};

// Throws when the text is no value of its type.
duckdb::Value ToValue(const Parameter& parameter, duckdb::ClientContext& context) {
  struct Visitor {
    duckdb::ClientContext& context;
    duckdb::Value operator()(std::monostate) const { return duckdb::Value(); }
    duckdb::Value operator()(bool value) const { return duckdb::Value::BOOLEAN(value); }
    duckdb::Value operator()(int64_t value) const { return duckdb::Value::BIGINT(value); }
    duckdb::Value operator()(double value) const { return duckdb::Value::DOUBLE(value); }
    duckdb::Value operator()(const std::string& value) const { return duckdb::Value(value); }
    duckdb::Value operator()(const JsonText& value) const {
      duckdb::Value json(value.text);
      json.Reinterpret(duckdb::LogicalType::JSON());
      return json;
    }
    duckdb::Value operator()(const TypedText& value) const {
      duckdb::LogicalType type;
      context.RunFunctionInTransaction([&] { type = duckdb::TransformStringToLogicalType(value.type, context); });
      return value.text ? duckdb::Value(*value.text).DefaultCastAs(type) : duckdb::Value(type);
    }
    duckdb::Value operator()(const Blob& value) const { return duckdb::Value::BLOB_RAW(value.bytes); }
  };
  return std::visit(Visitor{context}, parameter);
}

}  // namespace

Status QueryRun::Start() {
  LH_ASSIGN(session_, shared_.pool.Take());
  state_ = LakeState::Of(*session_->connection->context);
  state_->Begin(view_, shared_.vectors, request_);
  stopper_.emplace(shared_.watch, *session_->connection, request_);
  return {};
}

Status QueryRun::Plan(duckdb::unique_ptr<duckdb::SQLStatement> statement, const std::vector<Parameter>& parameters,
                      const duckdb::get_result_collector_t& collector) {
  result_.reset();
  ended_ = false;
  try {
    auto& context = *session_->connection->context;
    duckdb::case_insensitive_map_t<duckdb::BoundParameterData> values;
    std::vector<std::string> identifiers(parameters.size());
    for (size_t i = 0; i < parameters.size(); ++i) identifiers[i] = std::to_string(i + 1);
    for (const auto& [identifier, index] : statement->named_param_map) {
      if (index >= 1 && index <= parameters.size()) identifiers[index - 1] = identifier;
    }
    for (size_t i = 0; i < parameters.size(); ++i) {
      values.emplace(identifiers[i], duckdb::BoundParameterData(ToValue(parameters[i], context)));
    }
    const duckdb::ScopedConfigSetting planning(
        context.config,
        [&](duckdb::ClientConfig& config) {
          config.get_result_collector = collector;
          config.enable_optimizer = !IsFromNowhere(*statement);
        },
        [](duckdb::ClientConfig& config) {
          config.get_result_collector = nullptr;
          config.enable_optimizer = true;
        });
    pending_ = context.PendingQuery(std::move(statement), values,
                                    duckdb::QueryParameters(/*allow_streaming=*/collector == nullptr));
  } catch (const std::exception& caught) {
    return Fail(Failure(duckdb::ErrorData(caught)));
  }
  if (pending_->HasError()) return Fail(Failure(pending_->GetErrorObject()));
  if (began_ == MonotonicTime{}) began_ = std::chrono::steady_clock::now();
  names_ = pending_->names;
  types_ = pending_->types;
  stopper_->Repeat();
  return {};
}

Result<QueryRun::Progress> QueryRun::Work() {
  try {
    const auto state = pending_->ExecuteTask();
    if (pending_->HasError()) return Fail(Failure(pending_->GetErrorObject()));
    if (state != duckdb::PendingExecutionResult::EXECUTION_FINISHED) {
      const bool more = state == duckdb::PendingExecutionResult::RESULT_NOT_READY;
      LH_TRY(TakeTurn());
      return more ? Progress::kMore : Progress::kElsewhere;
    }
  } catch (const std::exception& caught) {
    return Fail(Failure(duckdb::ErrorData(caught)));
  }
  LH_TRY(Execute());
  ended_ = true;
  return Progress::kDone;
}

Status QueryRun::Execute() {
  if (!pending_) return Fail(ErrorKind::kInternal, "a result can be read once only");
  try {
    // DuckDB's own loop asks again and again, without a pause, while another thread has the last task.
    auto state = pending_->ExecuteTask();
    for (; !duckdb::PendingQueryResult::IsResultReady(state); state = pending_->ExecuteTask()) {
      LH_TRY(TakeTurn());
      if (state == duckdb::PendingExecutionResult::BLOCKED) pending_->WaitForTask();
      if (state == duckdb::PendingExecutionResult::NO_TASKS_AVAILABLE) std::this_thread::sleep_for(kPause);
    }
    if (pending_->HasError()) return Fail(Failure(pending_->GetErrorObject()));
    result_ = pending_->Execute();
  } catch (const std::exception& caught) {
    return Fail(Failure(duckdb::ErrorData(caught)));
  }
  pending_.reset();
  if (result_->HasError()) return Fail(Failure(result_->GetErrorObject()));
  return {};
}

Result<duckdb::unique_ptr<duckdb::DataChunk>> QueryRun::Fetch() {
  duckdb::unique_ptr<duckdb::DataChunk> chunk;
  try {
    if (result_->type == duckdb::QueryResultType::STREAM_RESULT) {
      LH_TRY(Await(result_->Cast<duckdb::StreamQueryResult>()));
    }
    if (!result_->HasError()) chunk = result_->Fetch();
  } catch (const std::exception& caught) {
    return Fail(Failure(duckdb::ErrorData(caught)));
  }
  if (result_->HasError()) return Fail(Failure(result_->GetErrorObject()));
  if (chunk && chunk->size() == 0) chunk.reset();
  (chunk ? rows_out_ : ended_) = true;
  return chunk;
}

// A task that fails on another thread interrupts this one; the failure is what counts.
duckdb::StreamExecutionResult QueryRun::ExecuteTask(duckdb::StreamQueryResult& stream) {
  try {
    return stream.ExecuteTask();
  } catch (const duckdb::InterruptException&) {
    auto& executor = duckdb::Executor::Get(*session_->connection->context);
    if (executor.HasError()) executor.ThrowException();
    throw;
  }
}

Status QueryRun::Await(duckdb::StreamQueryResult& stream) {
  for (;;) {
    const auto before = std::chrono::steady_clock::now();
    const auto state = ExecuteTask(stream);
    if (duckdb::StreamQueryResult::IsChunkReady(state)) return {};
    LH_TRY(TakeTurn());
    if (state == duckdb::StreamExecutionResult::BLOCKED) {
      stream.WaitForTask();
    } else if (help_ && std::chrono::steady_clock::now() - before < kPause) {
      // Back at once: others have the rest.
      std::this_thread::sleep_for(kPause);
    }
  }
}

Status QueryRun::TakeTurn() {
  if (has_turn_ || std::chrono::steady_clock::now() - began_ < kAlone) return {};
  // An answer that has begun cannot be refused any more.
  LH_TRY(shared_.turns.Take(request_, rows_out_ ? Turns::Patience::kUntilDeadline : Turns::Patience::kInLine));
  has_turn_ = true;
  help_.emplace(session_->database->helpers());
  return {};
}

Result<duckdb::unique_ptr<duckdb::PreparedStatement>> QueryRun::Prepare(
    duckdb::unique_ptr<duckdb::SQLStatement> statement) {
  try {
    auto prepared = session_->connection->Prepare(std::move(statement));
    if (prepared->HasError()) return Fail(Failure(prepared->GetErrorObject()));
    ended_ = true;
    return prepared;
  } catch (const std::exception& caught) {
    return Fail(Failure(duckdb::ErrorData(caught)));
  }
}

// Whether DuckDB has ended the query with its error is not always known; Release makes sure.
Error QueryRun::Failure(duckdb::ErrorData error) {
  if (EndsDatabase(error)) {
    session_->database->MarkBroken();
    const std::string& text = error.RawMessage();
    shared_.log.Error("the query engine failed; it will be opened again",
                      {{"error", text.substr(0, text.find('\n'))}, {"request_id", request_.request_id}});
  }
  auto from_store = state_->TakeError();
  const auto stopped = stopper_->stopped();
  if (stopped == ErrorKind::kDeadline) {
    return Error{ErrorKind::kDeadline, "the query ran past its time limit and was stopped", std::nullopt, {}};
  }
  if (stopped == ErrorKind::kCancelled) {
    return Error{ErrorKind::kCancelled, "the client went away and the query was stopped", std::nullopt, {}};
  }
  if (from_store) return *std::move(from_store);
  return FromDuckDb(std::move(error), sql_, shared_.options.spill_folder.string());
}

void QueryRun::Release() {
  if (!session_) return;
  if (!ended_) session_->connection->Interrupt();
  help_.reset();
  result_.reset();
  pending_.reset();
  // From here nothing may interrupt the connection: the next interrupt would hit another query.
  stopper_.reset();
  // Destroying a connection is what ends a query that nobody reads to its end: it waits for the tasks to notice.
  if (!ended_) session_->connection->context->Destroy();
  if (std::exchange(has_turn_, false)) shared_.turns.End();
  state_->End();
  shared_.pool.Give(std::move(session_));
}

}  // namespace lakehouse::query
