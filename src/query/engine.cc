#include "query/engine.h"

#include <atomic>

#include "query/arrow_writer.h"
#include "query/batch_query.h"
#include "query/query_run.h"
#include "query/result_writer.h"
#include "query/statement.h"

namespace lakehouse::query {
namespace {

// Of a batch of an Arrow stream or a Parquet file's row group.
constexpr uint64_t kFileBatchBytes = uint64_t{64} << 20;

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

class TextQuery final : public QueryStream {
 public:
  TextQuery(EngineShared& shared, RequestContext context, const QueryRequest& request,
            std::shared_ptr<const catalog::LakeView> view)
      : shared_(shared), format_(request.format), run_(shared, std::move(context), request.sql, std::move(view)) {}

  Status Start(duckdb::unique_ptr<duckdb::SQLStatement> statement, const std::vector<Parameter>& parameters) {
    LH_TRY(run_.Start());
    return run_.Plan(std::move(statement), parameters);
  }
  Seq seq() const override { return run_.seq(); }
  uint64_t bytes_written() const override { return bytes_; }
  uint64_t rows_written() const override { return rows_; }
  Status WriteTo(ByteSink& sink) override;

 private:
  Status Execute(ByteSink& sink);

  EngineShared& shared_;
  const ResultFormat format_;
  QueryRun run_;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> rows_{0};
};

Status TextQuery::WriteTo(ByteSink& sink) {
  Status written;
  try {
    written = Execute(sink);
  } catch (const std::exception& caught) {
    written = Fail(run_.Failure(duckdb::ErrorData(caught)));
  }
  ++(written ? shared_.counters.completed : shared_.counters.failed);
  run_.Release();
  return written;
}

Status TextQuery::Execute(ByteSink& sink) {
  LH_TRY(run_.Execute());
  LH_ASSIGN(auto chunk, run_.Fetch());

  CountingSink counted(sink, bytes_);
  const duckdb::QueryResult& result = run_.result();
  // A result that is not streamed lends its values; it is small (EXPLAIN) and needs no help.
  const bool streams = result.type == duckdb::QueryResultType::STREAM_RESULT;
  ResultShape shape{result.names, result.types, result.client_properties, seq(),
                    streams ? shared_.options.threads - 1 : 0};
  const auto writer = ResultWriter::Make(format_, std::move(shape), counted);
  LH_TRY(writer->Begin());
  while (chunk) {
    rows_ += chunk->size();
    LH_TRY(writer->Write(std::move(chunk)));
    LH_ASSIGN(chunk, run_.Fetch());
  }
  return writer->End(rows_);
}

class DuckDbEngine final : public Engine {
 public:
  DuckDbEngine(EngineOptions options, catalog::LakeSource& source, object::BlockCache& cache, const Logger& log,
               VectorSource* vectors)
      : source_(source), shared_(std::move(options), cache, log, vectors) {}
  Status Start() { return shared_.pool.Start(); }

  Result<std::unique_ptr<QueryStream>> Run(const RequestContext& context, const QueryRequest& request) override {
    return Counted(StartText(context, request));
  }
  Result<std::unique_ptr<BatchStream>> RunBatches(const RequestContext& context, const BatchRequest& request) override {
    return Counted(StartBatches(context, request));
  }
  Result<StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                  std::optional<Seq> at_seq) override {
    LH_ASSIGN(auto statement, ParseReadStatement(sql, duckdb::ParserOptions()));
    LH_ASSIGN(auto bound, Bind(context, std::nullopt, at_seq));
    QueryRun run(shared_, std::move(bound.context), sql, std::move(bound.view));
    LH_TRY(run.Start());
    return DescribeStatement(run, std::move(statement));
  }

  EngineStats stats() const override {
    const uint64_t waiting = shared_.turns.waiting(), taken = shared_.pool.taken();
    return EngineStats{.running = taken - std::min(taken, waiting),
                       .queued = waiting,
                       .completed = shared_.counters.completed,
                       .failed = shared_.counters.failed,
                       .memory_bytes = shared_.pool.memory_bytes()};
  }

 private:
  struct Bound {
    RequestContext context;
    std::shared_ptr<const catalog::LakeView> view;
  };

  // The request with the query's own deadline, and the lake it sees.
  Result<Bound> Bind(const RequestContext& context, std::optional<std::chrono::milliseconds> timeout,
                     std::optional<Seq> at_seq) {
    Bound bound{context, nullptr};
    const auto limit = std::min(timeout.value_or(shared_.options.timeout), shared_.options.timeout);
    bound.context.deadline = context.deadline.Sooner(Deadline::After(limit));
    LH_ASSIGN(bound.view, at_seq ? source_.At(bound.context, *at_seq) : source_.Current(bound.context));
    return bound;
  }

  Result<std::unique_ptr<QueryStream>> StartText(const RequestContext& context, const QueryRequest& request) {
    LH_ASSIGN(auto statement, ParseReadStatement(request.sql, duckdb::ParserOptions()));
    LH_ASSIGN(auto bound, Bind(context, request.timeout, request.at_seq));
    if (request.format == ResultFormat::kArrowStream || request.format == ResultFormat::kParquet) {
      BatchRequest batch;
      batch.sql = request.sql;
      batch.parameter_rows = {request.parameters};
      batch.batch_bytes = kFileBatchBytes;
      LH_ASSIGN(auto batches,
                StartBatchQuery(shared_, std::move(bound.context), batch, std::move(statement), std::move(bound.view)));
      return MakeArrowQuery(request.format, std::move(batches));
    }
    auto query = std::make_unique<TextQuery>(shared_, std::move(bound.context), request, std::move(bound.view));
    LH_TRY(query->Start(std::move(statement), request.parameters));
    return query;
  }

  Result<std::unique_ptr<BatchStream>> StartBatches(const RequestContext& context, const BatchRequest& request) {
    LH_ASSIGN(auto statement, ParseReadStatement(request.sql, duckdb::ParserOptions()));
    LH_ASSIGN(auto bound, Bind(context, request.timeout, request.at_seq));
    return StartBatchQuery(shared_, std::move(bound.context), request, std::move(statement), std::move(bound.view));
  }

  template <typename Stream>
  Result<Stream> Counted(Result<Stream> started) {
    if (!started) ++shared_.counters.failed;
    return started;
  }

  catalog::LakeSource& source_;
  mutable EngineShared shared_;
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
