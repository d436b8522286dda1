// Connections to one lake database, one for each query that is planned or runs. A session is a DuckDB connection; it
// goes back clean, or not at all. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
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
  // kInternal when there is none at hand and the database cannot be opened again.
  Result<std::unique_ptr<Session>> Take() LH_EXCLUDES(mutex_);
  void Give(std::unique_ptr<Session> session) LH_EXCLUDES(mutex_);

  uint64_t taken() const LH_EXCLUDES(mutex_);
  uint64_t memory_bytes() const LH_EXCLUDES(mutex_);

 private:
  Result<std::unique_ptr<Session>> Open() LH_EXCLUDES(mutex_);

  const EngineOptions options_;
  object::BlockCache& cache_;
  mutable Mutex mutex_;
  std::shared_ptr<Database> database_ LH_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Session>> idle_ LH_GUARDED_BY(mutex_);
  uint64_t taken_ LH_GUARDED_BY(mutex_) = 0;
};

}  // namespace lakehouse::query
