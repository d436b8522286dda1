#include "mcp/session.h"

#include <gmock/gmock.h>

#include <thread>

#include "mcp/names.h"

namespace lakehouse::mcp {
namespace {

namespace json = boost::json;
using testing::ElementsAre;

MonotonicTime Soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

// Time that stands still until it is moved.
class HandClock final : public Clock {
 public:
  WallTime Now() const override { return {}; }
  MonotonicTime Monotonic() const override { return now; }
  MonotonicTime now = MonotonicTime() + std::chrono::hours(100);
};

TEST(EventStreamTest, GivesWhatCameAfterAPosition) {
  EventStream stream(3);
  stream.Append("a");
  stream.Append("b");
  stream.Close();
  const auto batch = stream.After(1, Soon(), {});
  ASSERT_EQ(batch.events.size(), 1U);
  EXPECT_EQ(batch.events[0].data, "b");
  EXPECT_TRUE(batch.closed);
  stream.Append("c");
  EXPECT_EQ(stream.last(), 2U);
}

TEST(EventStreamTest, ForgetsTheOldest) {
  EventStream stream(0);
  for (size_t i = 0; i < EventStream::kMaxEvents + 5; ++i) stream.Append("x");
  const auto batch = stream.After(0, Soon(), {});
  EXPECT_EQ(batch.events.size(), EventStream::kMaxEvents);
  EXPECT_EQ(batch.events.front().number, 6U);
}

TEST(EventStreamTest, WaitsForTheNextEventAndForTheStop) {
  EventStream stream(0);
  std::jthread writer([&stream] { stream.Append("late"); });
  EXPECT_EQ(stream.After(0, MonotonicTime::max(), {}).events.size(), 1U);
  std::stop_source stop;
  std::jthread stopper([&stop] { stop.request_stop(); });
  EXPECT_TRUE(stream.After(1, MonotonicTime::max(), stop.get_token()).events.empty());
}

TEST(EventStreamTest, PositionsReadBack) {
  const auto position = ParseEventId(EventId({7, 42}));
  ASSERT_TRUE(position);
  EXPECT_EQ(position->stream, 7U);
  EXPECT_EQ(position->number, 42U);
  for (const char* wrong : {"", "7", "7-", "-1", "a-b", "1-2x"}) EXPECT_FALSE(ParseEventId(wrong)) << wrong;
}

TEST(SessionTest, AnswersFindWhoAsked) {
  Session session("s", {});
  const json::value id = session.NewRequestId();
  std::jthread client([&] {
    Message response{.kind = MessageKind::kResponse, .id = id, .method = {}, .params = {}, .result = json::object()};
    EXPECT_TRUE(session.Resolve(response));
    response.id = "other";
    EXPECT_FALSE(session.Resolve(response));
  });
  RequestContext context;
  context.deadline = Deadline::After(std::chrono::seconds(10));
  EXPECT_TRUE(session.AwaitResponse(context, id));
}

TEST(SessionTest, CancelStopsTheRequest) {
  Session session("s", {});
  std::stop_source stop;
  session.Begin(1, stop);
  session.Cancel("1");
  EXPECT_FALSE(stop.stop_requested());
  session.Cancel(1);
  EXPECT_TRUE(stop.stop_requested());
}

TEST(SessionTest, OldStreamsAreForgotten) {
  Session session("s", {});
  const auto first = session.OpenStream();
  for (int i = 0; i < 40; ++i) session.OpenStream();
  EXPECT_EQ(session.FindStream(first->id()), nullptr);
  EXPECT_NE(session.FindStream(0), nullptr);
  EXPECT_NE(session.FindStream(41), nullptr);
}

TEST(SessionsTest, TheLeastRecentlyUsedGoesWhenAllPlacesAreTaken) {
  HandClock clock;
  Sessions sessions(clock);
  std::vector<std::string> ids;
  for (size_t i = 0; i < Sessions::kMaxSessions; ++i) {
    clock.now += std::chrono::milliseconds(1);
    ids.push_back((*sessions.Open({}))->id());
  }
  clock.now += std::chrono::milliseconds(1);
  EXPECT_NE(sessions.Find(ids[0], "anonymous"), nullptr);
  ASSERT_TRUE(sessions.Open({}));
  EXPECT_NE(sessions.Find(ids[0], "anonymous"), nullptr);
  EXPECT_EQ(sessions.Find(ids[1], "anonymous"), nullptr);
}

TEST(SessionsTest, ASessionIsItsKeysAlone) {
  HandClock clock;
  Sessions sessions(clock);
  const auto session = *sessions.Open({.key_id = "0123456789ab"});
  EXPECT_NE(sessions.Find(session->id(), "0123456789ab"), nullptr);
  EXPECT_EQ(sessions.Find(session->id(), "ba9876543210"), nullptr);
  EXPECT_EQ(sessions.Find(session->id(), "anonymous"), nullptr);
}

TEST(SessionsTest, BusyOnesStay) {
  HandClock clock;
  Sessions sessions(clock);
  const auto busy = *sessions.Open({});
  ASSERT_TRUE(busy->TakeReader());
  clock.now += Sessions::kIdle * 2;
  ASSERT_TRUE(sessions.Open({}));
  EXPECT_NE(sessions.Find(busy->id(), "anonymous"), nullptr);
  EXPECT_FALSE(busy->TakeReader());
}

TEST(NearNamesTest, FindsWhatWasMeant) {
  const std::vector<std::string> names = {"trips", "taxi_zones", "weather"};
  EXPECT_THAT(NearNames("tripz", names), ElementsAre("trips"));
  EXPECT_THAT(NearNames("TRIPS", names), ElementsAre("trips"));
  EXPECT_THAT(NearNames("zones", names), ElementsAre("taxi_zones"));
  EXPECT_TRUE(NearNames("nothing_like_it", names).empty());
}

}  // namespace
}  // namespace lakehouse::mcp
