// Prepared statements: their text and what is bound to it, under a handle that only who made it may use. Bounded in
// number and bytes; dropped after an hour without use. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "query/engine.h"

namespace lakehouse::flight {

struct Caller;

using ParameterRows = std::vector<std::vector<query::Parameter>>;

struct PreparedStatement {
  std::string sql;
  size_t parameters = 0;
  std::shared_ptr<const ParameterRows> rows;  // nullptr: nothing bound
};

class PreparedStatements {
 public:
  static constexpr size_t kMost = 10'000;
  static constexpr uint64_t kMostBytes = uint64_t{64} << 20;  // of all texts and bound values
  static constexpr std::chrono::hours kIdle{1};
  // REQUIRES: clock outlives it.
  explicit PreparedStatements(const Clock& clock) : clock_(clock) {}

  // The new statement's handle. kUnavailable when there are too many.
  Result<std::string> Add(const Caller& caller, std::string sql, size_t parameters) LH_EXCLUDES(mutex_);
  // kNotFound for a handle that is not the caller's, closed, or dropped.
  Result<PreparedStatement> Get(const Caller& caller, std::string_view handle) LH_EXCLUDES(mutex_);
  // Replaces what is bound. kUnavailable when it does not fit beside what others have bound. `bytes`: about its size.
  Status Bind(const Caller& caller, std::string_view handle, ParameterRows rows, uint64_t bytes) LH_EXCLUDES(mutex_);
  Status Close(const Caller& caller, std::string_view handle) LH_EXCLUDES(mutex_);
  // Those of a session that ends.
  void CloseSession(std::string_view session) LH_EXCLUDES(mutex_);
  size_t size() const LH_EXCLUDES(mutex_);

 private:
  struct Entry {
    PreparedStatement statement;
    std::string principal, session;
    uint64_t text_bytes = 0, bound_bytes = 0;
    MonotonicTime used;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  Result<Entry*> Find(const Caller& caller, std::string_view handle) LH_REQUIRES(mutex_);
  Status MakeRoom(uint64_t bytes) LH_REQUIRES(mutex_);
  Entries::iterator Erase(Entries::iterator entry) LH_REQUIRES(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  Entries entries_ LH_GUARDED_BY(mutex_);
  uint64_t bytes_ LH_GUARDED_BY(mutex_) = 0;
};

}  // namespace lakehouse::flight
