// Segment files: a whole index as one file that is mapped to open it. docs/formats.md, "Vector segment", has the bytes.
//
// A header of one page, then sections at page boundaries, each with its own checksum. What says where something lies is
// checked before it is used; what is large (codes with their links, vectors, records' contents) is verified soon after,
// so that opening takes no time, and may be read before: a link that leads nowhere is not followed, and no value
// is trusted to be a number. Pure but for the mapping; callable from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "vector/slot_memory.h"
#include "vector/types.h"

namespace lakehouse::vector {

inline constexpr uint32_t kSegmentVersion = 1;
inline constexpr size_t kSegmentPage = 4096;

enum class Section : size_t {
  kMean = 0,  // float a dimension, or nothing
  kNodes,     // a record of the graph for each slot, or nothing
  kHeaders,   // factor and norm of each slot's code, two floats, or nothing
  kInfos,     // 64 bits for each slot: state, level, first upper row
  kUpper,     // links of upper levels, row after row
  kVectors,   // float × dimension for each slot
  kLengths,   // 1 / length for each slot, float
  kOffsets,   // where the slot's record begins in kRecords plus one, 64 bits; 0: no live item
  kRecords,   // ids and metadata
  kIds,       // hash table of slots by id
  kCount,
};
inline constexpr size_t kSections = static_cast<size_t>(Section::kCount);

struct SegmentHeader {
  IndexOptions options;
  uint64_t version = 0;  // of the index
  LogPosition log;       // all that the log says up to here is in the segment
  uint64_t seed = 0;     // of the codec
  uint64_t slots = 0, live = 0, upper_rows = 0;
  uint64_t entry = 0;  // of the graph
  uint64_t node_stride = 0;
  struct Place {
    uint64_t offset = 0, bytes = 0, checksum = 0;
  };
  std::array<Place, kSections> sections;

  const Place& of(Section section) const { return sections[static_cast<size_t>(section)]; }
  Place& of(Section section) { return sections[static_cast<size_t>(section)]; }
};

// One page.
std::string EncodeSegmentHeader(const SegmentHeader& header);
// kInternal saying what is wrong; sections lie inside `file_bytes`, do not overlap and fit their counts.
Result<SegmentHeader> DecodeSegmentHeader(std::string_view page, uint64_t file_bytes);

// A segment file, mapped copy-on-write.
struct OpenSegment {
  SegmentHeader header;
  std::shared_ptr<Mapping> mapping;

  template <typename T>
  std::span<const T> Of(Section section) const {
    const auto& place = header.of(section);
    return {reinterpret_cast<const T*>(mapping->data() + place.offset), place.bytes / sizeof(T)};
  }
};
// Its header and its small sections are verified.
Result<OpenSegment> MapSegment(const std::filesystem::path& path, unsigned threads);
// The others. REQUIRES: nothing of them was changed yet.
Status VerifyLargeSections(const OpenSegment& segment, unsigned threads);

}  // namespace lakehouse::vector
