// The queries whose rows are on their way to clients, and the thread that ends those that nobody reads any more: the
// client is gone, has taken no row for too long, or the query's time is up while rows wait for the socket.
// Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "query/engine.h"

namespace lakehouse::flight {

// A call that the watch looks at while it runs.
class Watched {
 public:
  virtual ~Watched() = default;
  // Ends the call's work when it has to be. Called from the watch's thread.
  virtual void Check(MonotonicTime now) = 0;
};

// One query. Begin and Next are called by the thread that serves the call; End by any.
class ActiveQuery final : public Watched {
 public:
  struct Limits {
    Deadline deadline;                // of the query
    std::chrono::milliseconds stall;  // the longest between two batches that the client takes
  };
  using Run = std::function<Result<std::unique_ptr<query::BatchStream>>()>;
  // REQUIRES: `stop` is what the stream's context is cancelled by. `client_gone` is called from the watch's thread.
  ActiveQuery(std::stop_source stop, Limits limits, std::string session, std::function<bool()> client_gone);

  // Runs the query, as far as its columns. The error that ended the query, whoever ended it.
  Status Begin(const Run& run, ArrowSchema* columns) LH_EXCLUDES(mutex_);
  // The next batch; false at the end. Errors as Begin's.
  Result<bool> Next(ArrowArray* out) LH_EXCLUDES(mutex_);
  // Ends the query and gives its session back, now or as soon as Next returns. The first reason counts.
  void End(Error why) LH_EXCLUDES(mutex_);
  void Check(MonotonicTime now) override LH_EXCLUDES(mutex_, watch_mutex_);
  // The call is over: `client_gone` is not called again once this returns.
  void Detach() LH_EXCLUDES(watch_mutex_);
  const std::string& session() const { return session_; }

 private:
  const Limits limits_;
  const std::string session_;
  std::stop_source stop_;
  Mutex watch_mutex_;
  std::function<bool()> client_gone_ LH_GUARDED_BY(watch_mutex_);  // empty: detached
  Mutex mutex_;
  std::unique_ptr<query::BatchStream> stream_ LH_GUARDED_BY(mutex_);  // nullptr: none, or the engine is at work on it
  std::optional<Error> why_ LH_GUARDED_BY(mutex_);
  bool working_ LH_GUARDED_BY(mutex_) = false;      // the engine is; its own deadline and the stop token end that
  bool finished_ LH_GUARDED_BY(mutex_) = false;     // all rows are out
  MonotonicTime handed_out_ LH_GUARDED_BY(mutex_);  // when the last batch went to the socket
};

// Stops the call's work once its client is gone, for as long as this lives. REQUIRES: all outlives it.
class ActiveQueries;
class WhileClientStays {
 public:
  WhileClientStays(ActiveQueries& active, std::stop_source stop, std::function<bool()> client_gone);
  ~WhileClientStays();
  WhileClientStays(const WhileClientStays&) = delete;
  WhileClientStays& operator=(const WhileClientStays&) = delete;

 private:
  class Client;
  ActiveQueries& active_;
  const std::shared_ptr<Client> client_;
};

class ActiveQueries {
 public:
  ActiveQueries();
  ~ActiveQueries();
  ActiveQueries(const ActiveQueries&) = delete;
  ActiveQueries& operator=(const ActiveQueries&) = delete;

  // kCancelled when the ticket was cancelled; kConflict when it is being read already.
  Status Add(const std::string& ticket, std::shared_ptr<ActiveQuery> query) LH_EXCLUDES(mutex_);
  void Remove(const std::string& ticket) LH_EXCLUDES(mutex_);
  // Ends the ticket's query, or keeps one that has not begun from beginning until `forget`.
  void Cancel(const std::string& ticket, MonotonicTime forget) LH_EXCLUDES(mutex_);
  void Watch(std::shared_ptr<Watched> call) LH_EXCLUDES(mutex_);
  void Unwatch(const Watched* call) LH_EXCLUDES(mutex_);
  void EndSession(const std::string& session) LH_EXCLUDES(mutex_);
  void EndAll() LH_EXCLUDES(mutex_);
  size_t size() const LH_EXCLUDES(mutex_);

 private:
  void Loop(const std::stop_token& stop) LH_EXCLUDES(mutex_);
  void WakeFromIdle() LH_REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar changed_;
  std::map<std::string, std::shared_ptr<ActiveQuery>> queries_ LH_GUARDED_BY(mutex_);
  std::map<const Watched*, std::shared_ptr<Watched>> watched_ LH_GUARDED_BY(mutex_);
  std::map<std::string, MonotonicTime> cancelled_ LH_GUARDED_BY(mutex_);  // until when it is remembered
  std::jthread thread_;
};

}  // namespace lakehouse::flight
