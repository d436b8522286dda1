#include "mcp/event_stream.h"

#include <fmt/format.h>

#include <charconv>

namespace lakehouse::mcp {

uint64_t EventStream::Append(std::string data) {
  const MutexLock lock(mutex_);
  if (closed_) return last_;
  bytes_ += data.size();
  events_.push_back({++last_, std::move(data)});
  while (events_.size() > kMaxEvents || (bytes_ > kMaxBytes && events_.size() > 1)) {
    bytes_ -= events_.front().data.size();
    events_.pop_front();
  }
  changed_.NotifyAll();
  return last_;
}

void EventStream::Close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyAll();
}

EventStream::Batch EventStream::After(uint64_t after, MonotonicTime until, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const MutexLock lock(mutex_);
    changed_.NotifyAll();
  });
  const MutexLock lock(mutex_);
  while (last_ <= after && !closed_ && !stop.stop_requested()) {
    if (!changed_.WaitUntil(mutex_, until)) break;
  }
  Batch batch;
  batch.closed = closed_;
  for (const Event& event : events_) {
    if (event.number > after) batch.events.push_back(event);
  }
  return batch;
}

uint64_t EventStream::last() const {
  const MutexLock lock(mutex_);
  return last_;
}

std::string EventId(EventPosition position) { return fmt::format("{}-{}", position.stream, position.number); }

std::optional<EventPosition> ParseEventId(std::string_view text) {
  EventPosition position;
  const char* end = text.data() + text.size();
  const auto stream = std::from_chars(text.data(), end, position.stream);
  if (stream.ec != std::errc() || stream.ptr == end || *stream.ptr != '-') return std::nullopt;
  const auto number = std::from_chars(stream.ptr + 1, end, position.number);
  if (number.ec != std::errc() || number.ptr != end) return std::nullopt;
  return position;
}

std::string EventText(std::string_view id, std::string_view data) {
  if (id.empty()) return fmt::format("data: {}\n\n", data);
  return fmt::format("id: {}\ndata: {}\n\n", id, data);
}

}  // namespace lakehouse::mcp
