#include "flight/ticket.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/hash.h"
#include "flight/call.h"
#include "flight/command.h"
#include "flight_sql/ticket.pb.h"

namespace lakehouse::flight {
namespace {

constexpr size_t kKeyBytes = 32;
constexpr size_t kIdBytes = 16;

Result<std::string> RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) != 1) {
    return Fail(ErrorKind::kInternal, "the operating system has no random bytes");
  }
  return bytes;
}

std::string SignatureOf(const std::string& key, const std::string& ticket) {
  const Sha256Digest digest = HmacSha256(key, ticket);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Error Forged() {
  return Error{ErrorKind::kInvalid,
               "the ticket is not one that this server gave out (it is cut short, changed, or from before a restart); "
               "ask for the flight again",
               std::nullopt,
               {}};
}

}  // namespace

Result<std::string> RandomId() { return RandomBytes(kIdBytes); }

TicketOffice::TicketOffice(std::chrono::milliseconds lifetime, const Clock& clock)
    : lifetime_(lifetime), clock_(clock), key_(RandomBytes(kKeyBytes).value_or("")) {}

Result<std::string> TicketOffice::Issue(const Caller& caller, std::string_view command, std::optional<Seq> seq) const {
  if (key_.empty()) return Fail(ErrorKind::kInternal, "there is no key to sign tickets with");
  lakehouse::flight::proto::Ticket ticket;
  LH_ASSIGN(*ticket.mutable_id(), RandomId());
  ticket.set_principal(caller.principal.key_id);
  ticket.set_session(caller.session);
  ticket.set_peer(caller.peer);
  ticket.set_expires_micros((clock_.Now() + lifetime_).time_since_epoch().count());
  ticket.set_command(std::string(command));
  if (seq) ticket.set_seq(seq->value);
  lakehouse::flight::proto::SignedTicket both;
  both.set_ticket(ticket.SerializeAsString());
  both.set_signature(SignatureOf(key_, both.ticket()));
  pb::TicketStatementQuery outer;
  outer.set_statement_handle(both.SerializeAsString());
  return Pack(outer);
}

Result<Ticket> TicketOffice::Redeem(const Caller& caller, std::string_view bytes) const {
  const auto outer = Unpack<pb::TicketStatementQuery>(bytes);
  lakehouse::flight::proto::SignedTicket both;
  if (!outer || key_.empty() || !both.ParseFromString(outer->statement_handle())) return Fail(Forged());
  const std::string signature = SignatureOf(key_, both.ticket());
  if (both.signature().size() != signature.size() ||
      CRYPTO_memcmp(both.signature().data(), signature.data(), signature.size()) != 0) {
    return Fail(Forged());
  }
  lakehouse::flight::proto::Ticket ticket;
  if (!ticket.ParseFromString(both.ticket())) return Fail(Forged());
  if (ticket.principal() != caller.principal.key_id) {
    return Fail(ErrorKind::kForbidden, "the ticket was given to another API key");
  }
  if (ticket.peer() != caller.peer) {
    return Fail(ErrorKind::kForbidden, "the ticket was given to another address");
  }
  if (!ticket.session().empty() && ticket.session() != caller.session) {
    return Fail(ErrorKind::kForbidden, "the ticket belongs to another session");
  }
  if (clock_.Now().time_since_epoch().count() >= ticket.expires_micros()) {
    return Fail(ErrorKind::kNotFound, "the ticket has expired; ask for the flight again");
  }
  Ticket found{ticket.id(), ticket.command(), std::nullopt};
  if (ticket.has_seq()) found.seq = Seq(ticket.seq());
  return found;
}

}  // namespace lakehouse::flight
