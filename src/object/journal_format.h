// The bytes of the local store's journal: docs/formats.md, "Local store". Pure; callable from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lakehouse::object {

struct JournalRecord {
  enum class Kind : uint8_t {
    kPut = 1,     // the object's bytes follow
    kDelete = 2,  // no object has this key
    kLarge = 3,  // the object's bytes, synced before this record, are in the tree or in the temporary file that `bytes`
                 // names
    kCut = 4,    // the journal's own: `bytes` is a JournalCut
  };
  Kind kind = Kind::kPut;
  std::string_view key;
  std::string_view etag;
  std::string_view content_type;
  std::string_view bytes;
};

// Nothing counts that stands at `at` or behind it in the segment of this generation: it was answered with an error.
struct JournalCut {
  uint64_t generation = 0;
  uint64_t at = 0;
};

inline constexpr uint64_t kJournalHeaderBytes = 16;  // magic, generation
inline constexpr uint64_t kJournalFrameBytes = 12;   // payload size, checksum

std::string JournalHeader(uint64_t generation);
// 0 for a file that is no journal segment, or an empty one.
uint64_t GenerationOf(std::string_view segment);

// A record as it stands in a segment, but for the generation, which SealFrame puts in.
std::string JournalFrame(const JournalRecord& record);
// Appends the frame to what is to be written to the segment of this generation.
void SealFrame(std::string_view frame, uint64_t generation, std::string& batch);
std::string CutFrame(const JournalCut& cut);
std::optional<JournalCut> ParseCut(const JournalRecord& record);

struct PlacedRecord {
  JournalRecord record;  // points into the segment
  uint64_t at = 0;       // where its frame begins
};
// Whole records up to the first that is torn or of another generation.
std::vector<PlacedRecord> ParseSegment(std::string_view segment);

}  // namespace lakehouse::object
