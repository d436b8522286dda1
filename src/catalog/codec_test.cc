// Log entries as bytes and back: every kind comes back whole; bytes that are cut, changed or under another name are
// errors that name the object.
#include "catalog/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lakehouse::catalog {
namespace {

using ::testing::HasSubstr;

LogEntry FullEntry(LogEntry::Kind kind) {
  LogEntry entry;
  entry.kind = kind;
  entry.commit_id = "c-1";
  entry.committed_at = WallTime(std::chrono::microseconds(1'700'000'000'000'001));
  entry.name = "Städte";
  entry.table_uuid = "00000000-0000-4000-8000-000000000001";
  entry.version = DatasetVersion(7);
  return entry;
}

TEST(EntryCodecTest, AVersionComesBackWhole) {
  for (const auto kind : {LogEntry::Kind::kReplace, LogEntry::Kind::kAppend}) {
    LogEntry entry = FullEntry(kind);
    entry.fingerprint = "f";
    entry.schema = {{"a", "BIGINT", false, 1}, {"b \"quoted\"", "VARCHAR", true, 2}};
    entry.objects = {{"datasets/x/1.parquet", 10, 2, {{1, 0, "1", "9"}, {2, std::nullopt, std::nullopt, ""}}},
                     {"datasets/x/2.parquet", 0, 0, {}}};
    entry.row_count = 2;
    entry.source_sha256 = "abc";
    const auto bytes = EncodeEntries(Seq(3), {entry});
    ASSERT_TRUE(bytes);
    const auto back = DecodeEntries(Seq(3), *bytes);
    ASSERT_TRUE(back) << back.error().detail;
    ASSERT_EQ(back->size(), 1U);
    const LogEntry& got = back->front();
    EXPECT_EQ(got.kind, kind);
    EXPECT_EQ(got.commit_id, entry.commit_id);
    EXPECT_EQ(got.committed_at, entry.committed_at);
    EXPECT_EQ(got.name, entry.name);
    EXPECT_EQ(got.table_uuid, entry.table_uuid);
    EXPECT_EQ(got.version, entry.version);
    EXPECT_EQ(got.fingerprint, entry.fingerprint);
    EXPECT_EQ(got.schema, entry.schema);
    EXPECT_EQ(got.objects, entry.objects);
    EXPECT_EQ(got.row_count, entry.row_count);
    EXPECT_EQ(got.source_sha256, entry.source_sha256);
  }
}

TEST(EntryCodecTest, SeveralEntriesKeepTheirOrder) {
  using enum LogEntry::Kind;
  const std::vector<LogEntry> entries{FullEntry(kDrop), FullEntry(kPin), FullEntry(kUnpin)};
  const auto back = DecodeEntries(Seq(1), EncodeEntries(Seq(1), entries).value());
  ASSERT_TRUE(back) << back.error().detail;
  ASSERT_EQ(back->size(), entries.size());
  for (size_t i = 0; i < entries.size(); ++i) EXPECT_EQ((*back)[i].kind, entries[i].kind);
}

TEST(EntryCodecTest, AnyCutOrOtherNameIsAnErrorThatNamesTheObject) {
  const std::string bytes = EncodeEntries(Seq(5), {FullEntry(LogEntry::Kind::kDrop)}).value();
  for (size_t length = 0; length < bytes.size(); length += 61) {
    const auto cut = DecodeEntries(Seq(5), std::string_view(bytes).substr(0, length));
    ASSERT_FALSE(cut) << length;
    EXPECT_THAT(cut.error().detail, HasSubstr(LogKey(Seq(5))));
  }
  const auto other = DecodeEntries(Seq(6), bytes);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().detail, HasSubstr(LogKey(Seq(6))));
}

}  // namespace
}  // namespace lakehouse::catalog
