// Rows of log and checkpoint objects as Parquet bytes, and back. The one place of this folder that knows Arrow. The
// layout is docs/formats.md, "Catalog log"; kFormatVersion rises with every change that an older reader would misread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lakehouse::catalog {

inline constexpr int kFormatVersion = 1;

// One row; what a field means depends on `kind`. Absent texts are empty, absent numbers -1: both are NULL in the file.
struct Row {
  int64_t entry = 0;  // rows of one entry stand together
  std::string kind;
  int64_t seq = -1;
  std::string commit_id;
  int64_t committed_at_us = -1;
  std::string name;
  std::string dataset_id;
  std::string table_uuid;
  int64_t version = -1;
  std::string fingerprint;
  std::string schema_json;
  int64_t row_count = -1;
  std::string source_sha256;
  std::string mode;
  int64_t flags = -1;
  int64_t position = -1;
  std::string object_key;
  int64_t object_size = -1;
  int64_t object_rows = -1;
  std::string object_stats_json;
  std::string extension_json;  // for what later versions add
};

// Writes rows as they come, in row groups of at most kRowsPerGroup: a checkpoint of any size needs memory for one of
// them and for the bytes. Deterministic for the same rows. Used by one thread.
class RowWriter {
 public:
  // `title` ("log 17") is checked on reading: an object under another's name is found out.
  static Result<std::unique_ptr<RowWriter>> Open(std::string_view title);
  ~RowWriter();
  Status Add(Row row);
  // Ends the file and gives its bytes.
  Result<std::string> Finish();

 private:
  struct Impl;
  explicit RowWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};
inline constexpr size_t kRowsPerGroup = 8192;

// Calls take(row) for each row until it fails. kInternal saying what is wrong for bytes that are truncated, damaged, of
// a newer version or under another title; never trusts a count in them. The checksum is known to hold only once this
// has returned: what was taken before an error is worth nothing.
Status ReadRows(std::string_view title, std::string_view bytes, const std::function<Status(const Row&)>& take);

}  // namespace lakehouse::catalog
