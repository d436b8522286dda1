#include "flight/status.h"

#include <arrow/flight/types.h>
#include <gmock/gmock.h>

#include "base/utf8.h"

namespace lakehouse::flight {
namespace {

using testing::HasSubstr;

Error Of(ErrorKind kind, std::string detail = "what was wrong") { return {kind, std::move(detail), std::nullopt, {}}; }

TEST(StatusTest, EveryKindHasACodeThatSaysWhatToDo) {
  const std::pair<ErrorKind, std::string_view> table[] = {{ErrorKind::kInvalid, "INVALID_ARGUMENT"},
                                                          {ErrorKind::kTooLarge, "INVALID_ARGUMENT"},
                                                          {ErrorKind::kUnprocessable, "INVALID_ARGUMENT"},
                                                          {ErrorKind::kUnauthenticated, "UNAUTHENTICATED"},
                                                          {ErrorKind::kForbidden, "PERMISSION_DENIED"},
                                                          {ErrorKind::kNotFound, "NOT_FOUND"},
                                                          {ErrorKind::kConflict, "ALREADY_EXISTS"},
                                                          {ErrorKind::kNotImplemented, "UNIMPLEMENTED"},
                                                          {ErrorKind::kTooManyRequests, "UNAVAILABLE"},
                                                          {ErrorKind::kUnavailable, "UNAVAILABLE"},
                                                          {ErrorKind::kUpstream, "UNAVAILABLE"},
                                                          {ErrorKind::kDeadline, "DEADLINE_EXCEEDED"},
                                                          {ErrorKind::kCancelled, "CANCELLED"},
                                                          {ErrorKind::kInternal, "INTERNAL"}};
  for (const auto& [kind, code] : table) EXPECT_EQ(CodeName(ToArrow(Of(kind), "id")), code);
  EXPECT_EQ(CodeName(arrow::Status::OK()), "OK");
}

TEST(StatusTest, TheMessageHoldsAllThatIsKnown) {
  Error error = Of(ErrorKind::kUnavailable).With("line", "17");
  error.retry_after = std::chrono::seconds(3);
  EXPECT_EQ(ToArrow(error, "r-1").message(), "what was wrong; line: 17; try again after 3 s (request id r-1)");
}

TEST(StatusTest, LongMessagesAreCutBetweenCharacters) {
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    for (int i = 0; i < 2000; ++i) text += "€";
    const std::string message = ToArrow(Of(ErrorKind::kInvalid, text), "r-1").message();
    EXPECT_LT(message.size(), 2200U);
    EXPECT_FALSE(FindInvalidUtf8(message)) << shift;
    EXPECT_THAT(message, HasSubstr("… (request id r-1)"));
  }
}

TEST(StatusTest, WhatAClientSentIsTheClientsFault) {
  EXPECT_EQ(FromArrow(arrow::Status::Invalid("offsets"), "the rows").kind, ErrorKind::kInvalid);
  EXPECT_EQ(FromArrow(arrow::Status::IOError("cut short"), "the rows").detail, "the rows: cut short");
  EXPECT_EQ(FromArrow(arrow::Status::OutOfMemory("no"), "the rows").kind, ErrorKind::kExhausted);
  EXPECT_EQ(FromArrow(arrow::Status::UnknownError("?"), "the rows").kind, ErrorKind::kInternal);
}

}  // namespace
}  // namespace lakehouse::flight
