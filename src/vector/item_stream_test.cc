#include "vector/item_stream.h"

#include <gtest/gtest.h>

namespace lakehouse::vector {
namespace {

std::vector<StoredItem> Items() {
  return {{"a", {1, 2}, R"({"n":1})"}, {"b", {3, 4}, std::nullopt}, {"ü", {5, 6}, "{}"}};
}

std::string Written(ItemColumns columns, const std::vector<std::vector<StoredItem>>& pieces) {
  std::string bytes;
  StringSink sink(bytes);
  auto writer = *ItemStreamWriter::Open(2, columns, sink);
  for (const auto& piece : pieces) EXPECT_TRUE(writer->Write(piece));
  EXPECT_TRUE(writer->Finish());
  return bytes;
}

TEST(ItemStream, GivesBackWhatWasWritten) {
  const std::string bytes = Written({}, {Items(), {}, {{"c", {7, 8}, std::nullopt}}});
  StringSource source(bytes);
  auto reader = *ItemStreamReader::Open(source);
  const auto first = reader->Next();
  ASSERT_TRUE(first) << first.error().detail;
  ASSERT_EQ(first->size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*first)[i].id, Items()[i].id);
    EXPECT_EQ((*first)[i].vector, Items()[i].vector);
    EXPECT_EQ((*first)[i].metadata, Items()[i].metadata);
  }
  EXPECT_EQ(reader->Next()->front().id, "c");
  EXPECT_TRUE(reader->Next()->empty());
}

TEST(ItemStream, LeavesOutWhatWasNotAskedFor) {
  const std::string bytes = Written({.vector = false, .metadata = false}, {Items()});
  StringSource source(bytes);
  const auto items = (*ItemStreamReader::Open(source))->Next();
  ASSERT_TRUE(items);
  EXPECT_TRUE(items->front().vector.empty());
  EXPECT_FALSE(items->front().metadata);
}

TEST(ItemStream, EveryTruncationIsAnErrorOrAnEarlyEndBetweenBatches) {
  const std::string bytes = Written({}, {Items()});
  for (size_t length = 0; length < bytes.size(); ++length) {
    StringSource source(std::string_view(bytes).substr(0, length));
    const auto reader = ItemStreamReader::Open(source);
    if (!reader) continue;
    const auto items = (*reader)->Next();
    if (items && !items->empty()) EXPECT_EQ(items->size(), 3U) << length;
  }
}

TEST(ItemStream, TheErrorOfTheSourceIsTheError) {
  class Broken final : public ByteSource {
   public:
    Result<size_t> Read(std::span<char>) override { return Fail(ErrorKind::kUpstream, "unplugged"); }
  } source;
  EXPECT_EQ(ItemStreamReader::Open(source).error().kind, ErrorKind::kUpstream);
}

}  // namespace
}  // namespace lakehouse::vector
