#include "vector/segment.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "base/hash.h"
#include "object/store_test_folder.h"
#include "vector/index.h"
#include "vector/item_scan.h"

namespace lakehouse::vector {
namespace {

constexpr uint32_t kSegmentDimension = 24;
constexpr size_t kSegmentItems = 1500;  // enough for a graph

class SegmentTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.dimension = kSegmentDimension;
    options_.metric = Metric::kL2;
    options_.ef_construction = 60;
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    Batch batch;
    for (size_t i = 0; i < kSegmentItems; ++i) {
      batch.ids.push_back("id-" + std::to_string(i));
      for (uint32_t d = 0; d < kSegmentDimension; ++d) batch.vectors.push_back(normal(random));
      batch.metadata.emplace_back("{\"n\":" + std::to_string(i) + "}");
    }
    query_.assign(batch.vectors.begin(), batch.vectors.begin() + kSegmentDimension);
    const auto index = *Index::Make(options_, std::nullopt, 2);
    ASSERT_TRUE(index->Apply(batch));
    Batch gone;
    gone.removed = {"id-7", "id-900"};
    ASSERT_TRUE(index->Apply(gone));
    const auto pinned = index->Capture({3, 9});
    ASSERT_TRUE(WriteSegment(pinned->capture, Path()));
    bytes_ = ReadFile();
    hits_ = Hits(*index);
  }

