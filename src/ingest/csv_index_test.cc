#include "ingest/csv_index.h"

#include <gmock/gmock.h>

namespace lakehouse::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CsvIndex, EndsOutsideQuotes) {
  CsvIndex index;
  BuildCsvIndex("a,\"b,\n\"\"c\",d\n", ',', index);
  EXPECT_THAT(index.ends, ElementsAre(1, 10, 12));
  EXPECT_TRUE(index.has_quotes);
  EXPECT_FALSE(index.ends_in_quotes);
}

TEST(CsvIndex, OpenQuote) {
  CsvIndex index;
  BuildCsvIndex("\"a,b\n", ',', index);
  EXPECT_THAT(index.ends, IsEmpty());
  EXPECT_TRUE(index.ends_in_quotes);
}

TEST(CsvIndex, MemoryOfAnEarlierPieceLeavesNothing) {
  CsvIndex index;
  BuildCsvIndex("\"" + std::string(200, ','), ',', index);
  BuildCsvIndex("a;b\n", ';', index);
  EXPECT_THAT(index.ends, ElementsAre(1, 3));
  EXPECT_FALSE(index.has_quotes);
  EXPECT_FALSE(index.ends_in_quotes);
}

TEST(CsvIndex, AgreesWithTheScalarOne) {
  uint64_t random = 3;
  const auto next = [&](size_t below) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(random >> 33) % below;
  };
  CsvIndex fast, slow;
  for (int i = 0; i < 20'000; ++i) {
    // From dense in structure to nearly none.
    const std::string_view alphabet = i % 2 == 0 ? "a,\"\n\r" : "abcdefghijklmnopqrstuvwxyz0123456789,\"\n\xC3\xA9";
    std::string text(next(400), ' ');
    for (char& c : text) c = alphabet[next(alphabet.size())];
    const char delimiter = i % 5 == 0 ? '\t' : ',';
    BuildCsvIndex(text, delimiter, fast);
    BuildCsvIndexScalar(text, delimiter, slow);
    ASSERT_EQ(fast.ends, slow.ends) << text;
    ASSERT_EQ(fast.ends_in_quotes, slow.ends_in_quotes) << text;
    ASSERT_EQ(fast.has_quotes, slow.has_quotes) << text;
  }
}

}  // namespace
}  // namespace lakehouse::ingest
