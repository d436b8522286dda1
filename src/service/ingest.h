// Files in, datasets out. Callable from any thread; blocking.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/request_context.h"
#include "base/stream.h"
#include "catalog/types.h"

namespace lakehouse::service {

enum class SourceFormat { kCsv, kNdjson, kParquet };
enum class SourceEncoding { kUtf8, kLatin1 };
enum class SourceCompression { kNone, kGzip, kZstd };

struct IngestRequest {
  std::string name;
  catalog::WriteMode mode = catalog::WriteMode::kReplace;
  bool allow_duplicates = false;
  SourceFormat format = SourceFormat::kCsv;
  SourceCompression compression = SourceCompression::kNone;
  SourceEncoding encoding = SourceEncoding::kUtf8;
  char delimiter = ',';
  bool header = true;
  std::map<std::string, std::string> types;  // column name to type, overriding inference
};

struct WidenedColumn {
  std::string column, from, to;
  uint64_t line = 0;  // of the value that did not fit; the first line of the file is 1
};

struct IngestResult {
  std::string dataset_id, name, fingerprint;
  DatasetVersion version;
  Seq seq;
  uint64_t row_count = 0;
  uint64_t rows_added = 0;
  std::vector<catalog::Column> columns;
  std::vector<catalog::DataObject> objects;  // what this ingest wrote (replayed: the dataset's own)
  bool existing = false;
  bool replayed = false;
  std::vector<WidenedColumn> widened;
  uint64_t source_bytes = 0;  // decoded
  std::chrono::microseconds took{};
};

class Ingest {
 public:
  virtual ~Ingest() = default;
  // Reads `source` to its end through the spool. On any failure nothing is registered and the spool is empty again.
  // kInvalid with members "line" and "column" for a malformed row; kConflict for drift; kExhausted for a full spool.
  virtual Result<IngestResult> Run(const RequestContext& context, const IngestRequest& request, ByteSource& source) = 0;
  virtual Status Ready(const RequestContext& context) = 0;
};

}  // namespace lakehouse::service
