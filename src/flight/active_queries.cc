#include "flight/active_queries.h"

#include <arrow/c/abi.h>

#include <vector>

namespace lakehouse::flight {
namespace {

// How soon a client that went away is noticed.
constexpr std::chrono::milliseconds kLook{50};
constexpr size_t kMostCancelled = 100'000;

Error Ended(ErrorKind kind, std::string detail) { return Error{kind, std::move(detail), std::nullopt, {}}; }

}  // namespace

ActiveQuery::ActiveQuery(std::stop_source stop, Limits limits, std::string session, std::function<bool()> client_gone)
    : limits_(limits),
      session_(std::move(session)),
      stop_(std::move(stop)),
      client_gone_(std::move(client_gone)),
      handed_out_(std::chrono::steady_clock::now()) {}

Status ActiveQuery::Begin(const Run& run, ArrowSchema* columns) {
  {
    const MutexLock lock(mutex_);
    if (why_) return Fail(*why_);
    working_ = true;
  }
  auto stream = run();
  const Status exported = stream ? (*stream)->ExportSchema(columns) : Fail(stream.error());
  const MutexLock lock(mutex_);
  working_ = false;
  handed_out_ = std::chrono::steady_clock::now();
  if (why_ && exported) columns->release(columns);
  if (!why_ && !exported) why_ = exported.error();
  if (why_) return Fail(*why_);
  stream_ = *std::move(stream);
  return {};
}

Result<bool> ActiveQuery::Next(ArrowArray* out) {
  std::unique_ptr<query::BatchStream> stream;
  {
    const MutexLock lock(mutex_);
    if (why_) return Fail(*why_);
    if (!stream_) return false;
    stream = std::move(stream_);
    working_ = true;
  }
  auto next = stream->Next(out);
  const MutexLock lock(mutex_);
  working_ = false;
  handed_out_ = std::chrono::steady_clock::now();
  if (why_) {
    if (next && *next && out->release != nullptr) out->release(out);
    return Fail(*why_);
  }
  if (!next) {
    why_ = next.error();
  } else if (*next) {
    stream_ = std::move(stream);
  } else {
    finished_ = true;
  }
  return next;
}

void ActiveQuery::End(Error why) {
  std::unique_ptr<query::BatchStream> dropped;
  {
    const MutexLock lock(mutex_);
    if (!why_ && !finished_) why_ = std::move(why);
    dropped = std::move(stream_);
  }
  // After the reason is written down: what the engine says once it is stopped is not it.
  stop_.request_stop();
}

void ActiveQuery::Detach() {
  const MutexLock lock(watch_mutex_);
  client_gone_ = nullptr;
}

void ActiveQuery::Check(MonotonicTime now) {
  const MutexLock watching(watch_mutex_);
  if (!client_gone_) return;
  MonotonicTime waits_since;
  {
    const MutexLock lock(mutex_);
    if (!stream_ && !working_) return;
    waits_since = working_ ? now : handed_out_;
  }
  if (client_gone_()) {
    End(Ended(ErrorKind::kCancelled, "the client went away and the query was stopped"));
  } else if (now - waits_since > limits_.stall) {
    End(Ended(ErrorKind::kDeadline,
              fmt::format("the client took no rows for {} ms ([flight] stall_timeout) and the query was stopped",
                          limits_.stall.count())));
  } else if (limits_.deadline.at() < now) {
    End(Ended(ErrorKind::kDeadline, "the query ran past its time limit and was stopped"));
  }
}

class WhileClientStays::Client final : public Watched {
 public:
  Client(std::stop_source stop, std::function<bool()> gone) : stop_(std::move(stop)), gone_(std::move(gone)) {}
  void Check(MonotonicTime) override {
    const MutexLock lock(mutex_);
    if (gone_ && gone_()) stop_.request_stop();
  }
  void Detach() {
    const MutexLock lock(mutex_);
    gone_ = nullptr;
  }

