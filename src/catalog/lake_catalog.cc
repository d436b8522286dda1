#include "catalog/lake_catalog.h"

#include <algorithm>

#include "base/hash.h"
#include "base/uuid.h"
#include "catalog/checkpointer.h"
#include "catalog/committer.h"
#include "catalog/garbage.h"
#include "catalog/gc_schedule.h"
#include "catalog/state_view.h"

namespace lakehouse::catalog {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr int32_t kMaxFieldId = 1 << 30;

bool IsNameStart(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9') || c == '-'; }

Status CheckName(std::string_view name) {
  if (name.empty()) return Fail(ErrorKind::kInvalid, "the dataset's name is empty");
  if (name.size() > kMaxNameBytes || !IsNameStart(name.front()) || !std::ranges::all_of(name, IsNamePart)) {
    return Fail(ErrorKind::kInvalid,
                "\"{}\" is no dataset name: it takes a letter or _, then at most {} letters, digits, _ and -",
                name.substr(0, 200), kMaxNameBytes - 1);
  }
  return {};
}

Status CheckRequest(const RegisterRequest& request) {
  LH_TRY(CheckName(request.name));
  if (request.schema_fingerprint.empty()) return Fail(ErrorKind::kInvalid, "the schema fingerprint is empty");
  for (const Column& column : request.schema) {
    if (column.field_id < 0 || column.field_id > kMaxFieldId)
      return Fail(ErrorKind::kInvalid, "the field_id of column \"{}\" is out of range", column.name);
  }
  for (const DataObject& object : request.objects) {
    if (object.key.empty()) return Fail(ErrorKind::kInvalid, "an object's key is empty");
    if (object.size > INT64_MAX || object.rows > INT64_MAX)
      return Fail(ErrorKind::kInvalid, "an object's size or row count is past 2^63");
  }
  if (request.row_count > INT64_MAX) return Fail(ErrorKind::kInvalid, "row_count is past 2^63");
  return {};
}

bool SameContent(const VersionState& version, const RegisterRequest& request) {
  if (version.mode != WriteMode::kReplace || version.row_count != request.row_count) return false;
  size_t at = 0;
  for (const ChunkPtr& chunk : version.chunks.ToVector()) {
    for (const DataObject& object : chunk->objects) {
      if (at == request.objects.size() || !(object == request.objects[at])) return false;
      ++at;
    }
  }
  return at == request.objects.size();
}

LogEntry EntryOf(const RegisterRequest& request) {
  LogEntry entry;
  entry.kind = request.mode == WriteMode::kAppend ? LogEntry::Kind::kAppend : LogEntry::Kind::kReplace;
  entry.commit_id = request.commit_id.empty() ? RandomUuid() : request.commit_id;
  entry.name = request.name;
  entry.table_uuid = RandomUuid();
  entry.fingerprint = request.schema_fingerprint;
  entry.schema = request.schema;
  int32_t next_id = 1;
  for (Column& column : entry.schema) {
    if (column.field_id == 0) column.field_id = next_id;
    next_id = std::max(next_id, column.field_id) + 1;
  }
  entry.objects = request.objects;
  entry.row_count = request.row_count;
  entry.source_sha256 = request.source_sha256;
  return entry;
}

}  // namespace

struct LakeCatalog::Impl {
  Impl(object::ObjectStore& object_store, const Clock& machine_clock, const Logger& logger, observe::Metrics& metrics,
       LakeCatalogOptions catalog_options, LakeState state, Seq checkpoint)
      : store(object_store),
        clock(machine_clock),
        options(catalog_options),
        committer(object_store, machine_clock, metrics, {.shared_log = catalog_options.shared_log}, std::move(state)),
        checkpointer(object_store, logger, catalog_options.checkpoint_every, catalog_options.log_age, checkpoint,
                     [this] { return committer.state(); }),
        schedule({.every = options.gc_every, .seed = Xxh3(RandomUuid())}, machine_clock, logger,
                 [this](const RequestContext& context) {
                   return Collect(context, {.dry_run = false, .min_age = options.gc_min_age});
                 }) {
    schedule.Start();
  }

