// A result's bytes in one of the contract's text formats, chunk by chunk. Used by one thread.
//
// Values in text (JSON, NDJSON, CSV): numbers of up to 64 bits and floats are numbers; everything else that JSON has no
// word for is the text that DuckDB casts it to (DECIMAL 1.50, DATE 2026-01-31, TIMESTAMP 2026-01-31 12:00:00,
// TIMESTAMPTZ in UTC with +00, INTERVAL 1 day), BLOB is base64 and BIT its digits. LIST and ARRAY are JSON arrays,
// STRUCT objects, MAP objects when its keys are text, else arrays of {"key","value"}. NaN and infinities are the
// strings "NaN", "Infinity", "-Infinity". In CSV nested values stand as their JSON text, NULL is an empty field and the
// empty string "".
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/stream.h"
#include "base/strong.h"
#include "query/duckdb_internal.h"
#include "query/engine.h"

namespace lakehouse::query {

struct ResultShape {
  duckdb::vector<std::string> names;
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::ClientProperties properties;
  Seq seq;
  uint32_t helpers = 0;  // further threads that may turn a large result into text
};

class ResultWriter {
 public:
  // REQUIRES: the sink outlives the writer; format is kJson, kNdjson or kCsv.
  static std::unique_ptr<ResultWriter> Make(ResultFormat format, ResultShape shape, ByteSink& sink);
  virtual ~ResultWriter() = default;
  // Everything before the rows. Called once, when the first rows are known to come without an error.
  virtual Status Begin() = 0;
  // REQUIRES: the chunk owns its values.
  virtual Status Write(duckdb::unique_ptr<duckdb::DataChunk> chunk) = 0;
  // Everything after the rows; all bytes are in the sink then.
  virtual Status End(uint64_t rows) = 0;
};

// Names of DuckDB's types as clients see them.
std::string TypeName(const duckdb::LogicalType& type);

}  // namespace lakehouse::query
