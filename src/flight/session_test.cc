#include "flight/session.h"

#include <gmock/gmock.h>

#include "flight/test_clock.h"

namespace lakehouse::flight {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

SessionOptions TimeoutOf(milliseconds timeout) { return {.timeout = timeout}; }

TEST(SessionCookieTest, IsFoundAmongOthers) {
  const std::string id = "0123456789abcdef0123456789abcdef";
  for (const std::string& header :
       {"arrow_flight_session_id=" + id, "a=b; arrow_flight_session_id=" + id, "arrow_flight_session_id=\"" + id + "\"",
        ";; x; arrow_flight_session_id=" + id + " ;y=z"}) {
    EXPECT_EQ(SessionIdOf(header), id) << header;
  }
}

TEST(SessionCookieTest, WhatCannotBeOursIsNone) {
  for (const char* header : {"", "arrow_flight_session_id", "arrow_flight_session_id=", "arrow_flight_session_id=xyz",
                             "arrow_flight_session_id=0123456789ABCDEF0123456789ABCDEF", "arrow_flight_session_id=\"",
                             "other=0123456789abcdef0123456789abcdef", ";", "=", "; ="}) {
    EXPECT_EQ(SessionIdOf(header), "") << header;
  }
}

TEST(SessionsTest, WithoutACookieThereAreDefaults) {
  HandClock clock;
  Sessions sessions(clock);
  EXPECT_EQ(sessions.Options(CallerOf("k"))->timeout, std::nullopt);
  EXPECT_FALSE(*sessions.Close(CallerOf("k")));
}

TEST(SessionsTest, KeepWhatWasSetForTheirKeyAlone) {
  HandClock clock;
  Sessions sessions(clock);
  const auto id = sessions.Set(CallerOf("k"), TimeoutOf(seconds(5)));
  ASSERT_TRUE(id);
  EXPECT_EQ(sessions.Options(CallerOf("k", *id))->timeout, seconds(5));
  EXPECT_EQ(*sessions.Set(CallerOf("k", *id), TimeoutOf(seconds(6))), *id);
  EXPECT_EQ(sessions.Options(CallerOf("k", *id))->timeout, seconds(6));
  EXPECT_EQ(sessions.Options(CallerOf("other", *id)).error().kind, ErrorKind::kForbidden);
}

TEST(SessionsTest, AClosedOneIsNotTakenForNone) {
  HandClock clock;
  Sessions sessions(clock);
  const auto id = sessions.Set(CallerOf("k"), {});
  EXPECT_TRUE(*sessions.Close(CallerOf("k", *id)));
  EXPECT_EQ(sessions.Options(CallerOf("k", *id)).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(sessions.Set(CallerOf("k", *id), {}).error().kind, ErrorKind::kNotFound);
}

TEST(SessionsTest, EndAfterAnHourWithoutACall) {
  HandClock clock;
  Sessions sessions(clock);
  const auto id = sessions.Set(CallerOf("k"), {});
  clock.Pass(hours(1));
  EXPECT_TRUE(sessions.Options(CallerOf("k", *id)));
  clock.Pass(hours(1) + seconds(1));
  EXPECT_EQ(sessions.Options(CallerOf("k", *id)).error().kind, ErrorKind::kNotFound);
}

TEST(SessionsTest, AreBoundedAndIdleOnesMakeRoom) {
  HandClock clock;
  Sessions sessions(clock);
  for (size_t i = 0; i < Sessions::kMost; ++i) ASSERT_TRUE(sessions.Set(CallerOf("k"), {}));
  EXPECT_EQ(sessions.Set(CallerOf("k"), {}).error().kind, ErrorKind::kUnavailable);
  clock.Pass(hours(1) + seconds(1));
  EXPECT_TRUE(sessions.Set(CallerOf("k"), {}));
}

}  // namespace
}  // namespace lakehouse::flight
