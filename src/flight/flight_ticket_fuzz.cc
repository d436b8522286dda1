// Any bytes as a ticket: no crash, and nothing is believed that this process has not signed. A cookie likewise.
#include <cstdlib>
#include <string>

#include "flight/call.h"
#include "flight/session.h"
#include "flight/ticket.h"

namespace lakehouse::flight {
namespace {

void Check(std::string_view bytes) {
  static const TicketOffice kOffice(std::chrono::minutes(1), SystemClock());
  const Caller caller;
  if (kOffice.Redeem(caller, bytes)) std::abort();
  // The same bytes as what a good ticket carries come back whole.
  const auto issued = kOffice.Issue(caller, bytes, Seq(bytes.size()));
  const auto redeemed = issued ? kOffice.Redeem(caller, *issued) : Fail(issued.error());
  if (!redeemed || redeemed->command != bytes || redeemed->seq != Seq(bytes.size())) std::abort();

  const std::string session = SessionIdOf(bytes);
  if (!session.empty() && session.size() != 32) std::abort();
}

}  // namespace
}  // namespace lakehouse::flight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lakehouse::flight::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
