#include "flight/command.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>

#include "flight/metadata.h"

namespace lakehouse::flight {
namespace {

using testing::HasSubstr;

template <typename Message>
std::string Boxed(const Message& message) {
  google::protobuf::Any any;
  any.PackFrom(message);
  return any.SerializeAsString();
}

TEST(CommandTest, ComesOutOfItsBox) {
  pb::CommandStatementQuery query;
  query.set_query("SELECT 1");
  const auto command = ParseCommand(Boxed(query));
  ASSERT_TRUE(command) << command.error().detail;
  EXPECT_EQ(NameOf(*command), "CommandStatementQuery");
  EXPECT_EQ(std::get<pb::CommandStatementQuery>(*command).query(), "SELECT 1");
}

TEST(CommandTest, UnknownFieldsArePassedOver) {
  pb::CommandGetCatalogs catalogs;
  catalogs.GetReflection()->MutableUnknownFields(&catalogs)->AddVarint(99, 7);
  EXPECT_TRUE(ParseCommand(Boxed(catalogs)));
}

TEST(CommandTest, WhatIsNoneIsRefused) {
  google::protobuf::Any any;
  EXPECT_EQ(ParseCommand("").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(ParseCommand("SELECT 1").error().kind, ErrorKind::kInvalid);
  any.set_type_url("type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery");
  any.set_value("\xff\xff");
  EXPECT_THAT(ParseCommand(any.SerializeAsString()).error().detail,
              HasSubstr("CommandStatementQuery is not well formed"));
  any.set_type_url("type.googleapis.com/some.other.Message");
  EXPECT_EQ(ParseCommand(any.SerializeAsString()).error().kind, ErrorKind::kNotImplemented);
  EXPECT_EQ(ParseCommand(std::string(kMaxCommandBytes + 1, 'x')).error().kind, ErrorKind::kTooLarge);
  EXPECT_EQ(Unpack<pb::TicketStatementQuery>(Boxed(pb::CommandGetCatalogs())).error().kind, ErrorKind::kInvalid);
}

TEST(MetadataSchemaTest, EveryQuestionHasOneAndNothingElse) {
  EXPECT_EQ(MetadataSchema(pb::CommandGetTables())->num_fields(), 4);
  pb::CommandGetTables with_schema;
  with_schema.set_include_schema(true);
  EXPECT_EQ(MetadataSchema(with_schema)->num_fields(), 5);
  EXPECT_EQ(MetadataSchema(pb::CommandGetXdbcTypeInfo())->num_fields(), 19);
  EXPECT_EQ(MetadataSchema(pb::CommandGetImportedKeys())->num_fields(), 13);
  EXPECT_EQ(MetadataSchema(pb::CommandStatementQuery()), nullptr);
  EXPECT_EQ(MetadataSchema(pb::CommandStatementIngest()), nullptr);
}

template <typename Message>
void ExpectValid(Result<std::shared_ptr<arrow::RecordBatch>> (*answer)(const Message&), const Message& message) {
  const auto batch = answer(message);
  ASSERT_TRUE(batch) << batch.error().detail;
  EXPECT_TRUE((*batch)->ValidateFull().ok()) << (*batch)->ValidateFull().ToString();
  EXPECT_TRUE((*batch)->schema()->Equals(*MetadataSchema(message)));
}

TEST(SqlInfoTest, AnswersAreValidArrow) {
  ExpectValid(&SqlInfo, pb::CommandGetSqlInfo());
  ExpectValid(&XdbcTypes, pb::CommandGetXdbcTypeInfo());
}

TEST(SqlInfoTest, WhatIsAskedForAloneIsAnswered) {
  pb::CommandGetSqlInfo one;
  one.add_info(pb::FLIGHT_SQL_SERVER_NAME);
  one.add_info(999'999);
  EXPECT_EQ((*SqlInfo(one))->num_rows(), 1);
}

// JDBC asks for each of these and takes a missing one for a broken server.
TEST(SqlInfoTest, EveryNameOfTheSpecificationIsAnswered) {
  const auto* names = pb::SqlInfo_descriptor();
  for (int i = 0; i < names->value_count(); ++i) {
    pb::CommandGetSqlInfo one;
    one.add_info(static_cast<uint32_t>(names->value(i)->number()));
    EXPECT_EQ((*SqlInfo(one))->num_rows(), 1) << names->value(i)->name();
  }
}

}  // namespace
}  // namespace lakehouse::flight
