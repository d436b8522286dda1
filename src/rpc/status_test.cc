// The table of errors, there and back.
#include "rpc/status.h"

#include <gmock/gmock.h>

#include <set>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace lakehouse::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

constexpr int kKindCount = static_cast<int>(ErrorKind::kAmbiguous) + 1;

template <typename Detail>
std::optional<Detail> DetailOf(const google::rpc::Status& status) {
  for (const auto& one : status.details()) {
    if (Detail detail; one.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

TEST(RpcStatus, EveryKindHasACodeAndComesBackAsItself) {
  std::set<std::string_view> names;
  for (int i = 0; i < kKindCount; ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    const grpc::Status status = ToStatus({kind, "what is wrong", std::nullopt, {}}, "r-1");
    EXPECT_NE(status.error_code(), grpc::OK) << ErrorKindName(kind);
    EXPECT_EQ(status.error_code(), CodeOf(kind));
    const Error back = ToError(status);
    EXPECT_EQ(back.kind, kind) << ErrorKindName(kind);
    EXPECT_EQ(back.detail, "what is wrong");
    names.insert(ErrorKindName(kind));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kKindCount));
}

TEST(RpcStatus, OnlyWhatIsOursIsInternal) {
  for (int i = 0; i < kKindCount; ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    EXPECT_EQ(CodeOf(kind) == grpc::INTERNAL, kind == ErrorKind::kInternal) << ErrorKindName(kind);
  }
  EXPECT_EQ(CodeOf(ErrorKind::kConflict), grpc::ALREADY_EXISTS);
  EXPECT_EQ(CodeOf(ErrorKind::kTooLarge), grpc::RESOURCE_EXHAUSTED);
  EXPECT_EQ(CodeOf(ErrorKind::kDeadline), grpc::DEADLINE_EXCEEDED);
}

TEST(RpcStatus, CodesHaveTheNamesOfTheSpecification) {
  EXPECT_EQ(CodeName(grpc::OK), "OK");
  EXPECT_EQ(CodeName(grpc::UNAUTHENTICATED), "UNAUTHENTICATED");
  EXPECT_EQ(CodeName(grpc::RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(CodeName(grpc::DO_NOT_USE), "UNKNOWN");
}

TEST(RpcStatus, DetailsSayWhatTheErrorSays) {
  Error error{ErrorKind::kInvalid, "row 3 is short", std::chrono::seconds(7), {{"line", "3"}, {"column", "2"}}};
  const google::rpc::Status status = ToProto(std::move(error).With(kFieldMember, "options.name"), "r-2");
  const auto info = DetailOf<google::rpc::ErrorInfo>(status).value();
  EXPECT_EQ(info.reason(), "invalid");
  EXPECT_EQ(info.domain(), "lakehouse");
  EXPECT_EQ(info.metadata().at("line"), "3");
  EXPECT_EQ(DetailOf<google::rpc::RequestInfo>(status).value().request_id(), "r-2");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(status).value().retry_delay().seconds(), 7);
  const auto bad = DetailOf<google::rpc::BadRequest>(status).value();
  EXPECT_EQ(bad.field_violations(0).field(), "options.name");
  const Error back = ToError(status);
  EXPECT_EQ(back.retry_after, std::chrono::seconds(7));
  EXPECT_THAT(back.members, ElementsAre(Pair("column", "2"), Pair("field", "options.name"), Pair("line", "3")));
}

TEST(RpcStatus, AFieldAtTheBeginningOfTheSentenceIsNamed) {
  const auto status = ToProto({ErrorKind::kInvalid, "field \"k\" must be 1 or more", std::nullopt, {}}, "");
  EXPECT_EQ(DetailOf<google::rpc::BadRequest>(status).value().field_violations(0).field(), "k");
  EXPECT_FALSE(DetailOf<google::rpc::RequestInfo>(status));
  const auto other = ToProto({ErrorKind::kNotFound, "field \"k\" is nowhere", std::nullopt, {}}, "");
  EXPECT_FALSE(DetailOf<google::rpc::BadRequest>(other));
}

// 8 KiB of metadata is what clients take; words travel twice, once in base64.
TEST(RpcStatus, LongErrorsAreCutBetweenCharacters) {
  Error error{ErrorKind::kInvalid, std::string(1399, 'x'), std::nullopt, {}};
  for (int i = 0; i < 500; ++i) error.detail += "ä";
  for (int i = 0; i < 40; ++i) error.members.emplace_back("m" + std::to_string(i), std::string(5000, 'y'));
  const grpc::Status status = ToStatus(error, "r");
  EXPECT_THAT(status.error_message(), StartsWith("xxx"));
  EXPECT_THAT(status.error_message(), EndsWith("x…"));
  EXPECT_LT(status.error_message().size() * 3 / 2 + status.error_details().size() * 4 / 3, 8u << 10);
}

TEST(RpcStatus, WordsThatAreNoTextAreCutWhereTheyStopBeingSome) {
  const auto status = ToProto({ErrorKind::kInvalid, "before \xff after", std::nullopt, {}}, "");
  EXPECT_EQ(status.message(), "before …");
  EXPECT_EQ(ToError(status).detail, "before …");
}

TEST(RpcStatus, WhatOthersSayIsTakenByItsCode) {
  EXPECT_EQ(ToError(grpc::Status(grpc::NOT_FOUND, "no")).kind, ErrorKind::kNotFound);
  EXPECT_EQ(ToError(grpc::Status(grpc::RESOURCE_EXHAUSTED, "no")).kind, ErrorKind::kExhausted);
  EXPECT_EQ(ToError(grpc::Status(grpc::DATA_LOSS, "no")).kind, ErrorKind::kUpstream);
  // Details that are none, are of another domain, or contradict the code are not believed.
  EXPECT_EQ(ToError(grpc::Status(grpc::NOT_FOUND, "no", "\xff\xff")).kind, ErrorKind::kNotFound);
  google::rpc::Status status;
  status.set_code(grpc::NOT_FOUND);
  google::rpc::ErrorInfo info;
  info.set_reason("conflict");
  info.set_domain("example.com");
  status.add_details()->PackFrom(info);
  EXPECT_EQ(ToError(grpc::Status(grpc::NOT_FOUND, "no", status.SerializeAsString())).kind, ErrorKind::kNotFound);
  status.set_code(grpc::OK);
  EXPECT_EQ(ToError(grpc::Status(grpc::ABORTED, "no", status.SerializeAsString())).kind, ErrorKind::kAmbiguous);
}

}  // namespace
}  // namespace lakehouse::rpc
