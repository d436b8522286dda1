#include "query/result_writer.h"

namespace lakehouse::query {

std::string_view ContentType(ResultFormat format) {
  switch (format) {
    case ResultFormat::kJson:
      return "application/json";
    case ResultFormat::kNdjson:
      return "application/x-ndjson";
    case ResultFormat::kCsv:
      return "text/csv; charset=utf-8; header=present";
    case ResultFormat::kArrowStream:
      return "application/vnd.apache.arrow.stream";
    case ResultFormat::kParquet:
      return "application/vnd.apache.parquet";
  }
  return "application/octet-stream";
}

std::string TypeName(const duckdb::LogicalType& type) { return type.ToString(); }

}  // namespace lakehouse::query