 private:
  std::stop_source stop_;
  Mutex mutex_;
  std::function<bool()> gone_ LH_GUARDED_BY(mutex_);
};

WhileClientStays::WhileClientStays(ActiveQueries& active, std::stop_source stop, std::function<bool()> client_gone)
    : active_(active), client_(std::make_shared<Client>(std::move(stop), std::move(client_gone))) {
  active_.Watch(client_);
}

WhileClientStays::~WhileClientStays() {
  client_->Detach();
  active_.Unwatch(client_.get());
}

ActiveQueries::ActiveQueries() : thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

ActiveQueries::~ActiveQueries() {
  const MutexLock lock(mutex_);
  thread_.request_stop();
  changed_.NotifyAll();
}

Status ActiveQueries::Add(const std::string& ticket, std::shared_ptr<ActiveQuery> query) {
  const MutexLock lock(mutex_);
  if (cancelled_.contains(ticket)) return Fail(ErrorKind::kCancelled, "the query was cancelled");
  WakeFromIdle();
  if (!queries_.emplace(ticket, std::move(query)).second) {
    return Fail(ErrorKind::kConflict, "the ticket is being read already");
  }
  return {};
}

void ActiveQueries::Remove(const std::string& ticket) {
  std::shared_ptr<ActiveQuery> dropped;
  const MutexLock lock(mutex_);
  const auto found = queries_.find(ticket);
  if (found == queries_.end()) return;
  dropped = std::move(found->second);
  queries_.erase(found);
}

void ActiveQueries::Cancel(const std::string& ticket, MonotonicTime forget) {
  std::shared_ptr<ActiveQuery> running;
  {
    const MutexLock lock(mutex_);
    if (cancelled_.size() >= kMostCancelled) {
      std::erase_if(cancelled_, [now = std::chrono::steady_clock::now()](const auto& c) { return c.second < now; });
    }
    if (cancelled_.size() < kMostCancelled) cancelled_.emplace(ticket, forget);
    if (const auto found = queries_.find(ticket); found != queries_.end()) running = found->second;
  }
  if (running) running->End(Ended(ErrorKind::kCancelled, "the query was cancelled"));
}

void ActiveQueries::Watch(std::shared_ptr<Watched> call) {
  const MutexLock lock(mutex_);
  WakeFromIdle();
  const Watched* key = call.get();
  watched_.emplace(key, std::move(call));
}

// A watch that looks at calls already is soon enough for one more.
void ActiveQueries::WakeFromIdle() {
  if (queries_.empty() && watched_.empty()) changed_.NotifyAll();
}

void ActiveQueries::Unwatch(const Watched* call) {
  const MutexLock lock(mutex_);
  watched_.erase(call);
}

void ActiveQueries::EndSession(const std::string& session) {
  std::vector<std::shared_ptr<ActiveQuery>> ending;
  {
    const MutexLock lock(mutex_);
    for (const auto& [ticket, query] : queries_) {
      if (query->session() == session) ending.push_back(query);
    }
  }
  for (const auto& query : ending) query->End(Ended(ErrorKind::kCancelled, "the session was closed"));
}

void ActiveQueries::EndAll() {
  std::vector<std::shared_ptr<ActiveQuery>> ending;
  {
    const MutexLock lock(mutex_);
    for (const auto& [ticket, query] : queries_) ending.push_back(query);
  }
  for (const auto& query : ending) query->End(Ended(ErrorKind::kUnavailable, "the server is stopping"));
}

size_t ActiveQueries::size() const {
  const MutexLock lock(mutex_);
  return queries_.size();
}

void ActiveQueries::Loop(const std::stop_token& stop) {
  for (;;) {
    std::vector<std::shared_ptr<Watched>> looked_at;
    {
      const MutexLock lock(mutex_);
      if (stop.stop_requested()) return;
      const auto wait = queries_.empty() && watched_.empty() ? std::chrono::milliseconds(1000) : kLook;
      changed_.WaitUntil(mutex_, std::chrono::steady_clock::now() + wait);
      for (const auto& [ticket, query] : queries_) looked_at.push_back(query);
      for (const auto& [key, call] : watched_) looked_at.push_back(call);
    }
    const MonotonicTime now = std::chrono::steady_clock::now();
    for (const auto& call : looked_at) call->Check(now);
  }
}

}  // namespace lakehouse::flight
