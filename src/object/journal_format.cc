#include "object/journal_format.h"

#include <cstring>

#include "base/hash.h"

namespace lakehouse::object {
namespace {

constexpr std::string_view kMagic = "LHJRNL01";
constexpr uint32_t kMaxPayloadBytes = 4 << 20;

template <typename T>
void PutInt(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

template <typename T>
T TakeInt(std::string_view& in) {
  T value{};
  if (in.size() >= sizeof(T)) {
    std::memcpy(&value, in.data(), sizeof(T));
    in.remove_prefix(sizeof(T));
  } else {
    in = {};
  }
  return value;
}

std::string_view TakeField(std::string_view& in, size_t size) {
  const std::string_view field = in.substr(0, size);
  in.remove_prefix(field.size());
  return field;
}

std::optional<JournalRecord> ParsePayload(std::string_view payload) {
  JournalRecord record;
  const auto kind = TakeInt<uint8_t>(payload);
  if (kind < 1 || kind > 4) return std::nullopt;
  record.kind = static_cast<JournalRecord::Kind>(kind);
  for (std::string_view* field : {&record.key, &record.etag, &record.content_type}) {
    *field = TakeField(payload, TakeInt<uint16_t>(payload));
  }
  const auto size = TakeInt<uint32_t>(payload);
  if (payload.size() != size) return std::nullopt;
  record.bytes = payload;
  return record;
}

// A record of another generation, left in a file that is overwritten in place, must not pass for one of this.
uint64_t Sealed(uint64_t checksum, uint64_t generation) { return checksum ^ (generation * 0x9E3779B97F4A7C15ULL); }

}  // namespace

std::string JournalHeader(uint64_t generation) {
  std::string header(kMagic);
  PutInt(header, generation);
  return header;
}

uint64_t GenerationOf(std::string_view segment) {
  if (!segment.starts_with(kMagic) || segment.size() < kJournalHeaderBytes) return 0;
  segment.remove_prefix(kMagic.size());
  return TakeInt<uint64_t>(segment);
}

std::string JournalFrame(const JournalRecord& record) {
  std::string frame(kJournalFrameBytes, '\0');
  frame.reserve(64 + record.key.size() + record.etag.size() + record.content_type.size() + record.bytes.size());
  PutInt(frame, static_cast<uint8_t>(record.kind));
  for (const std::string_view field : {record.key, record.etag, record.content_type}) {
    PutInt(frame, static_cast<uint16_t>(field.size()));
    frame.append(field);
  }
  PutInt(frame, static_cast<uint32_t>(record.bytes.size()));
  frame.append(record.bytes);
  const std::string_view payload = std::string_view(frame).substr(kJournalFrameBytes);
  const auto size = static_cast<uint32_t>(payload.size());
  const uint64_t checksum = Xxh3(payload);
  std::memcpy(frame.data(), &size, sizeof(size));
  std::memcpy(frame.data() + sizeof(size), &checksum, sizeof(checksum));
  return frame;
}

void SealFrame(std::string_view frame, uint64_t generation, std::string& batch) {
  PutInt(batch, TakeInt<uint32_t>(frame));
  PutInt(batch, Sealed(TakeInt<uint64_t>(frame), generation));
  batch.append(frame);
}

std::string CutFrame(const JournalCut& cut) {
  std::string bytes;
  PutInt(bytes, cut.generation);
  PutInt(bytes, cut.at);
  return JournalFrame({JournalRecord::Kind::kCut, {}, {}, {}, bytes});
}

std::optional<JournalCut> ParseCut(const JournalRecord& record) {
  std::string_view bytes = record.bytes;
  if (record.kind != JournalRecord::Kind::kCut || bytes.size() != 2 * sizeof(uint64_t)) return std::nullopt;
  JournalCut cut;
  cut.generation = TakeInt<uint64_t>(bytes);
  cut.at = TakeInt<uint64_t>(bytes);
  return cut;
}

std::vector<PlacedRecord> ParseSegment(std::string_view segment) {
  std::vector<PlacedRecord> records;
  const uint64_t generation = GenerationOf(segment);
  if (generation == 0) return records;
  std::string_view rest = segment.substr(kJournalHeaderBytes);
  while (rest.size() >= kJournalFrameBytes) {
    const uint64_t at = segment.size() - rest.size();
    const auto size = TakeInt<uint32_t>(rest);
    const auto checksum = TakeInt<uint64_t>(rest);
    if (size > kMaxPayloadBytes || size > rest.size()) break;
    const std::string_view payload = TakeField(rest, size);
    if (Sealed(Xxh3(payload), generation) != checksum) break;
    const auto record = ParsePayload(payload);
    if (!record) break;
    records.push_back({*record, at});
  }
  return records;
}

}  // namespace lakehouse::object
