#include "service/ingest_local.h"

#include "base/uuid.h"
#include "catalog/state_view.h"
#include "ingest/decoding_source.h"
#include "ingest/mapped_file.h"
#include "ingest/ndjson_import.h"
#include "ingest/parquet_import.h"
#include "net/retry.h"
#include "service/hashing_thread.h"
#include "service/object_writer.h"

namespace lakehouse::service {
namespace {

constexpr size_t kBodyPieceBytes = size_t{1} << 20;
constexpr int kRegisterTries = 4;
constexpr std::chrono::milliseconds kRegisterPause{200};

// Removes what was stored unless the commit happened.
class DiscardUnlessKept {
 public:
  explicit DiscardUnlessKept(ObjectWriter& writer) : writer_(writer) {}
  ~DiscardUnlessKept() {
    if (!kept_) writer_.Discard();
  }
  DiscardUnlessKept(const DiscardUnlessKept&) = delete;
  DiscardUnlessKept& operator=(const DiscardUnlessKept&) = delete;
  void Keep() { kept_ = true; }

 private:
  ObjectWriter& writer_;
  bool kept_ = false;
};

// What of a request changes the content that its bytes become; part of the source's digest.
std::string CanonicalOptions(const IngestRequest& request) {
  std::string text =
      fmt::format("format={};encoding={};delimiter={};header={}", static_cast<int>(request.format),
                  static_cast<int>(request.encoding), static_cast<int>(request.delimiter), request.header);
  for (const auto& [column, type] : request.types) text += fmt::format(";{}\x1f{}", column, type);
  return text;
}

std::vector<ingest::FileColumn> FileColumnsOf(const catalog::Manifest& manifest) {
  std::vector<ingest::FileColumn> columns;
  for (size_t i = 0; i < manifest.schema.size(); ++i) {
    const catalog::Column& column = manifest.schema[i];
    const auto type = ingest::ParseTypeName(column.type);
    columns.push_back({column.name, type.value_or(ingest::ColumnType::kVarchar),
                       column.field_id != 0 ? column.field_id : static_cast<int32_t>(i + 1),
                       type ? std::string() : column.type});
  }
  return columns;
}

bool MayHaveCommitted(const Error& error) {
  return error.kind == ErrorKind::kUnavailable || error.kind == ErrorKind::kAmbiguous ||
         error.kind == ErrorKind::kDeadline || error.kind == ErrorKind::kUpstream;
}

IngestResult ResultOf(const catalog::Manifest& manifest, bool existing, bool replayed) {
  IngestResult result;
  result.dataset_id = manifest.dataset_id;
  result.name = manifest.name;
  result.fingerprint = manifest.schema_fingerprint;
  result.version = manifest.version;
  result.seq = manifest.seq;
  result.row_count = manifest.row_count;
  result.columns = manifest.schema;
  result.existing = existing;
  result.replayed = replayed;
  if (replayed) result.objects = manifest.objects;
  return result;
}

}  // namespace

struct LocalIngest::Upload {
  std::unique_ptr<Spool::File> file;
  std::string source_sha256;
};

LocalIngest::LocalIngest(LocalIngestOptions options, object::ObjectStore& store, Catalog& catalog,
                         observe::Metrics& metrics)
    : options_(std::move(options)),
      store_(store),
      catalog_(catalog),
      spool_(options_.spool_folder, options_.spool_bytes, metrics),
      rows_(metrics.CounterOf("lakehouse_ingest_rows_total", "Rows ingested")),
      source_bytes_(metrics.CounterOf("lakehouse_ingest_source_bytes_total", "Decoded bytes of ingested files")) {}

Result<LocalIngest::Turn> LocalIngest::AwaitTurn(const RequestContext& context) {
  MutexLock lock(mutex_);
  while (running_ >= options_.max_concurrent) {
    LH_TRY(context.Check("waiting for other ingests"));
    ended_.WaitUntil(mutex_, context.deadline.Sooner(Deadline::After(std::chrono::seconds(1))).at());
  }
  ++running_;
  return Turn(this);
}

LocalIngest::Turn::~Turn() {
  if (ingest_ == nullptr) return;
  MutexLock lock(ingest_->mutex_);
  --ingest_->running_;
  ingest_->ended_.NotifyOne();
}

// The same commit_id is the same commit, so asking again settles an answer that left the outcome open.
Result<catalog::RegisterResult> LocalIngest::Register(const RequestContext& context,
                                                      const catalog::RegisterRequest& commit) {
  net::RetryPolicy policy;
  policy.tries = kRegisterTries;
  policy.first_pause = kRegisterPause;
  return net::WithRetries(context, policy, [&] { return catalog_.Register(context, commit); });
}

Result<LocalIngest::Upload> LocalIngest::Receive(const RequestContext& context, const IngestRequest& request,
                                                 ByteSource& source) {
  Upload upload;
  LH_ASSIGN(upload.file, spool_.Make());
  std::unique_ptr<ByteSource> decompressed, transcoded;
  ByteSource* decoded = &source;
  if (request.compression == SourceCompression::kGzip) decompressed = ingest::DecodeGzip(*decoded);
  if (request.compression == SourceCompression::kZstd) decompressed = ingest::DecodeZstd(*decoded);
  if (decompressed != nullptr) decoded = decompressed.get();
  if (request.encoding == SourceEncoding::kLatin1) {
    transcoded = ingest::DecodeLatin1(*decoded);
    decoded = transcoded.get();
  }
  std::string pieces[2] = {std::string(kBodyPieceBytes, '\0'), std::string(kBodyPieceBytes, '\0')};
  HashingThread hash;  // ends before what it reads
  for (int i = 0;; i = 1 - i) {
    LH_TRY(context.Check("receiving the file"));
    LH_ASSIGN(const size_t taken, decoded->Read(pieces[i]));
    if (taken == 0) break;
    const std::string_view piece(pieces[i].data(), taken);
    hash.Update(piece);
    LH_TRY(upload.file->Write(piece));
  }
  const std::string options = CanonicalOptions(request);
  hash.Update(options);
  upload.source_sha256 = ToHex(hash.Finish());
  return upload;
}

Result<IngestResult> LocalIngest::Import(const RequestContext& context, const IngestRequest& request,
                                         const Upload& upload, const std::optional<catalog::Manifest>& existing) {
  const std::string commit_id = RandomUuid();
  ObjectWriter writer(context, store_, spool_, request.name, commit_id, options_.object_bytes);
  DiscardUnlessKept discard(writer);
  ingest::ImportOptions options;
  options.csv = {request.delimiter, request.header};
  options.types = request.types;
  options.threads = options_.threads;
  if (existing) options.existing = FileColumnsOf(*existing);
  LH_ASSIGN(const auto mapped, ingest::MappedFile::Map(upload.file->descriptor()));
  const auto release = [&](size_t from, size_t to) { mapped.Release(from, to); };
  switch (request.format) {
    case SourceFormat::kCsv:
      LH_TRY(ImportCsv(context, mapped.bytes(), options, writer, release));
      break;
    case SourceFormat::kNdjson:
      LH_TRY(ImportNdjson(context, mapped.bytes(), options, writer, release));
      break;
    case SourceFormat::kParquet:
      LH_TRY(ImportParquet(context, upload.file->descriptor(), options, writer));
      break;
  }
  LH_TRY(writer.Finish());

  catalog::RegisterRequest commit;
  commit.name = request.name;
  commit.schema = writer.columns();
  // A dataset of clients' own making keeps the fingerprint that it was registered with.
  commit.schema_fingerprint = existing ? existing->schema_fingerprint : writer.fingerprint();
  commit.objects = writer.objects();
  commit.row_count = writer.rows();
  commit.mode = request.mode;
  commit.commit_id = commit_id;
  commit.source_sha256 = upload.source_sha256;
  commit.allow_duplicate_source = request.allow_duplicates;
  // The caller needs the commit alone, not every object of the dataset.
  commit.brief = true;
  const auto registered = Register(context, commit);
  if (!registered) {
    // Where the outcome is unknown the objects stay: if the commit happened they are the data, if not they are garbage.
    if (MayHaveCommitted(registered.error())) discard.Keep();
    return Fail(registered.error());
  }
  IngestResult result = ResultOf(registered->manifest, registered->existing, registered->replayed);
  if (registered->replayed) return result;
  discard.Keep();
  result.rows_added = writer.rows();
  result.objects = writer.objects();
  for (const ingest::Widening& widening : writer.schema().widened) {
    result.widened.push_back(
        {widening.column, std::string(TypeName(widening.from)), std::string(TypeName(widening.to)), widening.line});
  }
  rows_.Add(writer.rows());
  return result;
}

Result<IngestResult> LocalIngest::Run(const RequestContext& client, const IngestRequest& request, ByteSource& source) {
  const MonotonicTime start = std::chrono::steady_clock::now();
  RequestContext context = client;
  context.internal = true;
  LH_ASSIGN(const Upload upload, Receive(context, request, source));
  const auto finish = [&](Result<IngestResult> result) {
    if (!result) return result;
    result->source_bytes = upload.file->bytes();
    result->took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    source_bytes_.Add(upload.file->bytes());
    return result;
  };
  auto manifest = catalog_.Get(context, request.name, std::nullopt);
  if (!manifest && manifest.error().kind != ErrorKind::kNotFound) return Fail(manifest.error());
  if (manifest && request.mode == catalog::WriteMode::kCreate) return Fail(catalog::DatasetExists(manifest->name));
  if (manifest && !request.allow_duplicates) {
    LH_ASSIGN(const auto found, catalog_.FindSource(context, request.name, upload.source_sha256, request.mode));
    if (found) return finish(ResultOf(*found, true, true));
  }
  LH_ASSIGN(const Turn turn, AwaitTurn(context));
  std::optional<catalog::Manifest> existing;
  if (manifest) existing = std::move(*manifest);
  return finish(Import(context, request, upload, existing));
}

Status LocalIngest::Ready(const RequestContext& context) { return catalog_.Ready(context); }

}  // namespace lakehouse::service
