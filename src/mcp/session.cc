#include "mcp/session.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iterator>

#include "base/uuid.h"

namespace lakehouse::mcp {

namespace json = boost::json;

namespace {

constexpr size_t kMaxStreams = 32;
constexpr size_t kMaxSubscriptions = 1000;
constexpr std::string_view kSeverities[] = {"debug", "info",     "notice", "warning",
                                            "error", "critical", "alert",  "emergency"};

}  // namespace

std::optional<LogSeverity> LogSeverityOf(std::string_view name) {
  const auto* found = std::ranges::find(kSeverities, name);
  if (found == std::end(kSeverities)) return std::nullopt;
  return static_cast<LogSeverity>(found - std::begin(kSeverities));
}

std::string_view LogSeverityName(LogSeverity severity) { return kSeverities[static_cast<size_t>(severity)]; }

std::shared_ptr<EventStream> Session::OpenStream() {
  const MutexLock lock(mutex_);
  if (streams_.size() >= kMaxStreams) streams_.pop_front();
  return streams_.emplace_back(std::make_shared<EventStream>(next_stream_++));
}

std::shared_ptr<EventStream> Session::FindStream(uint64_t id) {
  if (id == messages_->id()) return messages_;
  const MutexLock lock(mutex_);
  for (const auto& stream : streams_) {
    if (stream->id() == id) return stream;
  }
  return nullptr;
}

bool Session::TakeReader() {
  const MutexLock lock(mutex_);
  return !std::exchange(has_reader_, true);
}

void Session::LeaveReader(uint64_t delivered) {
  const MutexLock lock(mutex_);
  has_reader_ = false;
  delivered_ = delivered;
}

uint64_t Session::delivered() const {
  const MutexLock lock(mutex_);
  return delivered_;
}

json::value Session::NewRequestId() {
  const MutexLock lock(mutex_);
  json::value id = json::string("lakehouse-" + std::to_string(next_request_++));
  awaited_.emplace(IdKey(id), std::nullopt);
  return id;
}

Result<json::object> Session::AwaitResponse(const RequestContext& context, const json::value& id) {
  const std::string key = IdKey(id);
  const std::stop_callback wake(context.cancelled, [this] {
    const MutexLock lock(mutex_);
    answered_.NotifyAll();
  });
  const MutexLock lock(mutex_);
  const auto waiting = awaited_.find(key);
  if (waiting == awaited_.end()) return Fail(ErrorKind::kInternal, "no such request to the client");
  while (!waiting->second && !context.cancelled.stop_requested()) {
    if (!answered_.WaitUntil(mutex_, context.deadline.at())) break;
  }
  const std::optional<Message> response = std::move(waiting->second);
  awaited_.erase(waiting);
  if (!response) {
    LH_TRY(context.Check("asking the client"));
    return Fail(ErrorKind::kDeadline, "the client did not answer in time");
  }
  if (response->failed) return Fail(ErrorKind::kInvalid, "the client refused: {}", json::serialize(response->result));
  if (!response->result.is_object()) return Fail(ErrorKind::kInvalid, "the client's result is no object");
  return response->result.get_object();
}

bool Session::Resolve(const Message& response) {
  const MutexLock lock(mutex_);
  const auto waiting = awaited_.find(IdKey(response.id));
  if (waiting == awaited_.end() || waiting->second) return false;
  waiting->second = response;
  answered_.NotifyAll();
  return true;
}

void Session::Begin(const json::value& id, std::stop_source stop) {
  const MutexLock lock(mutex_);
  running_.insert_or_assign(IdKey(id), std::move(stop));
}

void Session::End(const json::value& id) {
  const MutexLock lock(mutex_);
  running_.erase(IdKey(id));
}

void Session::Cancel(const json::value& id) {
  std::stop_source stop(std::nostopstate);
  {
    const MutexLock lock(mutex_);
    const auto found = running_.find(IdKey(id));
    if (found != running_.end()) stop = found->second;
  }
  // Outside the lock: what is told may come back here.
  stop.request_stop();
}

void Session::Shut() {
  std::vector<std::stop_source> stops;
  std::vector<std::shared_ptr<EventStream>> streams;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, stop] : running_) stops.push_back(stop);
    streams.assign(streams_.begin(), streams_.end());
    streams.push_back(messages_);
  }
  for (auto& stop : stops) stop.request_stop();
  for (const auto& stream : streams) stream->Close();
}

void Session::SetLogLevel(LogSeverity level) {
  const MutexLock lock(mutex_);
  log_level_ = level;
}

LogSeverity Session::log_level() const {
  const MutexLock lock(mutex_);
  return log_level_;
}

bool Session::Subscribe(std::string uri) {
  const MutexLock lock(mutex_);
  if (subscriptions_.size() >= kMaxSubscriptions) return subscriptions_.contains(uri);
  subscriptions_.insert(std::move(uri));
  return true;
}

void Session::Unsubscribe(const std::string& uri) {
  const MutexLock lock(mutex_);
  subscriptions_.erase(uri);
}

bool Session::IsSubscribed(const std::string& uri) const {
  const MutexLock lock(mutex_);
  return subscriptions_.contains(uri);
}

void Session::Touch(MonotonicTime now) {
  const MutexLock lock(mutex_);
  touched_ = now;
}

MonotonicTime Session::touched() const {
  const MutexLock lock(mutex_);
  return touched_;
}

bool Session::IsBusy() const {
  const MutexLock lock(mutex_);
  return has_reader_ || !running_.empty();
}

Result<std::shared_ptr<Session>> Sessions::Open(Session::Client client) {
  auto session = std::make_shared<Session>(RandomUuid(), std::move(client));
  const MonotonicTime now = clock_.Monotonic();
  session->Touch(now);
  const MutexLock lock(mutex_);
  DropIdle(now);
  if (sessions_.size() >= kMaxSessions) {
    return Fail(Error{ErrorKind::kUnavailable, "all MCP sessions are in use", std::chrono::seconds(10), {}});
  }
  sessions_.emplace(session->id(), session);
  return session;
}

// Those past their time; with all places taken, the one that was used least recently as well.
void Sessions::DropIdle(MonotonicTime now) {
  std::erase_if(sessions_,
                [now](const auto& entry) { return !entry.second->IsBusy() && now - entry.second->touched() > kIdle; });
  if (sessions_.size() < kMaxSessions) return;
  auto oldest = sessions_.end();
  for (auto entry = sessions_.begin(); entry != sessions_.end(); ++entry) {
    if (entry->second->IsBusy()) continue;
    if (oldest == sessions_.end() || entry->second->touched() < oldest->second->touched()) oldest = entry;
  }
  if (oldest != sessions_.end()) sessions_.erase(oldest);
}

std::shared_ptr<Session> Sessions::Find(std::string_view id, std::string_view key_id) {
  const MutexLock lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->key_id() != key_id) return nullptr;
  found->second->Touch(clock_.Monotonic());
  return found->second;
}

bool Sessions::Close(std::string_view id) {
  std::shared_ptr<Session> session;
  {
    const MutexLock lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return false;
    session = found->second;
    sessions_.erase(found);
  }
  session->Shut();
  return true;
}

std::vector<std::shared_ptr<Session>> Sessions::All() const {
  const MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Session>> all;
  all.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) all.push_back(session);
  return all;
}

void Sessions::CloseAll() {
  for (const auto& session : All()) Close(session->id());
}

}  // namespace lakehouse::mcp
