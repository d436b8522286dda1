// One request's turn on one session: what results as text and results as batches have in common. Used by one thread;
// its end gives the session back, clean.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/request_context.h"
#include "catalog/lake_view.h"
#include "query/deadline_watch.h"
#include "query/duckdb_internal.h"
#include "query/engine.h"
#include "query/helper_threads.h"
#include "query/lake_state.h"
#include "query/session_pool.h"
#include "query/turns.h"

namespace lakehouse::query {

struct Counters {
  std::atomic<uint64_t> completed{0};
  std::atomic<uint64_t> failed{0};
};

// What all queries of an engine share. Thread-safe.
struct EngineShared {
  EngineShared(EngineOptions chosen, object::BlockCache& cache, const Logger& logger, VectorSource* source)
      : options(std::move(chosen)),
        log(logger),
        vectors(source),
        pool(options, cache),
        turns(options.max_concurrent, options.queue_timeout) {}
  const EngineOptions options;
  const Logger& log;
  VectorSource* const vectors;
  Counters counters;
  SessionPool pool;
  Turns turns;
  DeadlineWatch watch;
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

class QueryRun {
 public:
  // REQUIRES: shared outlives this. `bounded` has the query's own deadline.
  QueryRun(EngineShared& shared, RequestContext bounded, std::string sql, std::shared_ptr<const catalog::LakeView> view)
      : shared_(shared), request_(std::move(bounded)), sql_(std::move(sql)), view_(std::move(view)) {}
  ~QueryRun() { Release(); }
  QueryRun(const QueryRun&) = delete;
  QueryRun& operator=(const QueryRun&) = delete;

  Seq seq() const { return view_->seq(); }
  // Takes a session; everything below but Release needs it. Whatever executes waits for a turn once it has run for a
  // while, with the errors of Turns::Take.
  Status Start();
  // Plans the statement with these values. The result's columns are known then. `collector`: where the result goes;
  // nothing: chunks, to be fetched.
  Status Plan(duckdb::unique_ptr<duckdb::SQLStatement> statement, const std::vector<Parameter>& parameters,
              const duckdb::get_result_collector_t& collector = nullptr);
  const duckdb::vector<std::string>& names() const { return names_; }
  const duckdb::vector<duckdb::LogicalType>& types() const { return types_; }
  // Lends this thread to the execution of what was planned for a collector, for some thousands of rows.
  enum class Progress {
    kMore,       // call again
    kElsewhere,  // nothing for this thread: others work, or wait for room in the collector
    kDone,
  };
  Result<Progress> Work();
  // Some of what a collector got is on its way to the client.
  void RowsWentOut() { rows_out_ = true; }
  // Starts what was planned for fetching; once for each Plan.
  Status Execute();
  const duckdb::QueryResult& result() const { return *result_; }
  // Null at the end.
  Result<duckdb::unique_ptr<duckdb::DataChunk>> Fetch();
  // Plans the statement without values or a result.
  Result<duckdb::unique_ptr<duckdb::PreparedStatement>> Prepare(duckdb::unique_ptr<duckdb::SQLStatement> statement);
  duckdb::ClientProperties properties() const { return session_->connection->context->GetClientProperties(); }
  Error Failure(duckdb::ErrorData error);
  void Release();

 private:
  EngineShared& shared_;
  const RequestContext request_;
  const std::string sql_;
  const std::shared_ptr<const catalog::LakeView> view_;
  std::unique_ptr<Session> session_;
  duckdb::shared_ptr<LakeState> state_;
  std::optional<Stopper> stopper_;
  duckdb::vector<std::string> names_;
  duckdb::vector<duckdb::LogicalType> types_;
  // Works until the stream has a chunk, an error or its end.
  Status Await(duckdb::StreamQueryResult& stream);
  duckdb::StreamExecutionResult ExecuteTask(duckdb::StreamQueryResult& stream);
  // A query that has run for a while needs a turn to go on, and gets help.
  Status TakeTurn();

  MonotonicTime began_{};
  bool has_turn_ = false;
  bool rows_out_ = false;
  std::optional<HelperThreads::Call> help_;
  duckdb::unique_ptr<duckdb::PendingQueryResult> pending_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;
  // True once DuckDB itself has ended the query, whole.
  bool ended_ = false;
};

}  // namespace lakehouse::query
