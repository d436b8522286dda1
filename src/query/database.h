// One DuckDB instance over the lake, closed off: the second wall of the sandbox.
//
// It opens our own catalog only (lake_catalog.h), reads files only under lake://, has no extensions to load, no
// replacement scans, no function that reaches a file, the network, the environment or a setting, and its settings are
// locked. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/result.h"
#include "query/duckdb_internal.h"
#include "query/engine.h"
#include "query/helper_threads.h"

namespace lakehouse::query {

class Database {
 public:
  // REQUIRES: cache outlives the database. kInternal when DuckDB cannot start or the sandbox cannot be closed.
  static Result<std::shared_ptr<Database>> Open(const EngineOptions& options, object::BlockCache& cache);

  duckdb::DuckDB& duckdb() { return *duckdb_; }
  // For queries that take long; all others run on the thread that asks alone.
  HelperThreads& helpers() { return *helpers_; }
  // Memory that DuckDB holds now, its file cache included.
  uint64_t memory_bytes();

  // After an internal error DuckDB refuses further work: the engine opens another instance.
  void MarkBroken() { broken_.store(true, std::memory_order_relaxed); }
  bool broken() const { return broken_.load(std::memory_order_relaxed); }

 private:
  Database() = default;
  std::unique_ptr<duckdb::DuckDB> duckdb_;
  std::unique_ptr<HelperThreads> helpers_;
  std::atomic<bool> broken_{false};
};

}  // namespace lakehouse::query
