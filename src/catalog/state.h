// The lake's state machine: immutable states, and the one function that makes the next from a log entry. Pure: no I/O,
// no clock. A state is shared by any number of readers; making the next one copies only what changes.
//
// Every precondition (unique names, fingerprints, versions) is checked here, against the state before the entry, so a
// replay of the log gives the same state everywhere.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/log_entry.h"

namespace lakehouse::catalog {

// What one commit added, and where from. The source outlives the version: a retry is known however old it is.
struct Chunk {
  std::vector<DataObject> objects;
  std::string source_sha256;
};

// The objects of one `replace` and the appends after it. Grows at its end only; a version names a length of it.
struct Generation {
  std::string table_uuid;
  std::string fingerprint;
  std::vector<Column> schema;
  // Chunks are never changed once they are here, so versions of any age share them.
  std::vector<std::shared_ptr<const Chunk>> chunks;
};

struct VersionState {
  DatasetVersion version;
  Seq seq;
  bool is_drop = false;  // from this seq on there is no dataset
  bool pinned = false;
  WriteMode mode = WriteMode::kReplace;
  uint64_t row_count = 0;
  size_t chunk_count = 0;  // of the generation
  WallTime committed_at{};
  std::string commit_id;
  std::string source_sha256;
  std::shared_ptr<const Generation> generation;
};
using VersionPtr = std::shared_ptr<const VersionState>;

struct DatasetState {
  std::string name;  // as it was first written
  std::string dataset_id;
  WallTime created_at{};
  DatasetVersion last_version;
  std::vector<VersionPtr> versions;  // kept ones, oldest first, drops among them

  // The newest at or before `seq`, a drop included; nullptr when there is none.
  VersionPtr At(Seq seq) const;
  VersionPtr Find(DatasetVersion version) const;
  // Its current version; nullptr when dropped.
  VersionPtr Current() const;
};
using DatasetPtr = std::shared_ptr<const DatasetState>;

// Lower-case ASCII: names are unique without case.
std::string FoldName(std::string_view name);

class LakeState {
 public:
  LakeState();

  Seq seq() const { return seq_; }
  // Views older than this may lack versions that retention let go.
  Seq history_floor() const { return history_floor_; }
  WallTime last_commit_at() const { return last_commit_at_; }
  DatasetPtr Find(std::string_view name) const;  // also one that is dropped; nullptr when there never was one
  // All datasets with a folded name above `after`, in order of it.
  std::vector<DatasetPtr> DatasetsAfter(std::string_view after) const;
  // Objects that no kept version names, and since when.
  const std::map<std::string, WallTime>& released() const { return *released_; }

  // The state after the entry at `seq`; an Error naming the precondition that does not hold. Several entries may share
  // a seq.
  Result<LakeState> Apply(const LogEntry& entry, Seq seq) const;
  // The same for a seq that changes nothing of ours.
  LakeState Advanced(Seq seq) const;

  // For the codec: a state from the parts of a checkpoint.
  static LakeState Restore(Seq seq, Seq history_floor, WallTime last_commit_at, std::vector<DatasetState> datasets,
                           std::map<std::string, WallTime> released);

 private:
  static constexpr size_t kShards = 256;
  using Shard = std::map<std::string, DatasetPtr, std::less<>>;  // by folded name

  void Put(DatasetState dataset);
  Status ApplyVersion(const LogEntry& entry, Seq seq);
  Status ApplyDrop(const LogEntry& entry, Seq seq);
  Status ApplyPin(const LogEntry& entry);
  Status ApplyExpire(const LogEntry& entry);
  void ApplyPurge(const LogEntry& entry);
  void Rescue(const std::vector<DataObject>& objects);

  Seq seq_, history_floor_;
  WallTime last_commit_at_{};
  std::array<std::shared_ptr<const Shard>, kShards> shards_;
  std::shared_ptr<const std::map<std::string, WallTime>> released_;
};

// The manifest of a version; copies its objects.
Manifest ToManifest(const DatasetState& dataset, const VersionState& version);
Snapshot ToSnapshot(const VersionState& version);

}  // namespace lakehouse::catalog
