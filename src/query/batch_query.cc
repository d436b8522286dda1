#include "query/batch_query.h"

#include <algorithm>

#include "query/arrow_batcher.h"
#include "query/batch_collector.h"
#include "query/batch_queue.h"
#include "query/errors.h"

namespace lakehouse::query {
namespace {

BatchLimits LimitsOf(const BatchRequest& request) {
  return {.rows = std::max<uint64_t>(request.batch_rows, 1), .bytes = std::max<uint64_t>(request.batch_bytes, 1)};
}

// What runs that a client reads in batches: its beginning and its end.
class RunningBatches : public BatchStream {
 public:
  // Dropped before its end.
  ~RunningBatches() override {
    if (begun_ && !finished_) Finish(false);
  }
  Seq seq() const override { return run_.seq(); }
  uint64_t rows() const override { return rows_; }
  Status ExportSchema(ArrowSchema* out) override { return batcher_->ExportSchema(out); }

  Result<bool> Next(ArrowArray* out) override {
    if (finished_) return false;
    begun_ = true;
    auto taken = Take(out);
    // The session is given back with the last batch, not when the reader asks for another.
    if (!taken || drained_) Finish(taken.has_value());
    return taken;
  }

 protected:
  RunningBatches(EngineShared& shared, RequestContext bounded, std::string sql,
                 std::shared_ptr<const catalog::LakeView> view)
      : run_(shared, std::move(bounded), std::move(sql), std::move(view)), shared_(shared) {}

  // Sets `drained_` once it knows that no batch is left.
  virtual Result<bool> Take(ArrowArray* out) = 0;
  Status Columns(BatchLimits limits) {
    LH_ASSIGN(batcher_, ArrowBatcher::Make(run_.names(), run_.types(), run_.properties(), limits));
    return {};
  }

  QueryRun run_;
  std::unique_ptr<ArrowBatcher> batcher_;
  bool drained_ = false;
  uint64_t rows_ = 0;

 private:
  void Finish(bool completed) {
    finished_ = true;
    ++(completed ? shared_.counters.completed : shared_.counters.failed);
    run_.Release();
  }

  EngineShared& shared_;
  bool begun_ = false;
  bool finished_ = false;
};

// One execution: its batches are made on the threads that scan.
class CollectedBatches final : public RunningBatches {
 public:
  CollectedBatches(EngineShared& shared, RequestContext bounded, const BatchRequest& request,
                   std::shared_ptr<const catalog::LakeView> view)
      : RunningBatches(shared, std::move(bounded), request.sql, std::move(view)),
        limits_(LimitsOf(request)),
        queue_(std::make_shared<BatchQueue>(std::max(limits_.bytes, kLeastAhead))) {}

  Status Start(duckdb::unique_ptr<duckdb::SQLStatement> statement, const std::vector<Parameter>& parameters) {
    LH_TRY(run_.Start());
    LH_TRY(run_.Plan(std::move(statement), parameters, CollectInto(queue_, limits_)));
    return Columns(limits_);
  }

 private:
  // An error on another thread wakes nobody here, nor does a task that one leaves to be done.
  static constexpr std::chrono::milliseconds kLongestWait{1};
  static constexpr uint64_t kFewRows = 16'384;
  // So that the scan goes on while the last batch is on its way to the client.
  static constexpr uint64_t kLeastAhead = uint64_t{16} << 20;

  Result<bool> Take(ArrowArray* out) override {
    if (!next_) {
      LH_ASSIGN(next_, Read());
    }
    if (!next_) {
      drained_ = true;
      return false;
    }
    BatchPiece piece = *std::move(next_);
    run_.RowsWentOut();
    next_ = queue_->Pop();
    // A small piece is often the last; the session need not wait for the client to take it.
    while (!next_ && !executed_ && piece.rows() < kFewRows) {
      LH_ASSIGN(const auto progress, Work());
      if (progress == QueryRun::Progress::kElsewhere) break;
      next_ = queue_->Pop();
    }
    drained_ = executed_ && !next_;
    rows_ += piece.rows();
    *out = piece.Take();
    return true;
  }

  Result<std::optional<BatchPiece>> Read() {
    for (;;) {
      if (auto piece = queue_->Pop(); piece || executed_) return piece;
      LH_ASSIGN(const auto progress, Work());
      if (progress == QueryRun::Progress::kElsewhere) queue_->Wait(kLongestWait);
    }
  }

  Result<QueryRun::Progress> Work() {
    LH_ASSIGN(const auto progress, run_.Work());
    if (progress == QueryRun::Progress::kDone) {
      executed_ = true;
      queue_->Finish();
    }
    return progress;
  }

  const BatchLimits limits_;
  const std::shared_ptr<BatchQueue> queue_;
  std::optional<BatchPiece> next_;
  bool executed_ = false;
};

// One execution for each row of parameters: results that are often of a row or two, gathered into batches.
class GatheredBatches final : public RunningBatches {
 public:
  GatheredBatches(EngineShared& shared, RequestContext bounded, const BatchRequest& request,
                  duckdb::unique_ptr<duckdb::SQLStatement> statement, std::shared_ptr<const catalog::LakeView> view)
      : RunningBatches(shared, std::move(bounded), request.sql, std::move(view)),
        parameter_rows_(request.parameter_rows),
        limits_(LimitsOf(request)),
        statement_(std::move(statement)) {}

  Status Start() {
    LH_TRY(run_.Start());
    LH_TRY(PlanNext());
    names_ = run_.names();
    types_ = run_.types();
    return Columns(limits_);
  }

