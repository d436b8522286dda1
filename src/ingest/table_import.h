// From a file of records to encoded row groups: types inferred over the whole file, blocks parsed and encoded side by
// side, row groups handed over in the file's order. The result depends on the file and the options alone, not on
// threads.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/request_context.h"
#include "base/result.h"
#include "ingest/csv_file.h"
#include "ingest/field_rules.h"
#include "ingest/parquet_encoder.h"
#include "ingest/parquet_file.h"

namespace arrow {
class RecordBatch;
}

namespace lakehouse::ingest {

struct Widening {
  std::string column;
  ColumnType from, to;
  uint64_t line;  // of the value that did not fit
};

struct ImportOptions {
  CsvOptions csv;
  // Types that the user asked for, by column. A value that does not fit is kInvalid with its line.
  std::map<std::string, std::string> types;
  // The columns of the dataset that the file goes into; a column or a value that does not fit is kConflict with its
  // line.
  std::optional<std::vector<FileColumn>> existing;
  unsigned threads = 2;
  size_t block_bytes = size_t{8} << 20;
};

struct ImportSchema {
  std::vector<FileColumn> columns;
  std::vector<Widening> widened;
};

// What makes the objects. `Begin` is called once, with the final types, before the first row group; called again, all
// that came before is void: a value far into the file has changed a type.
class ImportTarget {
 public:
  virtual ~ImportTarget() = default;
  virtual Status Begin(const ImportSchema& schema) = 0;
  virtual Status Add(const EncodedRowGroup& group) = 0;
  // Where a column has an exact type: the rows themselves, in the types of StoredType. Each call is a row group.
  virtual Status AddBatch(const arrow::RecordBatch&) {
    return Fail(ErrorKind::kInternal, "only columns of simple types can be written here");
  }
};

// `bytes` are the whole file, UTF-8. `release` is told which of them will not be read again for now.
Status ImportCsv(const RequestContext& context, std::string_view bytes, const ImportOptions& options,
                 ImportTarget& target, const std::function<void(size_t from, size_t to)>& release);

}  // namespace lakehouse::ingest
