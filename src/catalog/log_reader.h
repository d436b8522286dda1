// Reads the lake's state from the store: the newest checkpoint that can be read, and the log after it. Callable from
// any thread. REQUIRES: the store outlives this.
#pragma once

#include "catalog/state.h"
#include "object/object_store.h"

namespace lakehouse::catalog {

class LogReader {
 public:
  explicit LogReader(object::ObjectStore& store) : store_(store) {}

  // The state of everything in the log now. kInternal naming an object that is damaged or missing in between.
  Result<LakeState> ReadAll(const RequestContext& context) const;
  // The entries at `seq`; kNotFound when that number has not been written.
  Result<std::vector<LogEntry>> ReadEntries(const RequestContext& context, Seq seq) const;
  // `state` with whatever the log has after it.
  Result<LakeState> CatchUp(const RequestContext& context, LakeState state) const;

  // Checkpoints in the store, newest first.
  Result<std::vector<Seq>> Checkpoints(const RequestContext& context) const;
  // Numbers of the log objects in the store, ascending.
  Result<std::vector<Seq>> LogNumbers(const RequestContext& context, Seq after) const;

 private:
  Result<std::vector<Seq>> Numbers(const RequestContext& context, std::string_view prefix,
                                   const std::string& after) const;
  // Empty when there is none; `damaged` says why one that is there could not be used.
  Result<LakeState> NewestCheckpoint(const RequestContext& context, std::optional<Error>& damaged) const;

  object::ObjectStore& store_;
};

// All entries of one seq, in order.
Result<LakeState> ApplyAll(LakeState state, const std::vector<LogEntry>& entries, Seq seq);

}  // namespace lakehouse::catalog
