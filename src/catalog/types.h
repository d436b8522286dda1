// What the catalog speaks of: columns, data objects, manifests, requests. Value types; they copy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/strong.h"

namespace lakehouse::catalog {

struct Column {
  std::string name;
  std::string type;  // DuckDB's name: BIGINT, VARCHAR, …
  bool nullable = true;
  int32_t field_id = 0;  // from 1; survives renames. 0: assigned by position when registered
  bool operator==(const Column&) const = default;
};

// Per-column facts of one object, for pruning and for Iceberg; values in their text form.
struct ColumnStats {
  int32_t field_id = 0;
  std::optional<uint64_t> null_count;
  std::optional<std::string> min, max;
  bool operator==(const ColumnStats&) const = default;
};

struct DataObject {
  std::string key;
  uint64_t size = 0;  // bytes
  uint64_t rows = 0;
  std::vector<ColumnStats> stats;
  bool operator==(const DataObject&) const = default;
};

// kCreate: as kReplace, for a name that no dataset has; kConflict otherwise. A version made by it counts as kReplace.
enum class WriteMode { kReplace, kAppend, kCreate };

struct Manifest {
  std::string dataset_id;
  std::string name;
  std::string schema_fingerprint;
  std::vector<Column> schema;
  DatasetVersion version;
  Seq seq;
  uint64_t row_count = 0;
  std::vector<DataObject> objects;
  WallTime created_at{};
  WallTime updated_at{};
};

struct Snapshot {
  DatasetVersion version;
  Seq seq;
  uint64_t row_count = 0;
  WallTime committed_at{};
  WriteMode mode = WriteMode::kReplace;
  std::string source_sha256;  // empty when the commit named none
  bool pinned = false;
};

struct RegisterRequest {
  std::string name;
  std::string schema_fingerprint;
  std::vector<Column> schema;
  std::vector<DataObject> objects;  // append: only what is added
  uint64_t row_count = 0;           // append: only the rows added
  WriteMode mode = WriteMode::kReplace;
  std::string commit_id;      // empty: one is made; the same id twice is one commit
  std::string source_sha256;  // of the decoded source bytes and the options; empty: unknown
  bool allow_duplicate_source = true;
  // The answer to a commit that was made leaves the manifest's objects out: they may be many more than were added.
  bool brief = false;
};

struct RegisterResult {
  Manifest manifest;
  bool existing = false;  // the dataset was there before
  // The source was there already (see allow_duplicate_source), or the register changed nothing: no commit was made.
  bool replayed = false;
};

struct GcRequest {
  bool dry_run = true;
  std::chrono::seconds min_age = std::chrono::hours(24);
};
struct GcRemoval {
  std::string key;
  uint64_t size = 0;
  std::string why;
};
struct GcReport {
  std::vector<GcRemoval> removed;
  uint64_t bytes = 0;
};

struct ListRequest {
  uint32_t limit = 1000;
  std::string token;
};
struct ManifestPage {
  std::vector<Manifest> datasets;  // by name without case
  std::optional<std::string> next_token;
};

}  // namespace lakehouse::catalog
