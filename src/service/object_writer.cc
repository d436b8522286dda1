#include "service/object_writer.h"

#include "ingest/arrow_parquet_file.h"
#include "ingest/fingerprint.h"

namespace lakehouse::service {

ObjectWriter::ObjectWriter(const RequestContext& context, object::ObjectStore& store, Spool& spool, std::string dataset,
                           std::string commit_id, uint64_t object_bytes)
    : context_(context),
      store_(store),
      spool_(spool),
      dataset_(std::move(dataset)),
      commit_id_(std::move(commit_id)),
      object_bytes_(object_bytes) {}

Status ObjectWriter::Begin(const ingest::ImportSchema& schema) {
  Discard();
  open_ = {};
  objects_.clear();
  rows_ = 0;
  schema_ = schema;
  columns_.clear();
  for (const ingest::FileColumn& column : schema.columns) {
    columns_.push_back({column.name, std::string(column.type_name()), true, column.field_id});
  }
  fingerprint_ = ingest::SchemaFingerprint(columns_);
  return {};
}

// A schema's rows all come in one form, so a begun object is a File.
template <typename File>
Result<File*> ObjectWriter::Current() {
  if (open_.file == nullptr) {
    LH_ASSIGN(open_.spooled, spool_.Make());
    open_.sink = std::make_unique<HashingSink>(*open_.spooled);
    open_.file = std::make_unique<File>(schema_.columns, *open_.sink);
  }
  return static_cast<File*>(open_.file.get());
}

Status ObjectWriter::Add(const ingest::EncodedRowGroup& group) {
  LH_ASSIGN(ingest::ParquetFile * file, Current<ingest::ParquetFile>());
  LH_TRY(file->Add(group));
  return StoreIfFull();
}

Status ObjectWriter::AddBatch(const arrow::RecordBatch& rows) {
  LH_ASSIGN(ingest::ArrowParquetFile * file, Current<ingest::ArrowParquetFile>());
  LH_TRY(file->Add(rows));
  return StoreIfFull();
}

Status ObjectWriter::StoreIfFull() { return open_.file->bytes() >= object_bytes_ ? Store() : Status(); }

Status ObjectWriter::Finish() { return open_.file == nullptr ? Status() : Store(); }

Status ObjectWriter::Store() {
  LH_TRY(open_.file->Finish());
  const std::string key =
      fmt::format("datasets/{}/{}/{}-{}.parquet", dataset_, fingerprint_, open_.sink->Finish(), commit_id_);
  FileSource source(open_.spooled->descriptor(), 0, open_.spooled->bytes());
  object::PutOptions put;
  put.size = open_.spooled->bytes();
  put.content_type = "application/vnd.apache.parquet";
  put.may_keep_file = true;
  objects_.push_back({key, open_.file->bytes(), open_.file->rows(), open_.file->Stats()});
  LH_TRY(store_.Put(context_, key, source, put));
  rows_ += open_.file->rows();
  open_ = {};
  return {};
}

void ObjectWriter::Discard() {
  RequestContext context;
  context.internal = true;
  context.request_id = context_.request_id;
  context.deadline = Deadline::After(std::chrono::seconds(30));
  for (const catalog::DataObject& object : objects_) static_cast<void>(store_.Delete(context, object.key));
}

}  // namespace lakehouse::service
