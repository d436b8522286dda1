#include "query/engine.h"

#include <atomic>
#include <stop_token>

#include "query/deadline_watch.h"
#include "query/errors.h"
#include "query/lake_state.h"
#include "query/result_writer.h"
#include "query/session_pool.h"
#include "query/statement.h"

namespace lakehouse::query {
namespace {

struct Counters {
  std::atomic<uint64_t> completed{0};
  std::atomic<uint64_t> failed{0};
};

// What all queries of an engine share.
struct Shared {
  Shared(EngineOptions chosen, object::BlockCache& cache, const Logger& logger, VectorSource* source)
      : options(std::move(chosen)), log(logger), vectors(source), pool(options, cache) {}
  const EngineOptions options;
  const Logger& log;
  VectorSource* const vectors;
  Counters counters;
  SessionPool pool;
  DeadlineWatch watch;
};

class CountingSink final : public ByteSink {
 public:
  explicit CountingSink(ByteSink& sink, std::atomic<uint64_t>& bytes) : sink_(sink), bytes_(bytes) {}
  Status Write(std::string_view bytes) override {
    bytes_ += bytes.size();
    return sink_.Write(bytes);
  }

 private:
  ByteSink& sink_;
  std::atomic<uint64_t>& bytes_;
};

// Stops a connection's query when its time is up or its client is gone. Lives as long as the query.
class Stopper {
 public:
  Stopper(DeadlineWatch& watch, duckdb::Connection& connection, const RequestContext& request)
      : watch_(watch),
        connection_(connection),
        id_(watch.Add(request.deadline, [this] { Stop(ErrorKind::kDeadline); })),
        on_cancel_(request.cancelled, [this] { Stop(ErrorKind::kCancelled); }) {}
  ~Stopper() { watch_.Remove(id_); }
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

  // kDeadline, kCancelled, or nothing.
  std::optional<ErrorKind> stopped() const {
    const int why = why_.load(std::memory_order_acquire);
    if (why < 0) return std::nullopt;
    return static_cast<ErrorKind>(why);
  }
  // DuckDB forgets an interrupt that came before it began the query.
  void Repeat() {
    if (stopped()) connection_.Interrupt();
  }

 private:
  void Stop(ErrorKind why) {
    int none = -1;
    why_.compare_exchange_strong(none, static_cast<int>(why), std::memory_order_acq_rel);
    connection_.Interrupt();
  }

  DeadlineWatch& watch_;
  duckdb::Connection& connection_;
  std::atomic<int> why_{-1};
  const DeadlineWatch::Id id_;
  const std::stop_callback<std::function<void()>> on_cancel_;
};

duckdb::Value ToValue(const Parameter& parameter) {
  struct Visitor {
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
  };
  return std::visit(Visitor{}, parameter);
}

class RunningQuery final : public QueryStream {
 public:
  RunningQuery(Shared& shared, RequestContext context, const QueryRequest& request,
               std::shared_ptr<const catalog::LakeView> view)
      : shared_(shared),
        request_(std::move(context)),
        sql_(request.sql),
        format_(request.format),
        view_(std::move(view)) {}
  ~RunningQuery() override { Release(); }

  Seq seq() const override { return view_->seq(); }
  uint64_t bytes_written() const override { return bytes_; }
  uint64_t rows_written() const override { return rows_; }

  // Takes a session and plans the statement on it.
  Status Start(duckdb::unique_ptr<duckdb::SQLStatement> statement, const std::vector<Parameter>& parameters);
  Status WriteTo(ByteSink& sink) override;

 private:
  Status Plan(duckdb::unique_ptr<duckdb::SQLStatement> statement, const std::vector<Parameter>& parameters);
  Status Execute(ByteSink& sink);
  Result<duckdb::unique_ptr<duckdb::DataChunk>> Fetch();
  Error Failure(duckdb::ErrorData error);
  void Release();

