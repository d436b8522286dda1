// Connections to one lake database, handed out to at most so many queries at once; the rest wait their turn.
// A session is a DuckDB connection; it goes back clean, or not at all. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/request_context.h"
#include "base/result.h"
#include "query/database.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

struct Session {
  std::shared_ptr<Database> database;  // outlives the connection
  std::unique_ptr<duckdb::Connection> connection;
};

class SessionPool {
 public:
  // REQUIRES: cache outlives the pool.
  SessionPool(EngineOptions options, object::BlockCache& cache) : options_(std::move(options)), cache_(cache) {}

  // Opens a first session, so that a database that cannot start is known at once.
  Status Start();
  // Waits its turn for at most the queue's time: kUnavailable then; kDeadline or kCancelled as the request says.
  Result<std::unique_ptr<Session>> Take(const RequestContext& context) LH_EXCLUDES(mutex_);
  void Give(std::unique_ptr<Session> session) LH_EXCLUDES(mutex_);

  uint64_t running() const LH_EXCLUDES(mutex_);
  uint64_t queued() const LH_EXCLUDES(mutex_);
  uint64_t memory_bytes() const LH_EXCLUDES(mutex_);

 private:
  Status WaitForTurn(const RequestContext& context) LH_EXCLUDES(mutex_);
  Result<std::unique_ptr<Session>> Open() LH_EXCLUDES(mutex_);

  const EngineOptions options_;
  object::BlockCache& cache_;
  mutable Mutex mutex_;
  CondVar freed_;
  std::shared_ptr<Database> database_ LH_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Session>> idle_ LH_GUARDED_BY(mutex_);
  uint64_t running_ LH_GUARDED_BY(mutex_) = 0;
  uint64_t queued_ LH_GUARDED_BY(mutex_) = 0;
};

}  // namespace lakehouse::query
