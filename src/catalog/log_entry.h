// What one commit says. Value type. Replaying the entries of the log in order gives the lake's state (catalog/state.h).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "catalog/types.h"

namespace lakehouse::catalog {

struct LogEntry {
  enum class Kind {
    kReplace,  // a version whose content is `objects`
    kAppend,   // a version that adds `objects` to the one before
    kDrop,     // the dataset is gone from this seq on
    kPin,      // `version` is kept whatever retention says
    kUnpin,
    kExpire,  // `versions` are no longer kept; `keys` are named by no kept version from here on
    kPurge,   // `keys` are being removed from the store
  };
  Kind kind = Kind::kReplace;
  std::string commit_id;
  WallTime committed_at{};
  std::string name;        // of the dataset, case kept; empty for kExpire and kPurge
  std::string table_uuid;  // new for each re-creation of a dataset
  DatasetVersion version;  // the one that this entry makes, drops or pins
  std::string fingerprint;
  std::vector<Column> schema;
  std::vector<DataObject> objects;
  uint64_t row_count = 0;  // kReplace: of the dataset; kAppend: rows added
  std::string source_sha256;
  std::vector<std::pair<std::string, DatasetVersion>> versions;
  std::vector<std::string> keys;
};

}  // namespace lakehouse::catalog
