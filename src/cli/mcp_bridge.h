// The Model Context Protocol over standard input and output: a line is a message, both ways. Each goes to a /mcp, that
// of a server or of a lake in this process; requests run side by side, and what the other side says by itself comes
// through a stream of its own.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <semaphore>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "base/request_context.h"
#include "cli/console.h"
#include "http/direct.h"

namespace lakehouse::cli {

// How a message gets to /mcp. Callable from any thread.
class McpCarrier {
 public:
  virtual ~McpCarrier() = default;
  // `request.path` is /mcp. Returns once the whole answer has come. Any status is a success.
  virtual Status Send(const RequestContext& context, const http::DirectRequest& request,
                      http::DirectAnswer& answer) = 0;
};

class McpBridge {
 public:
  // REQUIRES: both outlive it.
  McpBridge(McpCarrier& carrier, Console& console) : carrier_(carrier), console_(console) {}

  // Until the end of the input; what was asked until then is answered before it returns. Blocks.
  Status Run();

 private:
  // What of a message decides how it travels.
  struct Envelope {
    boost::json::value id;
    std::string method, name, version;  // version: of a request that says it itself
    std::string cancels;                // of notifications/cancelled: the key of the request's id
  };
  struct Running {
    std::stop_source stop;
    bool stands_alone = false;  // without a session, so that the end of its connection is what cancels it
    bool is_endless = false;    // a subscription
  };
  class Answer;

  static Envelope EnvelopeOf(std::string_view line);
  void Take(std::string line);
  void Carry(const std::string& line, const Envelope& envelope, const std::stop_token& stop);
  Status Exchange(const std::string& line, const Envelope& envelope, const std::stop_token& stop);
  bool HasSession() LH_EXCLUDES(mutex_);
  bool CancelAlone(const std::string& key) LH_EXCLUDES(mutex_);
  void CancelAll(bool only_endless) LH_EXCLUDES(mutex_);
  void Listen(const std::stop_token& stop);
  void EndSession();
  http::DirectRequest Prepare(std::string method) LH_EXCLUDES(mutex_);
  void Say(std::string_view message) LH_EXCLUDES(out_mutex_);
  void SayError(const boost::json::value& id, const std::string& what) LH_EXCLUDES(out_mutex_);

  static constexpr ptrdiff_t kMaxAtOnce = 64;

  McpCarrier& carrier_;
  Console& console_;
  std::counting_semaphore<kMaxAtOnce> places_{kMaxAtOnce};
  Mutex mutex_;
  std::string session_ LH_GUARDED_BY(mutex_);
  std::map<std::string, Running> running_ LH_GUARDED_BY(mutex_);
  Mutex out_mutex_;
  std::jthread listener_;  // last, so that it ends before what it uses
};

}  // namespace lakehouse::cli