  std::filesystem::path Path() const { return folder_.path() / "segment"; }
  std::string ReadFile() const {
    std::ifstream in(Path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  Result<std::unique_ptr<Index>> Open(const std::string& bytes) const {
    std::ofstream(Path(), std::ios::binary | std::ios::trunc) << bytes;
    LH_ASSIGN(const auto segment, MapSegment(Path(), 2));
    return Index::Adopt(segment, std::nullopt, 2, {});
  }
  std::vector<std::string> Hits(Index& index) const {
    SearchRequest request;
    request.vector = query_;
    const auto answer = index.Search({}, request);
    EXPECT_TRUE(answer) << answer.error().detail;
    std::vector<std::string> ids;
    if (answer) {
      for (const Hit& hit : answer->hits) ids.push_back(hit.id);
    }
    return ids;
  }
  SegmentHeader Header() const { return *DecodeSegmentHeader(bytes_.substr(0, kSegmentPage), bytes_.size()); }
  // Somebody who knows the format: every checksum is right again.
  static void Sign(std::string& bytes) {
    SegmentHeader header = *DecodeSegmentHeader(bytes.substr(0, kSegmentPage), bytes.size());
    for (auto& place : header.sections)
      place.checksum = Xxh3(std::string_view(bytes).substr(place.offset, place.bytes));
    bytes.replace(0, kSegmentPage, EncodeSegmentHeader(header));
  }
  template <typename T>
  static void Put(std::string& bytes, uint64_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }

  IndexOptions options_;
  const object::TemporaryFolder folder_;
  std::string bytes_;
  std::vector<float> query_;
  std::vector<std::string> hits_;
};

TEST_F(SegmentTest, OpensAsItWasBeforeAndAfterItIsVerified) {
  const auto index = Open(bytes_);
  ASSERT_TRUE(index) << index.error().detail;
  EXPECT_EQ(Hits(**index), hits_);
  EXPECT_EQ((*index)->length(), kSegmentItems - 2);
  EXPECT_FALSE((*index)->Get("id-7"));
  EXPECT_EQ((*index)->Get("id-8")->metadata, "{\"n\":8}");
  ASSERT_TRUE((*index)->Verify());
  EXPECT_EQ(Hits(**index), hits_);
  EXPECT_EQ((*(*index)->Scan({}))->Next(2 * kSegmentItems).size(), kSegmentItems - 2);
  Batch batch;
  batch.ids = {"new"};
  batch.vectors = query_;
  batch.metadata = {std::nullopt};
  ASSERT_TRUE((*index)->Apply(batch));
  EXPECT_EQ((*index)->length(), kSegmentItems - 1);
}

TEST_F(SegmentTest, EveryFlippedBitIsFoundBeforeAnythingIsWritten) {
  const SegmentHeader header = Header();
  std::mt19937 random(11);
  for (size_t section = 0; section < kSections; ++section) {
    const auto& place = header.sections[section];
    for (int i = 0; i < 12 && place.bytes != 0; ++i) {
      std::string flipped = bytes_;
      flipped[place.offset + random() % place.bytes] ^= static_cast<char>(1 << random() % 8);
      const auto index = Open(flipped);
      if (!index) {
        EXPECT_EQ(index.error().kind, ErrorKind::kInternal);
        continue;
      }
      Hits(**index);
      (*index)->Get("id-1");
      Batch batch;
      batch.removed = {"id-1"};
      EXPECT_FALSE((*index)->Apply(batch)) << "section " << section;
      EXPECT_FALSE((*index)->Scan({}));
      SearchRequest request;
      request.vector = query_;
      const auto refused = (*index)->Search({}, request);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().kind, ErrorKind::kInternal);
      EXPECT_NE(refused.error().detail.find("damaged"), std::string::npos) << refused.error().detail;
    }
  }
}

TEST_F(SegmentTest, EveryTruncationIsFound) {
  for (size_t length = 0; length < bytes_.size(); length += 1 + bytes_.size() / 97) {
    const auto index = Open(bytes_.substr(0, length));
    ASSERT_FALSE(index) << length;
    EXPECT_EQ(index.error().kind, ErrorKind::kInternal);
  }
}

TEST_F(SegmentTest, LinksThatLeadNowhereAreNotFollowed) {
  const SegmentHeader header = Header();
  const auto& nodes = header.of(Section::kNodes);
  for (const uint32_t to :
       {0x7fffffffU, 0x80000000U, 0xfffffffeU, 8191U, 8192U, static_cast<uint32_t>(kSegmentItems)}) {
    std::string crafted = bytes_;
    for (size_t slot = 0; slot < kSegmentItems; ++slot) {
      // The first link of every node.
      Put(crafted, nodes.offset + slot * header.node_stride + 64, to);
    }
    Sign(crafted);
    const auto index = Open(crafted);
    ASSERT_TRUE(index) << index.error().detail;
    Hits(**index);
    const Status verified = (*index)->Verify();
    ASSERT_FALSE(verified);
    EXPECT_NE(verified.error().detail.find("link"), std::string::npos) << verified.error().detail;
  }
}

TEST_F(SegmentTest, WhatIsNoNumberIsSortedLast) {
  const SegmentHeader header = Header();
  std::string crafted = bytes_;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto& vectors = header.of(Section::kVectors);
  for (size_t slot = 0; slot < kSegmentItems; slot += 2)
    Put(crafted, vectors.offset + slot * kSegmentDimension * sizeof(float), nan);
  const auto& codes = header.of(Section::kHeaders);
  for (size_t slot = 0; slot < kSegmentItems; slot += 3) Put(crafted, codes.offset + slot * 2 * sizeof(float), nan);
  Sign(crafted);
  const auto index = Open(crafted);
  ASSERT_TRUE(index) << index.error().detail;
  for (const char* filter : {"{}", R"({"n":{"$lt":400}})", R"({"n":{"$lt":1400}})"}) {
    SearchRequest request;
    request.vector = query_;
    request.k = 50;
    request.filter = *Filter::Parse(filter);
    const auto answer = (*index)->Search({}, request);
    ASSERT_TRUE(answer) << answer.error().detail;
    for (size_t i = 1; i < answer->hits.size(); ++i) {
      EXPECT_LE(answer->hits[i - 1].distance, answer->hits[i].distance);
    }
  }
}

TEST_F(SegmentTest, PlacesOutsideTheirSectionsAreFound) {
  const SegmentHeader header = Header();
  struct Wrong {
    Section section;
    uint64_t place, value;
  };
  for (const auto& [section, place, value] :
       {Wrong{Section::kOffsets, 80, ~uint64_t{0}}, Wrong{Section::kOffsets, 80, header.of(Section::kRecords).bytes},
        Wrong{Section::kInfos, 80, ~uint64_t{0}},
        Wrong{Section::kInfos, 80, uint64_t{15} << 8 | 1 | uint64_t{0xffff} << 32},
        Wrong{Section::kIds, 0, 0x7000000070000000}, Wrong{Section::kUpper, 0, 0x7000000070000000}}) {
    std::string crafted = bytes_;
    Put(crafted, header.of(section).offset + place, value);
    Sign(crafted);
    const auto index = Open(crafted);
    EXPECT_FALSE(index) << static_cast<int>(section);
  }
}

}  // namespace
}  // namespace lakehouse::vector
