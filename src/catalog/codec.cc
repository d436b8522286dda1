#include "catalog/codec.h"

#include <charconv>
#include <unordered_map>

#include "catalog/row_codec.h"
#include "catalog/schema_json.h"

namespace lakehouse::catalog {
namespace {

constexpr std::string_view kSuffix = ".parquet";
constexpr int64_t kPinnedFlag = 1;
constexpr int64_t kDropFlag = 2;

struct KindName {
  LogEntry::Kind kind;
  std::string_view name;
};
constexpr KindName kKinds[] = {{LogEntry::Kind::kReplace, "replace"}, {LogEntry::Kind::kAppend, "append"},
                               {LogEntry::Kind::kDrop, "drop"},       {LogEntry::Kind::kPin, "pin"},
                               {LogEntry::Kind::kUnpin, "unpin"},     {LogEntry::Kind::kExpire, "expire"},
                               {LogEntry::Kind::kPurge, "purge"}};

int64_t ToMicros(WallTime time) { return time.time_since_epoch().count(); }
WallTime FromMicros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }
std::string Title(std::string_view what, Seq seq) { return fmt::format("{} {}", what, seq.value); }

Error Damaged(std::string_view key, const Error& error) {
  return Error{ErrorKind::kInternal,
               fmt::format("the catalog object {} cannot be used: {}", key, error.detail),
               std::nullopt,
               {}};
}

void FillObject(Row& row, const DataObject& object) {
  row.object_key = object.key;
  row.object_size = static_cast<int64_t>(object.size);
  row.object_rows = static_cast<int64_t>(object.rows);
  row.object_stats_json = StatsToJson(object.stats);
}

Result<DataObject> TakeObject(const Row& row) {
  if (row.object_size < 0 || row.object_rows < 0) return Fail(ErrorKind::kInternal, "an object without size or rows");
  DataObject object{row.object_key, static_cast<uint64_t>(row.object_size), static_cast<uint64_t>(row.object_rows), {}};
  LH_ASSIGN(object.stats, StatsFromJson(row.object_stats_json));
  return object;
}

// The entry's own row, then one for each object, version or key that it names.
Status WriteEntry(const LogEntry& entry, int64_t number, RowWriter& rows) {
  Row head;
  head.entry = number;
  for (const KindName& kind : kKinds) {
    if (kind.kind == entry.kind) head.kind = kind.name;
  }
  head.commit_id = entry.commit_id;
  head.committed_at_us = ToMicros(entry.committed_at);
  head.name = entry.name;
  head.table_uuid = entry.table_uuid;
  if (entry.version.value != 0) head.version = static_cast<int64_t>(entry.version.value);
  head.fingerprint = entry.fingerprint;
  if (!entry.schema.empty()) head.schema_json = SchemaToJson(entry.schema);
  head.row_count = static_cast<int64_t>(entry.row_count);
  head.source_sha256 = entry.source_sha256;
  LH_TRY(rows.Add(std::move(head)));
  const auto add = [&](std::string_view kind, const auto& fill) {
    Row row;
    row.entry = number;
    row.kind = kind;
    fill(row);
    return rows.Add(std::move(row));
  };
  for (const DataObject& object : entry.objects) LH_TRY(add("object", [&](Row& row) { FillObject(row, object); }));
  for (const auto& [name, version] : entry.versions) {
    LH_TRY(add("version", [&](Row& row) {
      row.name = name;
      row.version = static_cast<int64_t>(version.value);
    }));
  }
  for (const std::string& key : entry.keys) LH_TRY(add("key", [&](Row& row) { row.object_key = key; }));
  return {};
}

Result<LogEntry> TakeHead(const Row& row) {
  LogEntry entry;
  bool known = false;
  for (const KindName& kind : kKinds) {
    if (kind.name != row.kind) continue;
    entry.kind = kind.kind;
    known = true;
  }
  if (!known) return Fail(ErrorKind::kInternal, "an entry of the unknown kind \"{}\"", row.kind);
  entry.commit_id = row.commit_id;
  entry.committed_at = FromMicros(row.committed_at_us);
  entry.name = row.name;
  entry.table_uuid = row.table_uuid;
  entry.version = DatasetVersion(static_cast<uint64_t>(std::max<int64_t>(row.version, 0)));
  entry.fingerprint = row.fingerprint;
  if (!row.schema_json.empty()) {
    LH_ASSIGN(entry.schema, SchemaFromJson(row.schema_json));
  }
  entry.row_count = static_cast<uint64_t>(std::max<int64_t>(row.row_count, 0));
  entry.source_sha256 = row.source_sha256;
  return entry;
}

Status TakeEntryRow(const Row& row, std::vector<LogEntry>& entries) {
  const bool detail = row.kind == "object" || row.kind == "version" || row.kind == "key";
  if (!detail) {
    LH_ASSIGN(auto entry, TakeHead(row));
    entries.push_back(std::move(entry));
    return {};
  }
  if (entries.empty()) return Fail(ErrorKind::kInternal, "it begins with the middle of an entry");
  LogEntry& entry = entries.back();
  if (row.kind == "object") {
    LH_ASSIGN(auto object, TakeObject(row));
    entry.objects.push_back(std::move(object));
  } else if (row.kind == "version") {
    entry.versions.emplace_back(row.name, DatasetVersion(static_cast<uint64_t>(std::max<int64_t>(row.version, 0))));
  } else {
    entry.keys.push_back(row.object_key);
  }
  return {};
}

Row GenerationRow(const Generation& generation) {
  Row row;
  row.kind = "generation";
  row.table_uuid = generation.table_uuid;
  row.committed_at_us = ToMicros(generation.created_at);
  row.fingerprint = generation.fingerprint;
  row.schema_json = SchemaToJson(generation.schema);
  return row;
}

Status WriteChunk(const Chunk& chunk, size_t position, RowWriter& rows) {
  for (const DataObject& object : chunk.objects) {
    Row row;
    row.kind = "object";
    row.position = static_cast<int64_t>(position);
    row.source_sha256 = chunk.source_sha256;
    FillObject(row, object);
    LH_TRY(rows.Add(std::move(row)));
  }
  return {};
}

Row VersionRow(const VersionState& version) {
  Row row;
  row.kind = "version";
  row.seq = static_cast<int64_t>(version.seq.value);
  row.version = static_cast<int64_t>(version.version.value);
  row.flags = (version.pinned ? kPinnedFlag : 0) | (version.is_drop ? kDropFlag : 0);
  row.mode = version.mode == WriteMode::kAppend ? "append" : "replace";
  row.row_count = static_cast<int64_t>(version.row_count);
  row.committed_at_us = ToMicros(version.committed_at);
  row.commit_id = version.commit_id;
  row.source_sha256 = version.source_sha256;
  row.position = static_cast<int64_t>(version.chunks.size());
  return row;
}

Status WriteKeys(std::string_view kind, const KeyTimes& keys, RowWriter& rows) {
  for (const auto& [key, since] : keys) {
    Row row;
    row.kind = kind;
    row.object_key = key;
    row.committed_at_us = ToMicros(since);
    LH_TRY(rows.Add(std::move(row)));
  }
  return {};
}

// A checkpoint's rows: per dataset its head, then generation by generation the objects (position = chunk) and the
// versions (position = how many chunks it names). Last come the released and the purged keys.
Status WriteDataset(const DatasetState& dataset, RowWriter& rows) {
  Row head;
  head.kind = "dataset";
  head.name = dataset.name;
  head.dataset_id = dataset.dataset_id;
  head.version = static_cast<int64_t>(dataset.last_version.value);
  LH_TRY(rows.Add(std::move(head)));
  const Generation* open = nullptr;
  size_t chunks_written = 0;
  // Versions of one replace and its appends share objects; each object is written once, with the oldest that names it.
  for (const VersionPtr& version : dataset.versions().ToVector()) {
    const Generation* generation = version->generation.get();
    if (open == nullptr || (open != generation && !version->is_drop)) {
      chunks_written = 0;
      LH_TRY(rows.Add(GenerationRow(*generation)));
      open = generation;
    }
    for (; chunks_written < version->chunks.size(); ++chunks_written)
      LH_TRY(WriteChunk(*version->chunks.At(chunks_written), chunks_written, rows));
    LH_TRY(rows.Add(VersionRow(*version)));
  }
  return {};
}

// Rebuilds datasets from a checkpoint's rows, one row at a time.
class StateReader {
 public:
  Status Take(const Row& row) {
    if (row.kind == "state") {
      floor_ = Seq(static_cast<uint64_t>(std::max<int64_t>(row.seq, 0)));
      last_commit_at_ = FromMicros(row.committed_at_us);
    } else if (row.kind == "released") {
      released_[row.object_key] = FromMicros(row.committed_at_us);
    } else if (row.kind == "purged") {
      purged_[row.object_key] = FromMicros(row.committed_at_us);
    } else if (row.kind == "dataset") {
      DatasetState dataset;
      dataset.name = row.name;
      dataset.dataset_id = row.dataset_id;
      dataset.last_version = DatasetVersion(static_cast<uint64_t>(std::max<int64_t>(row.version, 0)));
      datasets_.push_back(std::move(dataset));
      generation_ = nullptr;
    } else if (datasets_.empty()) {
      return Fail(ErrorKind::kInternal, "a {} without a dataset", row.kind);
    } else if (row.kind == "generation") {
      LH_TRY(TakeGeneration(row));
    } else if (generation_ == nullptr) {
      return Fail(ErrorKind::kInternal, "a {} without a generation", row.kind);
    } else if (row.kind == "object") {
      LH_TRY(TakeChunkObject(row));
    } else if (row.kind == "version") {
      LH_TRY(TakeVersion(row));
    } else {
      return Fail(ErrorKind::kInternal, "a row of the unknown kind \"{}\"", row.kind);
    }
    return {};
  }