  Result<Committer::Outcome> Commit(const RequestContext& context, Committer::Prepare prepare) {
    auto outcome = committer.Commit(context, std::move(prepare));
    if (outcome) checkpointer.Reached(outcome->state->seq());
    return outcome;
  }

  Result<GcReport> Collect(const RequestContext& context, const GcRequest& request) {
    GarbageCollector collector(store, committer, clock, {options.keep_versions, options.keep_age});
    auto report = collector.Run(context, request);
    checkpointer.Reached(committer.state()->seq());
    return report;
  }

  object::ObjectStore& store;
  const Clock& clock;
  const LakeCatalogOptions options;
  Committer committer;
  Checkpointer checkpointer;
  const std::shared_ptr<ManifestCache> manifests = std::make_shared<ManifestCache>();
  GcSchedule schedule;  // last: it uses the others from its thread
};

LakeCatalog::LakeCatalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LakeCatalog::~LakeCatalog() = default;

Result<std::unique_ptr<LakeCatalog>> LakeCatalog::Open(const RequestContext& context, object::ObjectStore& store,
                                                       const Clock& clock, const Logger& log, observe::Metrics& metrics,
                                                       LakeCatalogOptions options) {
  RequestContext internal = context;
  internal.internal = true;
  const LogReader reader(store);
  LH_ASSIGN(const auto checkpoints, reader.Checkpoints(internal));
  LH_ASSIGN(LakeState state, reader.ReadAll(internal));
  const Seq checkpoint = checkpoints.empty() ? Seq(0) : checkpoints.front();
  return std::unique_ptr<LakeCatalog>(
      new LakeCatalog(std::make_unique<Impl>(store, clock, log, metrics, options, std::move(state), checkpoint)));
}

Result<RegisterResult> LakeCatalog::Register(const RequestContext& context, const RegisterRequest& request) {
  LH_TRY(CheckRequest(request));
  bool existing = false;
  VersionPtr repeated;
  const LogEntry entry = EntryOf(request);
  LH_ASSIGN(const auto outcome, impl_->Commit(context, [&](const LakeState& state) -> Result<std::optional<LogEntry>> {
    const DatasetPtr dataset = state.Find(request.name);
    repeated = dataset == nullptr ? nullptr : dataset->FindCommit(request.commit_id);
    existing = dataset != nullptr && dataset->Current() != nullptr;
    if (repeated != nullptr) return std::nullopt;
    if (!existing) return entry;
    if (request.mode == WriteMode::kCreate) return Fail(DatasetExists(dataset->name));
    const VersionPtr current = dataset->Current();
    const bool same_fingerprint = current->generation->fingerprint == request.schema_fingerprint;
    const bool replayed = !request.allow_duplicate_source && dataset->HasSource(request.source_sha256, request.mode);
    if (same_fingerprint && (replayed || (request.mode == WriteMode::kReplace && SameContent(*current, request)))) {
      repeated = current;
      return std::nullopt;
    }
    return entry;
  }));
  const DatasetPtr dataset = outcome.state->Find(request.name);
  // Of the batch's entries our own is told by its id: others of the same dataset may stand before and after it.
  const VersionPtr version = outcome.committed ? dataset->FindCommit(entry.commit_id) : repeated;
  if (version == nullptr) return Fail(NoSuchDataset(request.name));
  const bool brief = request.brief && outcome.committed;
  return RegisterResult{brief ? ToBriefManifest(*dataset, *version) : ToManifest(*dataset, *version), existing,
                        !outcome.committed};
}

Result<ManifestPage> LakeCatalog::List(const RequestContext& context, const ListRequest& request) {
  if (request.limit == 0) return Fail(ErrorKind::kInvalid, "limit must be 1 or more");
  LH_ASSIGN(const auto state, impl_->committer.Fresh(context));
  ManifestPage page;
  for (const DatasetPtr& dataset : state->DatasetsAfter(request.token)) {
    const VersionPtr current = dataset->Current();
    if (current == nullptr) continue;
    if (page.datasets.size() == request.limit) {
      page.next_token = FoldName(page.datasets.back().name);
      break;
    }
    page.datasets.push_back(ToManifest(*dataset, *current));
  }
  return page;
}

Result<Manifest> LakeCatalog::Get(const RequestContext& context, std::string_view name,
                                  std::optional<DatasetVersion> version) {
  LH_ASSIGN(const auto state, impl_->committer.Fresh(context));
  const DatasetPtr dataset = state->Find(name);
  if (dataset == nullptr || (!version && dataset->Current() == nullptr)) return Fail(NoSuchDataset(name));
  const VersionPtr found = version ? dataset->Find(*version) : dataset->Current();
  if (found == nullptr) return Fail(NoSuchVersion(*dataset, *version));
  return ToManifest(*dataset, *found);
}

Status LakeCatalog::Drop(const RequestContext& context, std::string_view name) {
  LH_TRY(impl_->Commit(context, [name](const LakeState& state) -> Result<std::optional<LogEntry>> {
    const DatasetPtr dataset = state.Find(name);
    if (dataset == nullptr || dataset->Current() == nullptr) return Fail(NoSuchDataset(name));
    LogEntry entry;
    entry.kind = LogEntry::Kind::kDrop;
    entry.name = dataset->name;
    return entry;
  }));
  return {};
}

Result<std::vector<Snapshot>> LakeCatalog::Snapshots(const RequestContext& context, std::string_view name) {
  LH_ASSIGN(const auto view, Current(context));
  auto snapshots = view->Snapshots(name);
  if (view->Find(name) == nullptr) return Fail(NoSuchDataset(name));
  return snapshots;
}

Status LakeCatalog::SetPin(const RequestContext& context, std::string_view name, DatasetVersion version, bool pinned) {
  LH_TRY(impl_->Commit(context, [=](const LakeState& state) -> Result<std::optional<LogEntry>> {
    const DatasetPtr dataset = state.Find(name);
    if (dataset == nullptr) return Fail(NoSuchDataset(name));
    const VersionPtr found = dataset->Find(version);
    if (found == nullptr) return Fail(NoSuchVersion(*dataset, version));
    if (found->pinned == pinned) return std::nullopt;
    LogEntry entry;
    entry.kind = pinned ? LogEntry::Kind::kPin : LogEntry::Kind::kUnpin;
    entry.name = dataset->name;
    entry.version = version;
    return entry;
  }));
  return {};
}

Result<Seq> LakeCatalog::Epoch(const RequestContext& context, std::optional<Seq> since,
                               std::chrono::milliseconds wait) {
  if (!since) {
    LH_ASSIGN(const auto state, impl_->committer.Fresh(context));
    return state->seq();
  }
  LH_ASSIGN(const auto state, impl_->committer.WaitPast(context, *since, wait));
  return state->seq();
}

Result<GcReport> LakeCatalog::Gc(const RequestContext& context, const GcRequest& request) {
  if (request.min_age < impl_->options.gc_min_age_floor) {
    return Fail(ErrorKind::kInvalid,
                "min_age must be at least {}s: uploads and queries in flight may need objects that young",
                impl_->options.gc_min_age_floor.count());
  }
  RequestContext internal = context;
  internal.internal = true;
  return impl_->Collect(internal, request);
}

Status LakeCatalog::Checkpoint(const RequestContext& context) {
  return impl_->checkpointer.WriteLast(context, *impl_->committer.state());
}

Result<std::optional<Manifest>> LakeCatalog::FindSource(const RequestContext& context, std::string_view name,
                                                        std::string_view source_sha256, WriteMode mode) {
  LH_ASSIGN(const auto state, impl_->committer.Fresh(context));
  const DatasetPtr dataset = state->Find(name);
  if (dataset == nullptr || !dataset->HasSource(source_sha256, mode)) return std::nullopt;
  return ToManifest(*dataset, *dataset->Current());
}

Result<std::shared_ptr<const LakeView>> LakeCatalog::Current(const RequestContext& context) {
  LH_ASSIGN(auto state, impl_->committer.Fresh(context));
  const Seq seq = state->seq();
  return MakeView(std::move(state), seq, impl_->manifests);
}

Result<std::shared_ptr<const LakeView>> LakeCatalog::At(const RequestContext& context, Seq seq) {
  LH_ASSIGN(auto state, impl_->committer.Fresh(context));
  LH_TRY(CheckSeqIsKept(*state, seq));
  return MakeView(std::move(state), seq, impl_->manifests);
}

}  // namespace lakehouse::catalog
