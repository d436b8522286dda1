// The messages of one server-sent event stream, kept so that a client that lost its connection can go on where it was.
// Thread-safe. Bounded: past kMaxEvents or kMaxBytes the oldest are forgotten.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace lakehouse::mcp {

class EventStream {
 public:
  static constexpr size_t kMaxEvents = 256;
  static constexpr size_t kMaxBytes = 4 << 20;

  explicit EventStream(uint64_t id) : id_(id) {}

  struct Event {
    uint64_t number = 0;  // from 1
    std::string data;
  };
  struct Batch {
    std::vector<Event> events;
    bool closed = false;  // and `events` are the last
  };

  // The number of the event. Nothing is added to a closed stream.
  uint64_t Append(std::string data) LH_EXCLUDES(mutex_);
  void Close() LH_EXCLUDES(mutex_);
  // Events after number `after`; waits for the first one until `until`, the close or the stop.
  Batch After(uint64_t after, MonotonicTime until, const std::stop_token& stop) LH_EXCLUDES(mutex_);
  uint64_t last() const LH_EXCLUDES(mutex_);
  uint64_t id() const { return id_; }

 private:
  const uint64_t id_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Event> events_ LH_GUARDED_BY(mutex_);
  size_t bytes_ LH_GUARDED_BY(mutex_) = 0;
  uint64_t last_ LH_GUARDED_BY(mutex_) = 0;
  bool closed_ LH_GUARDED_BY(mutex_) = false;
};

// Where in which stream a client is: "3-17", the value of Last-Event-ID.
struct EventPosition {
  uint64_t stream = 0, number = 0;
};
std::string EventId(EventPosition position);
std::optional<EventPosition> ParseEventId(std::string_view text);
// One event as it goes over the wire. REQUIRES: `data` is JSON on one line, or empty.
std::string EventText(std::string_view id, std::string_view data);

}  // namespace lakehouse::mcp
