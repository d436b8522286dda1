#include "vector/log_codec.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/hash.h"

namespace lakehouse::vector {
namespace {

constexpr LogPosition kHere{7, 42};
// Offsets of fields, as docs/formats.md has them.
constexpr size_t kVersionAt = 8, kKindAt = 12, kNumberAt = 24, kWriterAt = 40;

Batch TwoItems() {
  Batch batch;
  batch.ids = {"a", "b"};
  batch.vectors = {1, 2, 3, 4};
  batch.metadata = {std::nullopt, "{\"x\":1}"};
  batch.removed = {"c"};
  return batch;
}

std::string Encoded(const std::vector<const Batch*>& batches, LogPosition position = kHere) {
  return EncodeLog({LogKind::kBatches, position, "writer", 5, {}}, 2, batches);
}

// The bytes with a checksum that fits them: what was changed is found by the rules themselves.
std::string Signed(std::string bytes) {
  bytes.resize(bytes.size() - 8);
  const uint64_t checksum = Xxh3(bytes);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  return bytes;
}

template <typename T>
std::string With(std::string bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return Signed(std::move(bytes));
}

void ExpectWrong(std::string_view bytes, std::string_view detail, uint32_t dimension = 2) {
  const auto decoded = DecodeLog(kHere, dimension, bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().kind, ErrorKind::kInternal);
  EXPECT_NE(decoded.error().detail.find(detail), std::string::npos) << decoded.error().detail;
  EXPECT_NE(decoded.error().detail.find(LogName(kHere)), std::string::npos) << decoded.error().detail;
}

TEST(LogCodec, RoundTrip) {
  const Batch batch = TwoItems();
  Batch other;
  other.removed = {"gone"};
  const auto decoded = DecodeLog(kHere, 2, Encoded({&batch, &other}));
  ASSERT_TRUE(decoded) << decoded.error().detail;
  EXPECT_EQ(decoded->position, kHere);
  EXPECT_EQ(decoded->writer, "writer");
  EXPECT_EQ(decoded->version_before, 5U);
  ASSERT_EQ(decoded->batches.size(), 2U);
  EXPECT_EQ(decoded->batches[0].ids, batch.ids);
  EXPECT_EQ(decoded->batches[0].vectors, batch.vectors);
  EXPECT_EQ(decoded->batches[0].metadata, batch.metadata);
  EXPECT_EQ(decoded->batches[0].removed, batch.removed);
  EXPECT_EQ(decoded->batches[1].removed, other.removed);
}

TEST(LogCodec, NamesSortInLogOrder) {
  EXPECT_LT(LogName({9, 100}), LogName({10, 1}));
  EXPECT_LT(LogName({9, 9}), LogName({9, 10}));
  EXPECT_EQ(LogPositionOf(LogName({4000000000, ~uint64_t{0}})), (LogPosition{4000000000, ~uint64_t{0}}));
  for (const std::string_view name :
       {"", "x", "0000000001_00000000000000000001", "0000000001-0000000000000000000x",
        "9999999999-00000000000000000001", "0000000001-99999999999999999999", "-000000001-00000000000000000001"}) {
    EXPECT_FALSE(LogPositionOf(name)) << name;
  }
}

TEST(LogCodec, BadMagic) {
  const Batch batch = TwoItems();
  std::string bytes = Encoded({&batch});
  bytes[0] ^= 1;
  ExpectWrong(Signed(bytes), "not a vector log");
  ExpectWrong("", "not a vector log");
}

TEST(LogCodec, Truncated) {
  const Batch batch = TwoItems();
  const std::string bytes = Encoded({&batch});
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(DecodeLog(kHere, 2, std::string_view(bytes).substr(0, length)));
    // Cut and signed anew.
    if (length >= 8) {
      EXPECT_FALSE(DecodeLog(kHere, 2, Signed(bytes.substr(0, length))));
    }
  }
}

TEST(LogCodec, TrailingBytes) {
  const Batch batch = TwoItems();
  ExpectWrong(Signed(Encoded({&batch}) + "x"), "too many");
}

TEST(LogCodec, ChecksumMismatch) {
  const Batch batch = TwoItems();
  const std::string bytes = Encoded({&batch});
  for (size_t i = 8; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] ^= 0x10;
    ExpectWrong(flipped, "checksum");
  }
}

TEST(LogCodec, UnknownVersionOrKind) {
  const Batch batch = TwoItems();
  ExpectWrong(With(Encoded({&batch}), kVersionAt, uint32_t{2}), "format version 2");
  ExpectWrong(With(Encoded({&batch}), kKindAt, uint32_t{4}), "kind 4");
}

TEST(LogCodec, WrongPosition) {
  const Batch batch = TwoItems();
  ExpectWrong(Encoded({&batch}, {7, 41}), "another place");
  ExpectWrong(Encoded({&batch}, {6, 42}), "another place");
  ExpectWrong(With(Encoded({&batch}), kNumberAt, uint64_t{43}), "another place");
}

TEST(LogCodec, WrongDimension) {
  const Batch batch = TwoItems();
  ExpectWrong(Encoded({&batch}), "another place", 3);
}

TEST(LogCodec, LyingCounts) {
  const Batch batch = TwoItems();
  const std::string bytes = Encoded({&batch});
  const size_t batches_at = kWriterAt + 4 + std::string_view("writer").size();
  for (const size_t at : {kWriterAt, batches_at, batches_at + 4, batches_at + 8, batches_at + 12}) {
    for (const uint32_t lie : {0U, 1U, 2U, 3U, 1000U, 0x7fffffffU, 0xffffffffU}) {
      uint32_t truth = 0;
      std::memcpy(&truth, bytes.data() + at, sizeof truth);
      if (lie == truth) continue;
      EXPECT_FALSE(DecodeLog(kHere, 2, With(bytes, at, lie))) << at << " " << lie;
    }
  }
}

TEST(LogCodec, AnIdTwiceInOneRecord) {
  const Batch batch = TwoItems();
  ExpectWrong(Encoded({&batch, &batch}), "twice");
  Batch both = TwoItems();
  both.removed = {"a"};
  ExpectWrong(Encoded({&both}), "elsewhere");
  both.removed = {"c", "c"};
  ExpectWrong(Encoded({&both}), "elsewhere");
}

TEST(LogCodec, ValuesNoBatchMayHold) {
  Batch batch = TwoItems();
  batch.vectors[3] = std::numeric_limits<float>::quiet_NaN();
  ExpectWrong(Encoded({&batch}), "items[1]");
  batch = TwoItems();
  batch.ids[0] = std::string("a\0b", 3);
  ExpectWrong(Encoded({&batch}), "control");
}

}  // namespace
}  // namespace lakehouse::vector
