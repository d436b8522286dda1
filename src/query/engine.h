// DuckDB over the lake. The public face of this folder: no DuckDB type appears here.
//
// Thread-safety: Engine from any thread; a QueryStream or BatchStream by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/request_context.h"
#include "base/stream.h"
#include "catalog/lake_view.h"
#include "object/block_cache.h"
#include "query/vector_source.h"

// Arrow's C data interface (arrow/c/abi.h); who reads batches includes that, or Arrow's bridge.
struct ArrowArray;
struct ArrowSchema;

namespace lakehouse::query {

enum class ResultFormat { kJson, kNdjson, kCsv, kArrowStream, kParquet };
std::string_view ContentType(ResultFormat format);

// null, bool, int64, double or text; JSON arrays and objects arrive as their JSON text in JsonText.
struct JsonText {
  std::string text;
};
// A value of any other type, as the text that SQL's CAST to that type reads; no text: NULL of that type.
struct TypedText {
  std::string type;  // DECIMAL(18,2), DATE, UBIGINT, ...
  std::optional<std::string> text;
};
struct Blob {
  std::string bytes;
};
using Parameter = std::variant<std::monostate, bool, int64_t, double, std::string, JsonText, TypedText, Blob>;

struct QueryRequest {
  std::string sql;
  std::vector<Parameter> parameters;
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<Seq> at_seq;
  ResultFormat format = ResultFormat::kJson;
};

// A running query. Dropping it cancels what still runs and gives its session back.
class QueryStream {
 public:
  virtual ~QueryStream() = default;
  virtual Seq seq() const = 0;
  // Writes the whole result. The first rows are computed before the first byte is written, so an error that shows up
  // early leaves the sink untouched (check `bytes_written`); later errors mean that the sink must be broken off.
  virtual Status WriteTo(ByteSink& sink) = 0;
  virtual uint64_t bytes_written() const = 0;
  virtual uint64_t rows_written() const = 0;
};

struct BatchRequest {
  std::string sql;
  // The statement runs once for each row and the results follow one another; no row: once, without parameters.
  std::vector<std::vector<Parameter>> parameter_rows;
  std::optional<std::chrono::milliseconds> timeout;  // of all of it
  std::optional<Seq> at_seq;
  uint64_t batch_rows = 122'880;  // a batch ends with the piece that reaches either; rows are never cut
  uint64_t batch_bytes = uint64_t{32} << 20;
};

// A running query whose rows come as Arrow batches. Dropping it cancels what still runs and gives its session back.
// What is exported is the caller's to release and may outlive the stream.
class BatchStream {
 public:
  virtual ~BatchStream() = default;
  virtual Seq seq() const = 0;
  // Known from the start; the same for all batches.
  virtual Status ExportSchema(ArrowSchema* out) = 0;
  // The next batch, a struct of the columns with at least one row; false (and `out` untouched) at the end. After an
  // error the stream is finished.
  virtual Result<bool> Next(ArrowArray* out) = 0;
  virtual uint64_t rows() const = 0;  // handed out so far
};

// Releases what it owns, as the C data interface asks.
struct SchemaRelease {
  void operator()(ArrowSchema* schema) const;
};
using OwnedArrowSchema = std::unique_ptr<ArrowSchema, SchemaRelease>;

// What a statement takes and gives, without running it. Where only the parameters decide a type, it is text.
struct StatementShape {
  Seq seq;
  OwnedArrowSchema columns;
  // One field for each parameter, by position, named as in the SQL ("1", "2", … for ? and $1).
  OwnedArrowSchema parameters;
  size_t parameter_count = 0;
};

struct EngineOptions {
  uint32_t max_concurrent = 2;  // queries that work for longer than a millisecond
  uint32_t threads = 2;
  std::chrono::milliseconds timeout{60000};        // default and upper bound of QueryRequest::timeout
  std::chrono::milliseconds queue_timeout{10000};  // waiting for a turn; then kUnavailable
  uint64_t memory_bytes = uint64_t{4} << 30;
  std::filesystem::path spill_folder;  // this engine's alone: what an earlier one left there is removed
  uint64_t spill_bytes = uint64_t{16} << 30;
  bool remote_store = false;  // reads of the store cost a round trip: ask for long ranges
};

struct EngineStats {
  uint64_t running = 0, queued = 0, completed = 0, failed = 0, memory_bytes = 0;
};

class Engine {
 public:
  // `vectors`: what vector_search and schema `vectors` read; nullptr: nothing.
  // REQUIRES: source, cache, log and vectors outlive the engine. kInternal when DuckDB cannot start or the sandbox
  // cannot be locked.
  static Result<std::unique_ptr<Engine>> Open(EngineOptions options, catalog::LakeSource& source,
                                              object::BlockCache& cache, const Logger& log,
                                              VectorSource* vectors = nullptr);
  virtual ~Engine() = default;
  // kInvalid with DuckDB's message and the position for bad SQL; kDeadline; kExhausted; kUnavailable when full.
  virtual Result<std::unique_ptr<QueryStream>> Run(const RequestContext& context, const QueryRequest& request) = 0;
  // The same as Arrow batches. kInvalid too when a parameter row gives other columns than the first.
  virtual Result<std::unique_ptr<BatchStream>> RunBatches(const RequestContext& context,
                                                          const BatchRequest& request) = 0;
  // Plans the statement and no more; errors as Run's. Waits for a session as Run does. `at_seq`: the lake as it was.
  virtual Result<StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                          std::optional<Seq> at_seq) = 0;
  virtual EngineStats stats() const = 0;
};

}  // namespace lakehouse::query
