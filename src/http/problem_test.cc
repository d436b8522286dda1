#include "http/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/problem.h"

namespace lakehouse::http {
namespace {

TEST(Problem, ComesBackAsTheErrorItWas) {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::kAmbiguous); ++kind) {
    if (static_cast<ErrorKind>(kind) == ErrorKind::kCancelled) continue;
    Error error{static_cast<ErrorKind>(kind), "why \"it\" failed", std::nullopt, {{"line", "17"}}};
    const Error back = net::ErrorOfProblem(StatusOf(error.kind), ProblemJson(error, "/x", "id"));
    EXPECT_EQ(back.kind, error.kind) << kind;
    EXPECT_EQ(back.detail, error.detail);
    EXPECT_EQ(back.members, error.members);
  }
}

TEST(Problem, StatusesOfTheContract) {
  EXPECT_EQ(StatusOf(ErrorKind::kExhausted), 507);
  EXPECT_EQ(StatusOf(ErrorKind::kAmbiguous), 503);
  EXPECT_EQ(StatusOf(ErrorKind::kDeadline), 504);
  EXPECT_EQ(StatusOf(ErrorKind::kUpstream), 502);
  EXPECT_EQ(ReasonPhrase(507), "Insufficient Storage");
  EXPECT_EQ(ReasonPhrase(999), "Unknown");
}

TEST(Problem, ForeignBodiesStillSaySomething) {
  EXPECT_EQ(net::ErrorOfProblem(502, "<html>").kind, ErrorKind::kUpstream);
  EXPECT_EQ(net::ErrorOfProblem(418, "").kind, ErrorKind::kUpstream);
  EXPECT_EQ(net::ErrorOfProblem(404, "[]").detail, "the service answered 404");
  // A type that contradicts its status is not believed.
  EXPECT_EQ(net::ErrorOfProblem(500, "{\"type\":\"urn:lakehouse:problem:not-found\"}").kind, ErrorKind::kInternal);
}

TEST(Problem, MembersCannotShadowItsOwn) {
  const Error error{ErrorKind::kInvalid, "d", std::nullopt, {{"status", "200"}, {"detail", "x"}}};
  EXPECT_EQ(ProblemJson(error, "/", "r"),
            "{\"type\":\"urn:lakehouse:problem:invalid\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"d\","
            "\"instance\":\"/\",\"request_id\":\"r\"}");
}

}  // namespace
}  // namespace lakehouse::http
