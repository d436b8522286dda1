#include "query/session_pool.h"

namespace lakehouse::query {
namespace {

constexpr size_t kMostIdle = 64;

}  // namespace

Status SessionPool::Start() {
  LH_ASSIGN(auto session, Open());
  const MutexLock lock(mutex_);
  idle_.push_back(std::move(session));
  return {};
}

Result<std::unique_ptr<Session>> SessionPool::Take() {
  {
    const MutexLock lock(mutex_);
    ++taken_;
    while (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      if (!session->database->broken()) return session;
    }
  }
  auto session = Open();
  if (!session) {
    const MutexLock lock(mutex_);
    --taken_;
  }
  return session;
}

void SessionPool::Give(std::unique_ptr<Session> session) {
  const MutexLock lock(mutex_);
  --taken_;
  if (idle_.size() < kMostIdle && !session->database->broken()) idle_.push_back(std::move(session));
}

Result<std::unique_ptr<Session>> SessionPool::Open() {
  std::shared_ptr<Database> database;
  {
    const MutexLock lock(mutex_);
    if (!database_ || database_->broken()) {
      LH_ASSIGN(database_, Database::Open(options_, cache_));
    }
    database = database_;
  }
  auto session = std::make_unique<Session>();
  session->connection = std::make_unique<duckdb::Connection>(database->duckdb());
  session->database = std::move(database);
  return session;
}

uint64_t SessionPool::taken() const {
  const MutexLock lock(mutex_);
  return taken_;
}
uint64_t SessionPool::memory_bytes() const {
  const MutexLock lock(mutex_);
  return database_ ? database_->memory_bytes() : 0;
}

}  // namespace lakehouse::query
