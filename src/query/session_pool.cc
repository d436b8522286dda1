#include "query/session_pool.h"

#include <stop_token>

namespace lakehouse::query {
Status SessionPool::Start() {
  LH_ASSIGN(auto session, Open());
  const MutexLock lock(mutex_);
  idle_.push_back(std::move(session));
  return {};
}

Status SessionPool::WaitForTurn(const RequestContext& context) {
  const Deadline queue_end = Deadline::After(options_.queue_timeout);
  const std::stop_callback wake(context.cancelled, [this] {
    const MutexLock lock(mutex_);
    freed_.NotifyAll();
  });
  const MutexLock lock(mutex_);
  if (running_ < options_.max_concurrent && queued_ == 0) {
    ++running_;
    return {};
  }
  ++queued_;
  Status turn;
  while (running_ >= options_.max_concurrent) {
    turn = context.Check("waiting for a query slot");
    if (turn && queue_end.HasPassed()) {
      turn = Fail(Error{ErrorKind::kUnavailable,
                        fmt::format("{} queries are running and {} wait; try again", running_, queued_ - 1),
                        std::chrono::seconds(1),
                        {}});
    }
    if (!turn) break;
    freed_.WaitUntil(mutex_, context.deadline.Sooner(queue_end).at());
  }
  --queued_;
  if (turn) ++running_;
  return turn;
}

Result<std::unique_ptr<Session>> SessionPool::Take(const RequestContext& context) {
  LH_TRY(WaitForTurn(context));
  {
    const MutexLock lock(mutex_);
    while (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      if (!session->database->broken()) return session;
    }
  }
  auto session = Open();
  if (!session) {
    const MutexLock lock(mutex_);
    --running_;
    freed_.NotifyOne();
  }
  return session;
}

void SessionPool::Give(std::unique_ptr<Session> session) {
  const MutexLock lock(mutex_);
  --running_;
  if (session && !session->database->broken()) idle_.push_back(std::move(session));
  freed_.NotifyOne();
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

uint64_t SessionPool::running() const {
  const MutexLock lock(mutex_);
  return running_;
}
uint64_t SessionPool::queued() const {
  const MutexLock lock(mutex_);
  return queued_;
}
uint64_t SessionPool::memory_bytes() const {
  const MutexLock lock(mutex_);
  return database_ ? database_->memory_bytes() : 0;
}

}  // namespace lakehouse::query
