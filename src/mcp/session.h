// What is known about one client between its requests, for the revisions that have sessions. Thread-safe.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/request_context.h"
#include "mcp/event_stream.h"
#include "mcp/jsonrpc.h"
#include "mcp/protocol.h"

namespace lakehouse::mcp {

// How much of the log a client wants (RFC 5424's names, least grave first).
enum class LogSeverity { kDebug, kInfo, kNotice, kWarning, kError, kCritical, kAlert, kEmergency };
std::optional<LogSeverity> LogSeverityOf(std::string_view name);
std::string_view LogSeverityName(LogSeverity severity);

class Session {
 public:
  struct Client {
    Revision revision = kNewestWithSessions;
    boost::json::object capabilities{};
    std::string client{};              // the name it gave, for the audit
    std::string key_id = "anonymous";  // of the key that opened the session; it is nobody else's
  };
  Session(std::string id, Client client) : id_(std::move(id)), client_(std::move(client)) {}

  const std::string& id() const { return id_; }
  Revision revision() const { return client_.revision; }
  const boost::json::object& capabilities() const { return client_.capabilities; }
  const std::string& client() const { return client_.client; }
  const std::string& key_id() const { return client_.key_id; }

  // Messages that belong to no request; GET /mcp reads them.
  EventStream& messages() { return *messages_; }
  // A stream for the messages of one request. Old ones are forgotten once there are too many.
  std::shared_ptr<EventStream> OpenStream() LH_EXCLUDES(mutex_);
  std::shared_ptr<EventStream> FindStream(uint64_t id) LH_EXCLUDES(mutex_);
  // One reader at a time: true when the caller is it now.
  bool TakeReader() LH_EXCLUDES(mutex_);
  void LeaveReader(uint64_t delivered) LH_EXCLUDES(mutex_);
  uint64_t delivered() const LH_EXCLUDES(mutex_);

  // A request to the client: make an id, send it, wait for the response.
  boost::json::value NewRequestId() LH_EXCLUDES(mutex_);
  // kDeadline, kCancelled; kInvalid with the client's own message when it refused.
  Result<boost::json::object> AwaitResponse(const RequestContext& context, const boost::json::value& id)
      LH_EXCLUDES(mutex_);
  // False when nobody waits for it.
  bool Resolve(const Message& response) LH_EXCLUDES(mutex_);

  // Requests of the client that run, so that it can cancel them.
  void Begin(const boost::json::value& id, std::stop_source stop) LH_EXCLUDES(mutex_);
  void End(const boost::json::value& id) LH_EXCLUDES(mutex_);
  void Cancel(const boost::json::value& id) LH_EXCLUDES(mutex_);
  // Cancels all that runs and ends all streams.
  void Shut() LH_EXCLUDES(mutex_);

  void SetLogLevel(LogSeverity level) LH_EXCLUDES(mutex_);
  LogSeverity log_level() const LH_EXCLUDES(mutex_);
  // False when there are too many already.
  bool Subscribe(std::string uri) LH_EXCLUDES(mutex_);
  void Unsubscribe(const std::string& uri) LH_EXCLUDES(mutex_);
  bool IsSubscribed(const std::string& uri) const LH_EXCLUDES(mutex_);

  void Touch(MonotonicTime now) LH_EXCLUDES(mutex_);
  MonotonicTime touched() const LH_EXCLUDES(mutex_);
  bool IsBusy() const LH_EXCLUDES(mutex_);

 private:
  const std::string id_;
  const Client client_;
  const std::shared_ptr<EventStream> messages_ = std::make_shared<EventStream>(0);

  mutable Mutex mutex_;
  CondVar answered_;
  std::deque<std::shared_ptr<EventStream>> streams_ LH_GUARDED_BY(mutex_);
  uint64_t next_stream_ LH_GUARDED_BY(mutex_) = 1;
  uint64_t next_request_ LH_GUARDED_BY(mutex_) = 1;
  bool has_reader_ LH_GUARDED_BY(mutex_) = false;
  uint64_t delivered_ LH_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::optional<Message>> awaited_ LH_GUARDED_BY(mutex_);
  std::map<std::string, std::stop_source> running_ LH_GUARDED_BY(mutex_);
  LogSeverity log_level_ LH_GUARDED_BY(mutex_) = LogSeverity::kInfo;
  std::set<std::string> subscriptions_ LH_GUARDED_BY(mutex_);
  MonotonicTime touched_ LH_GUARDED_BY(mutex_){};
};

// All sessions of a process, at most kMaxSessions; idle ones end by themselves. Thread-safe.
class Sessions {
 public:
  static constexpr size_t kMaxSessions = 1000;
  static constexpr std::chrono::hours kIdle{1};

  explicit Sessions(const Clock& clock) : clock_(clock) {}
  // kUnavailable when all are in use.
  Result<std::shared_ptr<Session>> Open(Session::Client client) LH_EXCLUDES(mutex_);
  // nullptr: this key has none of that id (any more).
  std::shared_ptr<Session> Find(std::string_view id, std::string_view key_id) LH_EXCLUDES(mutex_);
  bool Close(std::string_view id) LH_EXCLUDES(mutex_);
  std::vector<std::shared_ptr<Session>> All() const LH_EXCLUDES(mutex_);
  void CloseAll() LH_EXCLUDES(mutex_);

 private:
  void DropIdle(MonotonicTime now) LH_REQUIRES(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<Session>, std::less<>> sessions_ LH_GUARDED_BY(mutex_);
};

}  // namespace lakehouse::mcp
