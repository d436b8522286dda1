// Tickets: what one call was told another may fetch. Signed, bound to who asked, and good for a while. They hold all
// that is needed, so that a ticket nobody redeems costs this process nothing. Thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong.h"

namespace lakehouse::flight {

struct Caller;

struct Ticket {
  std::string id;       // random; what cancels it
  std::string command;  // google.protobuf.Any, as it came
  std::optional<Seq> seq;
};

class TicketOffice {
 public:
  // A key of its own, from the operating system's random bytes: no other process's tickets are good here.
  // REQUIRES: clock outlives it.
  TicketOffice(std::chrono::milliseconds lifetime, const Clock& clock);

  // Bytes for a FlightEndpoint, good for `lifetime`. kInternal when there are no random bytes.
  Result<std::string> Issue(const Caller& caller, std::string_view command, std::optional<Seq> seq) const;
  // kInvalid for what this process has not signed; kForbidden for another's; kNotFound for one that has expired.
  Result<Ticket> Redeem(const Caller& caller, std::string_view bytes) const;
  std::chrono::milliseconds lifetime() const { return lifetime_; }

 private:
  const std::chrono::milliseconds lifetime_;
  const Clock& clock_;
  std::string key_;
};

// 16 random bytes. kInternal when the operating system has none.
Result<std::string> RandomId();

}  // namespace lakehouse::flight