  Shared& shared_;
  const RequestContext request_;
  const std::string sql_;
  const ResultFormat format_;
  const std::shared_ptr<const catalog::LakeView> view_;
  std::unique_ptr<Session> session_;
  duckdb::shared_ptr<LakeState> state_;
  std::optional<Stopper> stopper_;
  duckdb::unique_ptr<duckdb::PendingQueryResult> pending_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;
  // True once DuckDB itself has ended the query, in success or failure.
  bool ended_ = false;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> rows_{0};
};

Status RunningQuery::Start(duckdb::unique_ptr<duckdb::SQLStatement> statement,
                           const std::vector<Parameter>& parameters) {
  LH_ASSIGN(session_, shared_.pool.Take(request_));
  state_ = LakeState::Of(*session_->connection->context);
  state_->Begin(view_, shared_.vectors, request_);
  stopper_.emplace(shared_.watch, *session_->connection, request_);
  try {
    return Plan(std::move(statement), parameters);
  } catch (const std::exception& caught) {
    return Fail(Failure(duckdb::ErrorData(caught)));
  }
}

Status RunningQuery::Plan(duckdb::unique_ptr<duckdb::SQLStatement> statement,
                          const std::vector<Parameter>& parameters) {
  duckdb::case_insensitive_map_t<duckdb::BoundParameterData> values;
  for (size_t i = 0; i < parameters.size(); ++i) {
    values.emplace(std::to_string(i + 1), duckdb::BoundParameterData(ToValue(parameters[i])));
  }
  pending_ = session_->connection->context->PendingQuery(std::move(statement), values,
                                                         duckdb::QueryParameters(/*allow_streaming=*/true));
  if (pending_->HasError()) return Fail(Failure(pending_->GetErrorObject()));
  stopper_->Repeat();
  return {};
}

Status RunningQuery::WriteTo(ByteSink& sink) {
  Status written;
  try {
    written = Execute(sink);
  } catch (const std::exception& caught) {
    written = Fail(Failure(duckdb::ErrorData(caught)));
  }
  ++(written ? shared_.counters.completed : shared_.counters.failed);
  Release();
  return written;
}

Status RunningQuery::Execute(ByteSink& sink) {
  if (!pending_) return Fail(ErrorKind::kInternal, "a result can be written once only");
  result_ = pending_->Execute();
  if (result_->HasError()) return Fail(Failure(result_->GetErrorObject()));
  LH_ASSIGN(auto chunk, Fetch());

  CountingSink counted(sink, bytes_);
  // A result that is not streamed lends its values; it is small (EXPLAIN) and needs no help.
  const bool streams = result_->type == duckdb::QueryResultType::STREAM_RESULT;
  ResultShape shape{result_->names, result_->types, result_->client_properties, seq(),
                    streams ? shared_.options.threads - 1 : 0};
  const auto writer = ResultWriter::Make(format_, std::move(shape), counted);
  LH_TRY(writer->Begin());
  while (chunk) {
    rows_ += chunk->size();
    LH_TRY(writer->Write(std::move(chunk)));
    LH_ASSIGN(chunk, Fetch());
  }
  return writer->End(rows_);
}

Result<duckdb::unique_ptr<duckdb::DataChunk>> RunningQuery::Fetch() {
  auto chunk = result_->Fetch();
  if (result_->HasError()) return Fail(Failure(result_->GetErrorObject()));
  if (chunk && chunk->size() == 0) chunk.reset();
  if (!chunk) ended_ = true;
  return chunk;
}

Error RunningQuery::Failure(duckdb::ErrorData error) {
  ended_ = true;
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

void RunningQuery::Release() {
  if (!session_) return;
  if (!ended_) session_->connection->Interrupt();
  result_.reset();
  pending_.reset();
  // From here nothing may interrupt the connection: the next interrupt would hit another query.
  stopper_.reset();
  // Destroying a connection is what ends a query that nobody reads to its end: it waits for the tasks to notice.
  if (!ended_) session_->connection->context->Destroy();
  state_->End();
  shared_.pool.Give(std::move(session_));
}

class DuckDbEngine final : public Engine {
 public:
  DuckDbEngine(EngineOptions options, catalog::LakeSource& source, object::BlockCache& cache, const Logger& log,
               VectorSource* vectors)
      : source_(source), shared_(std::move(options), cache, log, vectors) {}
  Status Start() { return shared_.pool.Start(); }

  Result<std::unique_ptr<QueryStream>> Run(const RequestContext& context, const QueryRequest& request) override {
    auto started = StartQuery(context, request);
    if (!started) ++shared_.counters.failed;
    return started;
  }

  EngineStats stats() const override {
    return EngineStats{.running = shared_.pool.running(),
                       .queued = shared_.pool.queued(),
                       .completed = shared_.counters.completed,
                       .failed = shared_.counters.failed,
                       .memory_bytes = shared_.pool.memory_bytes()};
  }

 private:
  Result<std::unique_ptr<QueryStream>> StartQuery(const RequestContext& context, const QueryRequest& request) {
    LH_ASSIGN(auto statement, ParseReadStatement(request.sql, duckdb::ParserOptions()));
    RequestContext bounded = context;
    const auto limit = std::min(request.timeout.value_or(shared_.options.timeout), shared_.options.timeout);
    bounded.deadline = context.deadline.Sooner(Deadline::After(limit));
    LH_ASSIGN(auto view, request.at_seq ? source_.At(bounded, *request.at_seq) : source_.Current(bounded));
    auto query = std::make_unique<RunningQuery>(shared_, std::move(bounded), request, std::move(view));
    LH_TRY(query->Start(std::move(statement), request.parameters));
    return query;
  }

  catalog::LakeSource& source_;
  mutable Shared shared_;
};

// What a crash left behind: DuckDB only clears away what it wrote itself. The folder is this engine's alone.
void RemoveOldSpill(const std::filesystem::path& folder) {
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    std::error_code ignored;
    if (entry->path().filename().string().starts_with("duckdb_temp_")) std::filesystem::remove(entry->path(), ignored);
  }
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(EngineOptions options, catalog::LakeSource& source,
                                             object::BlockCache& cache, const Logger& log, VectorSource* vectors) {
  RemoveOldSpill(options.spill_folder);
  auto engine = std::make_unique<DuckDbEngine>(std::move(options), source, cache, log, vectors);
  LH_TRY(engine->Start());
  return engine;
}

}  // namespace lakehouse::query
