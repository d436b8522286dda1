// What goes into a message comes out of it.
#include "rpc/convert.h"

#include <gmock/gmock.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "rpc/convert_query.h"
#include "rpc/convert_vectors.h"

namespace lakehouse::rpc {
namespace {

using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

catalog::Manifest SomeManifest() {
  catalog::Manifest manifest;
  manifest.dataset_id = "id";
  manifest.name = "trips";
  manifest.schema_fingerprint = "abc";
  manifest.schema = {{"a", "BIGINT", false, 1}, {"b", "VARCHAR", true, 2}};
  manifest.version = DatasetVersion(3);
  manifest.seq = Seq(17);
  manifest.row_count = 5;
  manifest.objects = {{"datasets/a", 10, 2, {{1, 0, "1", "2"}, {2, std::nullopt, std::nullopt, std::nullopt}}},
                      {"datasets/b", 20, 3, {}}};
  manifest.created_at = WallTime(std::chrono::microseconds(1'700'000'000'123'456));
  manifest.updated_at = WallTime(std::chrono::microseconds(-1));  // before 1970
  return manifest;
}

TEST(RpcConvert, Manifests) {
  const catalog::Manifest manifest = SomeManifest();
  v1::Manifest message;
  ToProto(manifest, message);
  const catalog::Manifest back = FromProto(message);
  EXPECT_EQ(back.dataset_id, manifest.dataset_id);
  EXPECT_EQ(back.schema, manifest.schema);
  EXPECT_EQ(back.objects, manifest.objects);
  EXPECT_EQ(back.version, manifest.version);
  EXPECT_EQ(back.seq, manifest.seq);
  EXPECT_EQ(back.created_at, manifest.created_at);
  EXPECT_EQ(back.updated_at, manifest.updated_at);
}

TEST(RpcConvert, SnapshotsAndRegisters) {
  catalog::Snapshot snapshot{DatasetVersion(2), Seq(9), 4, WallTime{}, catalog::WriteMode::kAppend, "ff", true};
  v1::Snapshot message;
  ToProto(snapshot, message);
  const auto back = FromProto(message).value();
  EXPECT_EQ(back.mode, catalog::WriteMode::kAppend);
  EXPECT_EQ(back.source_sha256, "ff");
  EXPECT_TRUE(back.pinned);

  catalog::RegisterRequest request;
  request.name = "t";
  request.schema_fingerprint = "f";
  request.schema = SomeManifest().schema;
  request.objects = SomeManifest().objects;
  request.mode = catalog::WriteMode::kAppend;
  request.commit_id = "c";
  request.allow_duplicate_source = false;
  request.brief = true;
  v1::RegisterRequest wire;
  ToProto(request, wire);
  const auto registered = FromProto(wire).value();
  EXPECT_EQ(registered.objects, request.objects);
  EXPECT_EQ(registered.mode, request.mode);
  EXPECT_EQ(registered.commit_id, "c");
  EXPECT_FALSE(registered.allow_duplicate_source);
  EXPECT_TRUE(registered.brief);
  wire.set_mode(static_cast<v1::WriteMode>(9));
  EXPECT_THAT(FromProto(wire).error().members, ElementsAre(Pair("field", "mode")));
}

TEST(RpcConvert, Durations) {
  google::protobuf::Duration message;
  SetDuration(milliseconds(90'061), &message);
  EXPECT_EQ(DurationOf(message, "d").value(), milliseconds(90'061));
  message.set_nanos(message.nanos() + 1);
  EXPECT_EQ(DurationOf(message, "d").value(), milliseconds(90'062)) << "rounded up";
  message.set_nanos(1'000'000'000);
  EXPECT_THAT(DurationOf(message, "d").error().detail, HasSubstr("not negative"));
  message.set_nanos(0);
  message.set_seconds(-1);
  EXPECT_FALSE(DurationOf(message, "d"));
  message.set_seconds(INT64_MAX);
  EXPECT_THAT(DurationOf(message, "d").error().detail, HasSubstr("too long"));
}

TEST(RpcConvert, UploadsAndTheirResults) {
  service::IngestRequest request;
  request.name = "t";
  request.mode = catalog::WriteMode::kAppend;
  request.allow_duplicates = true;
  request.format = service::SourceFormat::kNdjson;
  request.compression = service::SourceCompression::kZstd;
  request.encoding = service::SourceEncoding::kLatin1;
  request.delimiter = ';';
  request.header = false;
  request.types = {{"zip", "VARCHAR"}};
  v1::UploadOptions options;
  ToProto(request, options);
  auto back = FromProto(options).value();
  EXPECT_EQ(back.mode, request.mode);
  EXPECT_TRUE(back.allow_duplicates);
  EXPECT_EQ(back.format, request.format);
  EXPECT_EQ(back.compression, request.compression);
  EXPECT_EQ(back.encoding, request.encoding);
  EXPECT_EQ(back.delimiter, ';');
  EXPECT_FALSE(back.header);
  EXPECT_EQ(back.types, request.types);
  for (const char* delimiter : {"ab", "\"", "\n", "\r", "ä"}) {
    options.set_delimiter(delimiter);
    EXPECT_THAT(FromProto(options).error().members, Contains(Pair("field", "options.delimiter"))) << delimiter;
  }
  options.set_delimiter("");
  EXPECT_EQ(FromProto(options).value().delimiter, ',');
  options.set_compression(static_cast<v1::SourceCompression>(7));
  EXPECT_THAT(FromProto(options).error().detail, HasSubstr("compression 7"));

  service::IngestResult result;
  result.dataset_id = "id";
  result.name = "t";
  result.version = DatasetVersion(2);
  result.seq = Seq(3);
  result.columns = SomeManifest().schema;
  result.objects = SomeManifest().objects;
  result.replayed = true;
  result.widened = {{"a", "BIGINT", "VARCHAR", 17}};
  result.source_bytes = 99;
  result.took = std::chrono::microseconds(1'500'000);
  v1::UploadResponse response;
  ToProto(result, response);
  const auto known = FromProto(response);
  EXPECT_EQ(known.columns, result.columns);
  EXPECT_EQ(known.objects, result.objects);
  EXPECT_EQ(known.version, result.version);
  EXPECT_TRUE(known.replayed);
  EXPECT_EQ(known.widened.at(0).line, 17u);
  EXPECT_EQ(known.source_bytes, 99u);
  EXPECT_EQ(known.took, result.took);
}

TEST(RpcConvert, QueriesWithEveryKindOfParameter) {
  query::QueryRequest request;
  request.sql = "SELECT $1";
  request.parameters = {std::monostate(),
                        true,
                        int64_t{1} << 60,
                        0.25,
                        std::string("text"),
                        query::JsonText{"[1]"},
                        query::TypedText{"DATE", "2026-01-31"},
                        query::TypedText{"DATE", std::nullopt},
                        query::Blob{std::string("\0\xff", 2)}};
  request.timeout = milliseconds(0);
  request.at_seq = Seq(4);
  v1::RunRequest message;
  ToProto(request, message);
  const auto back = FromProto(message).value();
  ASSERT_EQ(back.parameters.size(), request.parameters.size());
  for (size_t i = 0; i < back.parameters.size(); ++i)
    EXPECT_EQ(back.parameters[i].index(), request.parameters[i].index()) << i;
  EXPECT_EQ(std::get<int64_t>(back.parameters[2]), int64_t{1} << 60);
  EXPECT_EQ(std::get<query::TypedText>(back.parameters[6]).text, "2026-01-31");
  EXPECT_FALSE(std::get<query::TypedText>(back.parameters[7]).text);
  EXPECT_EQ(std::get<query::Blob>(back.parameters[8]).bytes, std::string("\0\xff", 2));
  EXPECT_EQ(back.timeout, milliseconds(1)) << "no time left is the least there is, never no limit";
  EXPECT_EQ(back.at_seq, Seq(4));
  message.add_parameters();
  EXPECT_THAT(FromProto(message).error().members, ElementsAre(Pair("field", "parameters[9]")));
  message.clear_parameters();
  message.mutable_timeout()->set_seconds(0);
  message.mutable_timeout()->set_nanos(0);
  EXPECT_THAT(FromProto(message).error().members, ElementsAre(Pair("field", "timeout")));
}

TEST(RpcConvert, FormatsOfResults) {
  for (const auto format : {query::ResultFormat::kJson, query::ResultFormat::kNdjson, query::ResultFormat::kCsv,
                            query::ResultFormat::kArrowStream, query::ResultFormat::kParquet}) {
    EXPECT_EQ(FromProto(ToProto(format)).value(), format);
  }
  EXPECT_EQ(FromProto(v1::RESULT_FORMAT_UNSPECIFIED).value(), query::ResultFormat::kJson);
  EXPECT_THAT(FromProto(static_cast<v1::ResultFormat>(99)).error().detail, HasSubstr("99"));
}

TEST(RpcConvert, IndexOptions) {
  vector::IndexOptions options;
  options.dimension = 7;
  options.metric = vector::Metric::kDot;
  options.quantization = vector::Quantization::kRabitq4;
  options.m = 24;
  options.ef_construction = 99;
  options.text_field = "t";
  v1::IndexOptions message;
  ToProto(options, message);
  const auto back = FromProto(message).value();
  EXPECT_EQ(back.metric, options.metric);
  EXPECT_EQ(back.quantization, options.quantization);
  EXPECT_EQ(back.m, 24u);
  EXPECT_EQ(back.text_field, "t");
  EXPECT_EQ(FromProto(v1::IndexOptions()).value().m, vector::IndexOptions().m) << "0 is the default";
  message.set_metric(static_cast<v1::Metric>(9));
  EXPECT_THAT(FromProto(message).error().members, ElementsAre(Pair("field", "options.metric")));
}

TEST(RpcConvert, SearchesAndAnswers) {
  vector::SearchRequest request;
  request.vector = {1, 2, 3};
  request.k = 5;
  request.ef = 70;
  request.filter = vector::Filter::Parse(R"({"year":{"$gte":2020},"a":"b"})").value();
  request.max_distance = 0.5F;
  request.min_version = vector::IndexVersion(4);
  request.include_metadata = false;
  request.include_vector = true;
  v1::SearchRequest message;
  ToProto(request, message);
  const auto back = FromProto(message, 3).value();
  ASSERT_EQ(back.requests.size(), 1u);
  EXPECT_EQ(back.requests[0].vector, request.vector);
  EXPECT_EQ(back.requests[0].k, 5u);
  EXPECT_EQ(back.requests[0].ef, 70u);
  EXPECT_EQ(back.requests[0].filter->Canonical(), request.filter->Canonical());
  EXPECT_EQ(back.requests[0].max_distance, 0.5F);
  EXPECT_EQ(back.requests[0].min_version, request.min_version);
  EXPECT_FALSE(back.requests[0].include_metadata);
  EXPECT_TRUE(back.requests[0].include_vector);
  EXPECT_EQ(FromProto(message, 2).value().requests.at(0).vector.size(), 3u) << "one vector, that the index refuses";
  EXPECT_FALSE(FromProto(message, 0));
  message.mutable_vectors()->Add(4);
  message.mutable_vectors()->Add(5);
  message.mutable_vectors()->Add(6);
  const auto two = FromProto(message, 3).value();
  ASSERT_EQ(two.requests.size(), 2u);
  EXPECT_THAT(two.requests[1].vector, ElementsAre(4, 5, 6));
  EXPECT_THAT(FromProto(message, 4).value().requests.at(0).vector, ElementsAre(1, 2, 3, 4, 5, 6));
  message.mutable_vectors()->Add(7);
  EXPECT_THAT(FromProto(message, 3).error().members, ElementsAre(Pair("field", "vectors")));
  message.mutable_vectors()->RemoveLast();
  message.mutable_options()->set_text("words");
  EXPECT_THAT(FromProto(message, 3).error().members, ElementsAre(Pair("field", "options.text")));

  vector::SearchAnswer answer;
  answer.version = vector::IndexVersion(8);
  answer.hits = {{"a", 0.5F, 0, R"({"x":1})", {1, 2, 3}}, {"b", 0.75F, 0, std::nullopt, {}}};
  request.include_metadata = true;
  v1::SearchAnswer found;
  ToProto(answer, request, found);
  const auto read = FromProto(found);
  EXPECT_EQ(read.version, answer.version);
  EXPECT_EQ(read.hits[0].metadata, answer.hits[0].metadata);
  EXPECT_EQ(read.hits[0].vector, answer.hits[0].vector);
  EXPECT_FALSE(read.hits[1].metadata);
}

TEST(RpcConvert, ItemsAreCheckedAndNamed) {
  vector::IndexOptions options;
  options.dimension = 2;
  v1::AddItemsRequest request;
  const auto add = [&](const std::string& id, const std::vector<float>& vector) -> v1::Item& {
    v1::Item& item = *request.add_items();
    item.set_id(id);
    item.mutable_vector()->Add(vector.begin(), vector.end());
    return item;
  };
  add("a", {1, 2});
  add("b", {3, 4}).set_metadata(R"({"x":1})");
  const auto items = FromProto(options, request.items()).value();
  EXPECT_THAT(items.ids, ElementsAre("a", "b"));
  EXPECT_THAT(items.vectors, ElementsAre(1, 2, 3, 4));
  v1::AddItemsRequest again;
  ToProto(items, *again.mutable_items());
  EXPECT_EQ(again.items(1).metadata(), R"({"x":1})");
  EXPECT_FALSE(again.items(0).has_metadata());

  add("c", {1});
  auto error = FromProto(options, request.items()).error();
  EXPECT_THAT(error.detail, HasSubstr("items[2] (id \"c\")"));
  EXPECT_THAT(error.members, ElementsAre(Pair("field", "items[2]")));
  request.mutable_items(2)->mutable_vector()->Add(1);
  for (const char* metadata : {"[1]", "{", "7"}) {
    request.mutable_items(2)->set_metadata(metadata);
    EXPECT_THAT(FromProto(options, request.items()).error().detail, HasSubstr("metadata")) << metadata;
  }
  request.mutable_items(2)->clear_vector();
  request.mutable_items(2)->clear_metadata();
  EXPECT_THAT(FromProto(options, request.items()).error().detail, HasSubstr("vector is missing"));
  request.mutable_items(2)->set_text("words");
  EXPECT_EQ(FromProto(options, request.items()).value().texts.at(0).item, 2u);
}

}  // namespace
}  // namespace lakehouse::rpc
