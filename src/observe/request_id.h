// Request ids and W3C trace context (https://www.w3.org/TR/trace-context/), as they arrive in headers.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace lakehouse::observe {

// 1 to 128 visible ASCII characters: safe to log and to send on.
bool IsRequestId(std::string_view text);

// Makes ids that are unique among all processes: a random half chosen once and a counter. Callable from any thread.
class RequestIds {
 public:
  RequestIds();
  std::string Make();

 private:
  std::string prefix_;  // 16 hex digits and a dash
  std::atomic<uint64_t> next_{1};
};

// A version 00 traceparent: lower-case hex, neither id all zero. A later version counts when it starts like one.
bool IsTraceparent(std::string_view text);

}  // namespace lakehouse::observe
