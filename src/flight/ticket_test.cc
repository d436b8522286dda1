#include "flight/ticket.h"

#include <gmock/gmock.h>

#include "flight/command.h"
#include "flight/test_clock.h"

namespace lakehouse::flight {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const std::string kTicketSession(32, 'a');

struct Office {
  HandClock clock;
  TicketOffice tickets{seconds(60), clock};
  std::string Issue(const Caller& caller) { return *tickets.Issue(caller, "the command", Seq(7)); }
  ErrorKind Refusal(const Caller& caller, std::string_view bytes) {
    const auto ticket = tickets.Redeem(caller, bytes);
    return ticket ? ErrorKind::kInternal : ticket.error().kind;
  }
};

TEST(TicketTest, ComesBackAsItWasIssued) {
  Office office;
  const auto ticket = office.tickets.Redeem(CallerOf("k"), office.Issue(CallerOf("k")));
  ASSERT_TRUE(ticket) << ticket.error().detail;
  EXPECT_EQ(ticket->command, "the command");
  EXPECT_EQ(ticket->seq, Seq(7));
  EXPECT_EQ(ticket->id.size(), 16U);
}

TEST(TicketTest, EachHasItsOwnId) {
  Office office;
  const auto one = office.tickets.Redeem(CallerOf("k"), office.Issue(CallerOf("k")));
  const auto other = office.tickets.Redeem(CallerOf("k"), office.Issue(CallerOf("k")));
  EXPECT_NE(one->id, other->id);
}

TEST(TicketTest, NoByteOfItCanBeChanged) {
  Office office;
  const auto good = Unpack<pb::TicketStatementQuery>(office.Issue(CallerOf("k")));
  ASSERT_TRUE(good);
  for (size_t at = 0; at < good->statement_handle().size(); ++at) {
    pb::TicketStatementQuery bad = *good;
    char& byte = (*bad.mutable_statement_handle())[at];
    byte = static_cast<char>(byte ^ 0x10);
    EXPECT_EQ(office.Refusal(CallerOf("k"), Pack(bad)), ErrorKind::kInvalid) << at;
  }
}

TEST(TicketTest, NothingShorterOrLongerIsOne) {
  Office office;
  const std::string good = office.Issue(CallerOf("k"));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(office.Refusal(CallerOf("k"), good.substr(0, size)), ErrorKind::kInvalid) << size;
  }
  EXPECT_EQ(office.Refusal(CallerOf("k"), good + "\x01"), ErrorKind::kInvalid);
  EXPECT_EQ(office.Refusal(CallerOf("k"), std::string(10 << 20, 'x')), ErrorKind::kInvalid);
}

TEST(TicketTest, AnotherProcesssIsForged) {
  Office office, elsewhere;
  const auto refused = office.tickets.Redeem(CallerOf("k"), elsewhere.Issue(CallerOf("k")));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("not one that this server gave out"));
}

TEST(TicketTest, AnUnsignedOneIsForged) {
  Office office;
  pb::TicketStatementQuery outer;
  outer.set_statement_handle("");
  EXPECT_EQ(office.Refusal(CallerOf("k"), Pack(outer)), ErrorKind::kInvalid);
}

TEST(TicketTest, IsGoodForItsTimeAlone) {
  Office office;
  const std::string ticket = office.Issue(CallerOf("k"));
  office.clock.Pass(seconds(59));
  EXPECT_TRUE(office.tickets.Redeem(CallerOf("k"), ticket));
  office.clock.Pass(seconds(1));
  EXPECT_EQ(office.Refusal(CallerOf("k"), ticket), ErrorKind::kNotFound);
}

TEST(TicketTest, BelongsToWhoAsked) {
  Office office;
  const std::string ticket = office.Issue(CallerOf("k", kTicketSession));
  EXPECT_TRUE(office.tickets.Redeem(CallerOf("k", kTicketSession), ticket));
  for (const Caller& other : {CallerOf("other", kTicketSession), CallerOf("k", kTicketSession, "10.0.0.1"),
                              CallerOf("k"), CallerOf("k", std::string(32, 'b'))}) {
    EXPECT_EQ(office.Refusal(other, ticket), ErrorKind::kForbidden);
  }
}

TEST(TicketTest, OneFromBeforeASessionBeganStaysGood) {
  Office office;
  EXPECT_TRUE(office.tickets.Redeem(CallerOf("k", kTicketSession), office.Issue(CallerOf("k"))));
}

}  // namespace
}  // namespace lakehouse::flight