  LakeState Finish(Seq seq) {
    return LakeState::Restore(seq, floor_, last_commit_at_, std::move(datasets_), std::move(released_),
                              std::move(purged_));
  }

 private:
  Status TakeGeneration(const Row& row) {
    auto generation = std::make_shared<Generation>();
    generation->table_uuid = row.table_uuid;
    generation->created_at = FromMicros(row.committed_at_us);
    generation->fingerprint = row.fingerprint;
    LH_ASSIGN(generation->schema, SchemaFromJson(row.schema_json));
    generation_ = std::move(generation);
    chunks_ = {};
    chunk_ = nullptr;
    return {};
  }

  Status TakeChunkObject(const Row& row) {
    LH_ASSIGN(auto object, TakeObject(row));
    const auto position = static_cast<size_t>(std::max<int64_t>(row.position, 0));
    if (position == chunks_.size()) {
      chunk_ = std::make_shared<Chunk>();
      chunk_->source_sha256 = row.source_sha256;
      chunks_ = chunks_.Appended(chunk_);
    }
    if (chunk_ == nullptr || position + 1 != chunks_.size()) return Fail(ErrorKind::kInternal, "objects out of order");
    chunk_->objects.push_back(std::move(object));
    return {};
  }

  Status TakeVersion(const Row& row) {
    VersionState version;
    version.version = DatasetVersion(static_cast<uint64_t>(std::max<int64_t>(row.version, 0)));
    version.seq = Seq(static_cast<uint64_t>(std::max<int64_t>(row.seq, 0)));
    version.pinned = (row.flags & kPinnedFlag) != 0;
    version.is_drop = (row.flags & kDropFlag) != 0;
    version.mode = row.mode == "append" ? WriteMode::kAppend : WriteMode::kReplace;
    version.row_count = static_cast<uint64_t>(std::max<int64_t>(row.row_count, 0));
    version.committed_at = FromMicros(row.committed_at_us);
    version.commit_id = row.commit_id;
    version.source_sha256 = row.source_sha256;
    const auto chunk_count = static_cast<size_t>(std::max<int64_t>(row.position, 0));
    if (chunk_count > chunks_.size()) return Fail(ErrorKind::kInternal, "a version names more objects than there are");
    version.chunks = chunks_.Prefix(chunk_count);
    version.generation = generation_;
    datasets_.back().Add(std::make_shared<const VersionState>(std::move(version)));
    return {};
  }

