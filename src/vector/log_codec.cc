#include "vector/log_codec.h"

#include <charconv>
#include <unordered_set>

#include "base/hash.h"
#include "vector/batch.h"
#include "vector/byte_codec.h"

namespace lakehouse::vector {
namespace {

constexpr std::string_view kLogMagic = "LHVECLOG";
constexpr size_t kLogChecksumBytes = 8;

void EncodeBatch(const Batch& batch, ByteWriter& out) {
  out.Put(static_cast<uint32_t>(batch.ids.size()));
  out.Put(static_cast<uint32_t>(batch.removed.size()));
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    out.Text(batch.ids[i]);
    out.Put(static_cast<uint8_t>(batch.metadata[i] ? 1 : 0));
    if (batch.metadata[i]) out.Text(*batch.metadata[i]);
  }
  out.Bytes({reinterpret_cast<const char*>(batch.vectors.data()), batch.vectors.size() * sizeof(float)});
  for (const std::string& id : batch.removed) out.Text(id);
}

Result<Batch> DecodeBatch(ByteReader& in, uint32_t dimension) {
  LH_ASSIGN(const auto adds, in.Get<uint32_t>());
  LH_ASSIGN(const auto removals, in.Get<uint32_t>());
  Batch batch;
  for (uint32_t i = 0; i < adds; ++i) {
    LH_ASSIGN(const std::string_view id, in.Text());
    batch.ids.emplace_back(id);
    LH_ASSIGN(const auto has_metadata, in.Get<uint8_t>());
    batch.metadata.emplace_back();
    if (has_metadata == 0) continue;
    LH_ASSIGN(const std::string_view metadata, in.Text());
    batch.metadata.back() = std::string(metadata);
  }
  LH_ASSIGN(const std::string_view raw, in.Bytes(uint64_t{adds} * dimension * sizeof(float)));
  batch.vectors.resize(size_t{adds} * dimension);
  if (!raw.empty()) std::memcpy(batch.vectors.data(), raw.data(), raw.size());
  for (uint32_t i = 0; i < removals; ++i) {
    LH_ASSIGN(const std::string_view id, in.Text());
    batch.removed.emplace_back(id);
  }
  return batch;
}

// They are applied together, which no id may stand in twice.
Status CheckDisjoint(const std::vector<Batch>& batches, std::string_view what) {
  std::unordered_set<std::string_view> seen;
  for (const Batch& batch : batches) {
    for (const auto* ids : {&batch.ids, &batch.removed}) {
      for (const std::string& id : *ids) {
        if (!seen.insert(id).second) return Fail(ErrorKind::kInternal, "{} holds the id \"{}\" twice", what, id);
      }
    }
  }
  return {};
}

template <typename T>
bool ReadDigits(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string LogName(LogPosition position) { return fmt::format("{:010}-{:020}", position.epoch, position.number); }

std::optional<LogPosition> LogPositionOf(std::string_view name) {
  LogPosition position;
  if (name.size() != 31 || name[10] != '-' || !ReadDigits(name.substr(0, 10), position.epoch) ||
      !ReadDigits(name.substr(11), position.number)) {
    return std::nullopt;
  }
  return position;
}

std::string EncodeLog(const LogRecord& record, uint32_t dimension, const std::vector<const Batch*>& batches) {
  std::string bytes;
  ByteWriter out(bytes);
  out.Bytes(kLogMagic);
  out.Put(kLogVersion);
  out.Put(static_cast<uint32_t>(record.kind));
  out.Put(dimension);
  out.Put(record.position.epoch);
  out.Put(record.position.number);
  out.Put(record.version_before);
  out.Text(record.writer);
  out.Put(static_cast<uint32_t>(batches.size()));
  for (const Batch* batch : batches) EncodeBatch(*batch, out);
  out.Put(Xxh3(bytes));
  return bytes;
}

Result<LogRecord> DecodeLog(LogPosition position, uint32_t dimension, std::string_view bytes) {
  const std::string what = "vector log object " + LogName(position);
  if (bytes.size() < kLogMagic.size() + kLogChecksumBytes || !bytes.starts_with(kLogMagic)) {
    return Fail(ErrorKind::kInternal, "{} is not a vector log", what);
  }
  uint64_t checksum;
  std::memcpy(&checksum, bytes.data() + bytes.size() - kLogChecksumBytes, sizeof checksum);
  bytes.remove_suffix(kLogChecksumBytes);
  if (Xxh3(bytes) != checksum) return Fail(ErrorKind::kInternal, "{} is damaged: its checksum does not match", what);
  ByteReader in(bytes.substr(kLogMagic.size()), what);
  LogRecord record;
  LH_ASSIGN(const auto version, in.Get<uint32_t>());
  if (version != kLogVersion) {
    return Fail(ErrorKind::kInternal, "{} has format version {}; this program reads {}", what, version, kLogVersion);
  }
  LH_ASSIGN(const auto kind, in.Get<uint32_t>());
  if (kind < 1 || kind > 3) return Fail(ErrorKind::kInternal, "{} has the unknown kind {}", what, kind);
  record.kind = static_cast<LogKind>(kind);
  LH_ASSIGN(const auto stored_dimension, in.Get<uint32_t>());
  LH_ASSIGN(record.position.epoch, in.Get<uint32_t>());
  LH_ASSIGN(record.position.number, in.Get<uint64_t>());
  if (stored_dimension != dimension || record.position != position) {
    return Fail(ErrorKind::kInternal, "{} belongs to another place or index", what);
  }
  LH_ASSIGN(record.version_before, in.Get<uint64_t>());
  LH_ASSIGN(const std::string_view writer, in.Text());
  record.writer = writer;
  LH_ASSIGN(const auto count, in.Get<uint32_t>());
  for (uint32_t i = 0; i < count; ++i) {
    LH_ASSIGN(auto batch, DecodeBatch(in, dimension));
    IndexOptions options;
    options.dimension = dimension;
    options.metric = Metric::kL2;
    if (auto checked = CheckBatch(options, batch); !checked) {
      return Fail(ErrorKind::kInternal, "{}: {}", what, checked.error().detail);
    }
    record.batches.push_back(std::move(batch));
  }
  LH_TRY(CheckDisjoint(record.batches, what));
  if (in.left() != 0) return Fail(ErrorKind::kInternal, "{} has {} bytes too many", what, in.left());
  return record;
}

}  // namespace lakehouse::vector
