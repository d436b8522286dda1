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
void AppendEntryRows(const LogEntry& entry, int64_t number, std::vector<Row>& rows) {
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
  rows.push_back(head);
  const auto add = [&](std::string_view kind, const auto& fill) {
    Row row;
    row.entry = number;
    row.kind = kind;
    fill(row);
    rows.push_back(std::move(row));
  };
  for (const DataObject& object : entry.objects) add("object", [&](Row& row) { FillObject(row, object); });
  for (const auto& [name, version] : entry.versions) {
    add("version", [&](Row& row) {
      row.name = name;
      row.version = static_cast<int64_t>(version.value);
    });
  }
  for (const std::string& key : entry.keys) add("key", [&](Row& row) { row.object_key = key; });
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

Result<std::vector<LogEntry>> TakeEntries(const std::vector<Row>& rows) {
  std::vector<LogEntry> entries;
  for (const Row& row : rows) {
    const bool detail = row.kind == "object" || row.kind == "version" || row.kind == "key";
    if (!detail) {
      LH_ASSIGN(auto entry, TakeHead(row));
      entries.push_back(std::move(entry));
      continue;
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
  }
  return entries;
}

// A checkpoint's rows: per dataset its head, then generation by generation the objects (position = chunk), then the
// versions (position = generation, object_rows = chunks). Last come the released keys.
void AppendDatasetRows(const DatasetState& dataset, std::vector<Row>& rows) {
  Row head;
  head.kind = "dataset";
  head.name = dataset.name;
  head.dataset_id = dataset.dataset_id;
  head.committed_at_us = ToMicros(dataset.created_at);
  head.version = static_cast<int64_t>(dataset.last_version.value);
  rows.push_back(std::move(head));
  const Generation* open = nullptr;
  size_t chunks_written = 0;
  // Versions of one replace and its appends share objects; each object is written once, with the newest that names it.
  for (size_t i = 0; i < dataset.versions.size(); ++i) {
    const VersionState& version = *dataset.versions[i];
    const Generation& generation = *version.generation;
    const bool continues = open != nullptr && !open->chunks.empty() && !generation.chunks.empty() &&
                           open->chunks.front() == generation.chunks.front();
    const bool same = open == &generation || continues || (open != nullptr && version.is_drop);
    if (!same) {
      chunks_written = 0;
      Row row;
      row.kind = "generation";
      row.table_uuid = generation.table_uuid;
      row.fingerprint = generation.fingerprint;
      row.schema_json = SchemaToJson(generation.schema);
      rows.push_back(std::move(row));
    }
    open = version.is_drop ? open : &generation;
    for (; chunks_written < version.chunk_count; ++chunks_written) {
      for (const DataObject& object : generation.chunks[chunks_written]->objects) {
        Row row;
        row.kind = "object";
        row.position = static_cast<int64_t>(chunks_written);
        row.source_sha256 = generation.chunks[chunks_written]->source_sha256;
        FillObject(row, object);
        rows.push_back(std::move(row));
      }
    }
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
    row.position = static_cast<int64_t>(version.chunk_count);
    rows.push_back(std::move(row));
  }
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
    } else if (row.kind == "dataset") {
      DatasetState dataset;
      dataset.name = row.name;
      dataset.dataset_id = row.dataset_id;
      dataset.created_at = FromMicros(row.committed_at_us);
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
    return LakeState::Restore(seq, floor_, last_commit_at_, std::move(datasets_), std::move(released_));
  }

 private:
  Status TakeGeneration(const Row& row) {
    generation_ = std::make_shared<Generation>();
    generation_->table_uuid = row.table_uuid;
    generation_->fingerprint = row.fingerprint;
    LH_ASSIGN(generation_->schema, SchemaFromJson(row.schema_json));
    chunk_ = nullptr;
    return {};
  }

  Status TakeChunkObject(const Row& row) {
    LH_ASSIGN(auto object, TakeObject(row));
    const auto position = static_cast<size_t>(std::max<int64_t>(row.position, 0));
    if (position == generation_->chunks.size()) {
      // Versions already read keep the generation as they knew it.
      generation_ = std::make_shared<Generation>(*generation_);
      chunk_ = std::make_shared<Chunk>();
      chunk_->source_sha256 = row.source_sha256;
      generation_->chunks.push_back(chunk_);
    }
    if (chunk_ == nullptr || position + 1 != generation_->chunks.size())
      return Fail(ErrorKind::kInternal, "objects out of order");
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
    version.chunk_count = static_cast<size_t>(std::max<int64_t>(row.position, 0));
    if (version.chunk_count > generation_->chunks.size())
      return Fail(ErrorKind::kInternal, "a version names more objects than there are");
    version.generation = generation_;
    datasets_.back().versions.push_back(std::make_shared<const VersionState>(std::move(version)));
    return {};
  }

  std::vector<DatasetState> datasets_;
  std::map<std::string, WallTime> released_;
  Seq floor_;
  WallTime last_commit_at_{};
  std::shared_ptr<Generation> generation_;
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
  std::vector<Row> rows;
  for (size_t i = 0; i < entries.size(); ++i) AppendEntryRows(entries[i], static_cast<int64_t>(i), rows);
  return EncodeRows(Title("log", seq), rows);
}

Result<std::vector<LogEntry>> DecodeEntries(Seq seq, std::string_view bytes) {
  const auto rows = DecodeRows(Title("log", seq), bytes);
  if (!rows) return Fail(Damaged(LogKey(seq), rows.error()));
  auto entries = TakeEntries(*rows);
  if (!entries) return Fail(Damaged(LogKey(seq), entries.error()));
  return entries;
}

Result<std::string> EncodeState(const LakeState& state) {
  std::vector<Row> rows;
  Row head;
  head.kind = "state";
  head.seq = static_cast<int64_t>(state.history_floor().value);
  head.committed_at_us = ToMicros(state.last_commit_at());
  rows.push_back(std::move(head));
  for (const DatasetPtr& dataset : state.DatasetsAfter("")) AppendDatasetRows(*dataset, rows);
  for (const auto& [key, since] : state.released()) {
    Row row;
    row.kind = "released";
    row.object_key = key;
    row.committed_at_us = ToMicros(since);
    rows.push_back(std::move(row));
  }
  return EncodeRows(Title("checkpoint", state.seq()), rows);
}

Result<LakeState> DecodeState(Seq seq, std::string_view bytes) {
  const auto rows = DecodeRows(Title("checkpoint", seq), bytes);
  if (!rows) return Fail(Damaged(CheckpointKey(seq), rows.error()));
  StateReader reader;
  for (const Row& row : *rows) {
    if (auto status = reader.Take(row); !status) return Fail(Damaged(CheckpointKey(seq), status.error()));
  }
  return reader.Finish(seq);
}

}  // namespace lakehouse::catalog