  std::vector<DatasetState> datasets_;
  KeyTimes released_, purged_;
  Seq floor_;
  WallTime last_commit_at_{};
  std::shared_ptr<const Generation> generation_;
  PersistentList<ChunkPtr> chunks_;
  std::shared_ptr<Chunk> chunk_;
};

}  // namespace

std::string LogKey(Seq seq) { return fmt::format("{}{:020}{}", kLogPrefix, seq.value, kSuffix); }
std::string CheckpointKey(Seq seq) { return fmt::format("{}{:020}{}", kCheckpointPrefix, seq.value, kSuffix); }

std::optional<Seq> SeqOfKey(std::string_view key) {
  const size_t slash = key.rfind('/');
  std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  if (name.size() != 20 + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return Seq(value);
}

Result<std::string> EncodeEntries(Seq seq, const std::vector<LogEntry>& entries) {
  LH_ASSIGN(const auto rows, RowWriter::Open(Title("log", seq)));
  for (size_t i = 0; i < entries.size(); ++i) LH_TRY(WriteEntry(entries[i], static_cast<int64_t>(i), *rows));
  return rows->Finish();
}

Result<std::vector<LogEntry>> DecodeEntries(Seq seq, std::string_view bytes) {
  std::vector<LogEntry> entries;
  const Status read =
      ReadRows(Title("log", seq), bytes, [&entries](const Row& row) { return TakeEntryRow(row, entries); });
  if (!read) return Fail(Damaged(LogKey(seq), read.error()));
  return entries;
}

Result<std::string> EncodeState(const LakeState& state) {
  LH_ASSIGN(const auto rows, RowWriter::Open(Title("checkpoint", state.seq())));
  Row head;
  head.kind = "state";
  head.seq = static_cast<int64_t>(state.history_floor().value);
  head.committed_at_us = ToMicros(state.last_commit_at());
  LH_TRY(rows->Add(std::move(head)));
  for (const DatasetPtr& dataset : state.DatasetsAfter("")) LH_TRY(WriteDataset(*dataset, *rows));
  LH_TRY(WriteKeys("released", state.released(), *rows));
  LH_TRY(WriteKeys("purged", state.purged(), *rows));
  return rows->Finish();
}

Result<LakeState> DecodeState(Seq seq, std::string_view bytes) {
  StateReader reader;
  const Status read = ReadRows(Title("checkpoint", seq), bytes, [&reader](const Row& row) { return reader.Take(row); });
  if (!read) return Fail(Damaged(CheckpointKey(seq), read.error()));
  return reader.Finish(seq);
}

}  // namespace lakehouse::catalog
