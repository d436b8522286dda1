#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/json_value.h"
#include "base/request_context.h"
#include "base/stream.h"
#include "base/utf8.h"
#include "base/uuid.h"

namespace lakehouse {
namespace {

using ::testing::HasSubstr;

TEST(UuidTest, DatasetIdsAreTheSameEverywhere) {
  // Python: uuid.uuid5(uuid.UUID("a8f3c1d2-4e5b-5a6c-9d8e-7f0a1b2c3d4e"), "trips")
  EXPECT_EQ(DatasetUuid("trips"), "24bf24c3-c628-56ca-91f4-c0fc22fa67af");
  EXPECT_EQ(NameUuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(UuidTest, RandomOnesDiffer) {
  const std::string a = RandomUuid();
  EXPECT_EQ(a.size(), 36U);
  EXPECT_EQ(a[14], '4');
  EXPECT_NE(a, RandomUuid());
}

TEST(HashTest, KnownDigests) {
  EXPECT_EQ(ToHex(Sha256Of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha1Of("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(ToHex(HmacSha256("key", "The quick brown fox jumps over the lazy dog")),
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  EXPECT_EQ(Base64Encode("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  EXPECT_EQ(Base64Encode(""), "");
}

TEST(HashTest, PiecesGiveTheWholesDigest) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("bc");
  EXPECT_EQ(hash.Finish(), Sha256Of("abc"));
}

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

TEST(JsonTest, StringsAreEscapedAndAlwaysValid) {
  EXPECT_EQ(Json("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(Json("grüße 🚀"), "\"grüße 🚀\"");
  EXPECT_EQ(Json("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(Json("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonTest, DoublesReadBackTheSame) {
  std::string out;
  for (const double value : {0.1, -0.0, 1e300, 3.0, 5e-324}) {
    out.clear();
    AppendJsonDouble(out, value);
    EXPECT_EQ(std::strtod(out.c_str(), nullptr), value) << out;
  }
  out.clear();
  AppendJsonDouble(out, std::numeric_limits<double>::infinity());
  EXPECT_EQ(out, "\"Infinity\"");
}

TEST(JsonTest, WriterPlacesCommas) {
  std::string out;
  JsonWriter(out)
      .BeginObject()
      .Key("a")
      .Number(1)
      .Key("b")
      .BeginArray()
      .Bool(true)
      .Null()
      .EndArray()
      .Key("c")
      .String("x")
      .EndObject();
  EXPECT_EQ(out, R"({"a":1,"b":[true,null],"c":"x"})");
}

TEST(JsonValueTest, SaysWhereTheTextStopsBeingJson) {
  const auto bad = ParseJson("{\"a\":}");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(bad.error().detail, HasSubstr("byte"));
  EXPECT_FALSE(ParseJson("{} x"));
  EXPECT_FALSE(ParseJson(""));
  EXPECT_FALSE(ParseJson(std::string(1000, '[')));
}

TEST(JsonValueTest, GettersNameTheField) {
  const auto value = ParseJson(R"({"n":-1,"s":"x","u":7,"z":null})");
  ASSERT_TRUE(value);
  const auto fields = JsonFields::Of(*value, "the request body");
  ASSERT_TRUE(fields);
  EXPECT_EQ(*fields->Uint("u"), 7U);
  EXPECT_EQ(*fields->Int("n"), -1);
  EXPECT_THAT(fields->Uint("n").error().detail, HasSubstr("\"n\""));
  EXPECT_THAT(fields->String("missing").error().detail, HasSubstr("\"missing\" of the request body is missing"));
  EXPECT_EQ(*fields->OptionalString("z"), std::nullopt);
}

TEST(Utf8Test, FindsTheFirstByteThatDoesNotBelong) {
  EXPECT_EQ(FindInvalidUtf8("plain ascii and grüße"), std::nullopt);
  EXPECT_EQ(FindInvalidUtf8("12345678\xC0\x80"), 8U);
  EXPECT_EQ(FindInvalidUtf8("a\xE2\x82"), 1U);
  EXPECT_EQ(FindInvalidUtf8("\xF4\x90\x80\x80"), 0U);
}

TEST(ClockTest, TimesReadBack) {
  const auto time = ParseRfc3339("2026-01-31T12:34:56.123456Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(FormatRfc3339(*time), "2026-01-31T12:34:56.123456Z");
  EXPECT_EQ(FormatHttpDate(*time), "Sat, 31 Jan 2026 12:34:56 GMT");
  EXPECT_EQ(*ParseHttpDate("Sat, 31 Jan 2026 12:34:56 GMT"), std::chrono::floor<std::chrono::seconds>(*time));
  EXPECT_FALSE(ParseRfc3339("2026-02-30T00:00:00Z"));
  EXPECT_FALSE(ParseHttpDate("yesterday"));
}

TEST(DeadlineTest, PassesAndCompares) {
  EXPECT_FALSE(Deadline().HasPassed());
  EXPECT_TRUE(Deadline::After(std::chrono::seconds(-1)).HasPassed());
  EXPECT_EQ(Deadline::After(std::chrono::seconds(-1)).Remaining().count(), 0);
  RequestContext context;
  context.deadline = Deadline::After(std::chrono::seconds(-1));
  EXPECT_EQ(context.Check("reading").error().kind, ErrorKind::kDeadline);
}

TEST(StreamTest, ReadAllKeepsToItsLimit) {
  StringSource source("hello");
  EXPECT_EQ(*ReadAll(source, 5), "hello");
  StringSource longer("hello!");
  EXPECT_EQ(ReadAll(longer, 5).error().kind, ErrorKind::kTooLarge);
}

TEST(FileTest, TemporaryFilesHoldWhatIsWritten) {
  auto file = OpenTemporaryFile(std::filesystem::temp_directory_path());
  ASSERT_TRUE(file);
  ASSERT_TRUE(WriteFully(file->get(), "some bytes"));
  FileSource source(file->get(), 5, 5);
  EXPECT_EQ(*ReadAll(source, 100), "bytes");
  char out[4];
  EXPECT_FALSE(ReadFullyAt(file->get(), out, sizeof(out), 8));
  EXPECT_EQ(ErrnoError(ENOSPC, "x").kind, ErrorKind::kExhausted);
}

}  // namespace
}  // namespace lakehouse
