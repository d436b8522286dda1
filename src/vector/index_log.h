// The log of one index in the object store: who owns it, what was committed, in what order.
//
// One owner at a time. Claim ends the epoch before by putting a fence under the key which that owner would write next,
// so of the two exactly one conditional PUT wins: an owner that lost finds out before it acknowledges anything more.
// Thread-safety: one thread at a time. REQUIRES: the store outlives this.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/request_context.h"
#include "object/object_store.h"
#include "vector/log_codec.h"

namespace lakehouse::vector {

class IndexLog {
 public:
  // `prefix` ends with a slash: vectors/<uid>/log/. `writer` is a UUID of this process alone.
  IndexLog(object::ObjectStore& store, std::string prefix, std::string writer, uint32_t dimension);

  using Visit = std::function<Status(const LogRecord&)>;
  // Hands every record after `after` over in order, then makes this the owner. kInternal for a log with a gap or a
  // damaged record, naming it.
  Status Claim(const RequestContext& context, LogPosition after, const Visit& visit);
  // Durable when it returns. kConflict once another owner has come: nothing was and will be written. After other errors
  // the outcome may be unknown: then `uncertain` is true, and Settle must succeed before the next Append.
  Status Append(const RequestContext& context, uint64_t version_before, const std::vector<const Batch*>& batches);
  bool uncertain() const { return uncertain_; }
  // The last record could not be applied: Settle hands it over again.
  void Reread() {
    last_ = before_last_;
    uncertain_ = true;
  }
  // Hands over what did reach the log, and goes on under a new epoch. kConflict when another owner has come.
  Status Settle(const RequestContext& context, const Visit& visit);
  // From any thread. Objects up to `position` that a snapshot has made needless. Fences and the records that open an
  // epoch stay for good: an owner that slept for days must still find one under the key it would write next.
  Status Trim(const RequestContext& context, LogPosition position);

  LogPosition last() const { return last_; }
  bool lost() const { return lost_; }

 private:
  enum class Won { kYes, kNo };
  Result<Won> PutIfAbsent(const RequestContext& context, LogPosition position, const std::string& bytes);
  Result<LogRecord> ReadRecord(const RequestContext& context, LogPosition position);
  Result<std::vector<LogPosition>> ListAfter(const RequestContext& context, LogPosition after);
  std::unexpected<Error> Lost();
  Status ReadOn(const RequestContext& context, const Visit& visit);

  object::ObjectStore& store_;
  const std::string prefix_, writer_;
  const uint32_t dimension_;
  LogPosition last_, before_last_;
  bool closed_ = false;  // the last record is a fence: its epoch is over
  bool lost_ = false;
  bool uncertain_ = false;
};

}  // namespace lakehouse::vector
