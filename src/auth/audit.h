// One line of the log for every call that showed a key: who, what, how it ended; never what was in it. Callable from
// any thread.
//
//   {"level":"info","msg":"audit","door":"http","key":"1f…","name":"dashboard","call":"POST /v1/sql","status":"200",…}
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "auth/access.h"
#include "base/log.h"

namespace lakehouse::auth {

struct AuditedCall {
  std::string_view door;    // "http", "flight", "grpc", "mcp"
  std::string_view call;    // a route's pattern, a method's name, a tool: never a path, a statement or an argument
  std::string_view status;  // as the door says it: "200", "OK"
  std::string_view request_id;
  uint64_t bytes_in = 0, bytes_out = 0;
  std::chrono::duration<double> took{};
};

class Audit {
 public:
  enum class Which { kOff, kWithKey, kAll };
  // REQUIRES: the log outlives it.
  Audit(Which which, const Logger& log) : which_(which), log_(log) {}
  bool Wants(const Principal& caller) const {
    return which_ == Which::kAll || (which_ == Which::kWithKey && !caller.IsAnonymous());
  }
  // Writes nothing that Wants does not.
  void Write(const Principal& caller, const AuditedCall& call) const;

 private:
  const Which which_;
  const Logger& log_;
};

}  // namespace lakehouse::auth
