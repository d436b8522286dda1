// The lake's state machine: immutable states, and the one function that makes the next from a log entry. Pure: no I/O,
// no clock. A state is shared by any number of readers; making the next one copies only what changes.
//
// Every precondition (unique names, fingerprints, versions) is checked here, against the state before the entry, so a
// replay of the log gives the same state everywhere.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/log_entry.h"
#include "catalog/persistent_index.h"
#include "catalog/persistent_list.h"

namespace lakehouse::catalog {

// What one commit added, and where from. The source outlives the version: a retry is known however old it is.
struct Chunk {
  std::vector<DataObject> objects;
  std::string source_sha256;
};
using ChunkPtr = std::shared_ptr<const Chunk>;

// What a `replace` and the appends after it have in common.
struct Generation {
  std::string table_uuid;
  WallTime created_at{};  // of the table: the first version after nothing, or after a drop
  std::string fingerprint;
  std::vector<Column> schema;
};

struct VersionState {
  DatasetVersion version;
  Seq seq;
  bool is_drop = false;  // from this seq on there is no dataset
  bool pinned = false;
  WriteMode mode = WriteMode::kReplace;
  uint64_t row_count = 0;
  WallTime committed_at{};
  std::string commit_id;
  std::string source_sha256;
  std::shared_ptr<const Generation> generation;
  PersistentList<ChunkPtr> chunks;  // shared with the versions before and after in the generation
};
using VersionPtr = std::shared_ptr<const VersionState>;

class DatasetState {
 public:
  std::string name;  // as it was first written
  std::string dataset_id;
  DatasetVersion last_version;

  // Kept versions, oldest first, drops among them.
  const PersistentList<VersionPtr>& versions() const { return versions_; }
  // The newest at or before `seq`, a drop included; nullptr when there is none.
  VersionPtr At(Seq seq) const;
  VersionPtr Find(DatasetVersion version) const;
  // Its current version; nullptr when dropped.
  VersionPtr Current() const;
  // The kept version that this commit made; nullptr when there is none.
  VersionPtr FindCommit(std::string_view commit_id) const;
  // True when a source is all that the current content came from (replace), or part of it (append).
  bool HasSource(std::string_view source_sha256, WriteMode mode) const;

  // REQUIRES: it follows all that are here.
  void Add(VersionPtr version);
  // Puts `versions` in the place of those that are here.
  void Replace(const std::vector<VersionPtr>& versions);

 private:
  PersistentList<VersionPtr> versions_;
  PersistentIndex commits_;  // commit id -> version
  PersistentIndex sources_;  // source of the newest version's chunks -> position of the chunk
};
using DatasetPtr = std::shared_ptr<const DatasetState>;

// Lower-case ASCII: names are unique without case.
std::string FoldName(std::string_view name);

using KeyTimes = std::map<std::string, WallTime, std::less<>>;

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
  const KeyTimes& released() const { return *released_; }
  // Objects that are being removed or were removed lately, and since when: a commit that names one is refused.
  const KeyTimes& purged() const { return *purged_; }

  // The state after the entry at `seq`; an Error naming the precondition that does not hold. Several entries may share
  // a seq.
  Result<LakeState> Apply(const LogEntry& entry, Seq seq) const;
  // The same in place, for a replay. After an error the state is of no use.
  Status Replay(const LogEntry& entry, Seq seq);
  // For a seq that changes nothing of ours.
  void Advance(Seq seq) { seq_ = std::max(seq_, seq); }

  // For the codec: a state from the parts of a checkpoint.
  static LakeState Restore(Seq seq, Seq history_floor, WallTime last_commit_at, std::vector<DatasetState> datasets,
                           KeyTimes released, KeyTimes purged);

 private:
  static constexpr size_t kShards = 256;
  using Shard = std::map<std::string, DatasetPtr, std::less<>>;  // by folded name

  void Put(DatasetState dataset);
  Status CheckKeys(const LogEntry& entry) const;
  Status ApplyVersion(const LogEntry& entry, Seq seq);
  Status ApplyDrop(const LogEntry& entry, Seq seq);
  Status ApplyPin(const LogEntry& entry);
  Status ApplyExpire(const LogEntry& entry);
  void ExpireOf(const DatasetState& before, const std::set<uint64_t>& numbers);
  void ApplyPurge(const LogEntry& entry);
  void Rescue(const std::vector<DataObject>& objects);

  Seq seq_, history_floor_;
  WallTime last_commit_at_{};
  std::array<std::shared_ptr<const Shard>, kShards> shards_;
  std::shared_ptr<const KeyTimes> released_, purged_;
};

// The manifest of a version without its objects, and with a copy of them.
Manifest ToBriefManifest(const DatasetState& dataset, const VersionState& version);
Manifest ToManifest(const DatasetState& dataset, const VersionState& version);
Snapshot ToSnapshot(const VersionState& version);

}  // namespace lakehouse::catalog