 private:
  Result<bool> Take(ArrowArray* out) override {
    LH_TRY(Fill());
    const uint64_t rows = batcher_->rows();
    if (rows == 0) return false;
    LH_TRY(batcher_->Take(out));
    rows_ += rows;
    return true;
  }

  // Gathers a batch; it stays empty when nothing is left.
  Status Fill() {
    while (batcher_->rows() < limits_.rows && batcher_->bytes() < limits_.bytes) {
      if (!executing_) {
        LH_TRY(run_.Execute());
        executing_ = true;
      }
      LH_ASSIGN(const auto chunk, run_.Fetch());
      if (chunk) {
        LH_TRY(batcher_->Append(*chunk));
        continue;
      }
      if (next_row_ >= parameter_rows_.size()) {
        drained_ = true;
        break;
      }
      LH_TRY(PlanNext());
      if (run_.types() != types_ || run_.names() != names_) {
        return Fail(ErrorKind::kInvalid,
                    "parameter row {} gives columns of other types than the first row; bind values of the same types "
                    "in every row",
                    next_row_);
      }
    }
    return {};
  }

  Status PlanNext() {
    executing_ = false;
    const std::vector<Parameter>& row = parameter_rows_[next_row_++];
    const bool last = next_row_ == parameter_rows_.size();
    return run_.Plan(last ? std::move(statement_) : statement_->Copy(), row);
  }

  const std::vector<std::vector<Parameter>> parameter_rows_;
  const BatchLimits limits_;
  duckdb::unique_ptr<duckdb::SQLStatement> statement_;
  duckdb::vector<std::string> names_;
  duckdb::vector<duckdb::LogicalType> types_;
  size_t next_row_ = 0;
  bool executing_ = false;
};

// Types that are not known without values.
bool IsOpen(const duckdb::LogicalType& type) {
  return duckdb::TypeVisitor::Contains(type, [](const duckdb::LogicalType& part) {
    return part.id() == duckdb::LogicalTypeId::UNKNOWN || part.id() == duckdb::LogicalTypeId::ANY ||
           part.id() == duckdb::LogicalTypeId::INVALID;
  });
}

// Plans the statement once more where its columns hang on values that nobody has bound: with NULL texts, or, where
// texts do not fit, with plain NULLs.
Status PlanWithNulls(QueryRun& run, const duckdb::SQLStatement& statement,
                     const duckdb::vector<duckdb::LogicalType>& parameters) {
  std::vector<Parameter> typed, plain(parameters.size());
  for (const auto& type : parameters) typed.emplace_back(TypedText{type.ToString(), std::nullopt});
  if (run.Plan(statement.Copy(), typed)) return {};
  return run.Plan(statement.Copy(), plain);
}

Result<OwnedArrowSchema> SchemaOf(QueryRun& run, const duckdb::vector<std::string>& names,
                                  const duckdb::vector<duckdb::LogicalType>& types) {
  OwnedArrowSchema schema(new ArrowSchema{});
  LH_ASSIGN(const auto batcher, ArrowBatcher::Make(names, types, run.properties(), BatchLimits()));
  LH_TRY(batcher->ExportSchema(schema.get()));
  return schema;
}

}  // namespace

void SchemaRelease::operator()(ArrowSchema* schema) const {
  if (schema->release != nullptr) schema->release(schema);
  delete schema;
}

Result<std::unique_ptr<BatchStream>> StartBatchQuery(EngineShared& shared, RequestContext bounded,
                                                     const BatchRequest& request,
                                                     duckdb::unique_ptr<duckdb::SQLStatement> statement,
                                                     std::shared_ptr<const catalog::LakeView> view) {
  const auto& rows = request.parameter_rows;
  if (rows.size() > 1) {
    auto query =
        std::make_unique<GatheredBatches>(shared, std::move(bounded), request, std::move(statement), std::move(view));
    LH_TRY(query->Start());
    return query;
  }
  auto query = std::make_unique<CollectedBatches>(shared, std::move(bounded), request, std::move(view));
  LH_TRY(query->Start(std::move(statement), rows.empty() ? std::vector<Parameter>{} : rows.front()));
  return query;
}

Result<StatementShape> DescribeStatement(QueryRun& run, duckdb::unique_ptr<duckdb::SQLStatement> statement) {
  const auto copy = statement->Copy();
  LH_ASSIGN(const auto prepared, run.Prepare(std::move(statement)));
  StatementShape shape;
  shape.seq = run.seq();
  const auto expected = prepared->GetExpectedParameterTypes();
  std::vector<std::pair<duckdb::idx_t, std::string>> order;
  for (const auto& [identifier, index] : prepared->named_param_map) order.emplace_back(index, identifier);
  std::ranges::sort(order);
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  for (const auto& [index, identifier] : order) {
    const auto type = expected.find(identifier);
    const bool open = type == expected.end() || IsOpen(type->second);
    names.push_back(identifier);
    types.push_back(open ? duckdb::LogicalType::VARCHAR : type->second);
  }
  shape.parameter_count = names.size();
  LH_ASSIGN(shape.parameters, SchemaOf(run, names, types));
  if (std::ranges::any_of(prepared->GetTypes(), IsOpen)) {
    LH_TRY(PlanWithNulls(run, *copy, types));
    LH_ASSIGN(shape.columns, SchemaOf(run, run.names(), run.types()));
  } else {
    LH_ASSIGN(shape.columns, SchemaOf(run, prepared->GetNames(), prepared->GetTypes()));
  }
  return shape;
}

}  // namespace lakehouse::query
