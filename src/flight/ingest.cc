#include "flight/ingest.h"

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>
#include <parquet/arrow/writer.h>

#include <algorithm>
#include <cstring>

#include "base/stream.h"
#include "catalog/state_view.h"
#include "flight/metadata.h"
#include "flight/status.h"

namespace lakehouse::flight {
namespace {

// What the writer holds back until it is full: either is enough.
constexpr int64_t kRowGroupRows = 122'880;
constexpr int64_t kRowGroupBytes = int64_t{32} << 20;

// What the Parquet writer has written and nobody has read yet.
class Pending final : public arrow::io::OutputStream {
 public:
  Pending() { set_mode(arrow::io::FileMode::WRITE); }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return written_; }
  arrow::Status Write(const void* data, int64_t size) override {
    bytes_.append(static_cast<const char*>(data), static_cast<size_t>(size));
    written_ += size;
    return arrow::Status::OK();
  }

  size_t Take(std::span<char> out) {
    const size_t size = std::min(out.size(), bytes_.size() - taken_);
    std::memcpy(out.data(), bytes_.data() + taken_, size);
    taken_ += size;
    if (taken_ == bytes_.size()) {
      bytes_.clear();
      taken_ = 0;
    }
    return size;
  }
  bool empty() const { return taken_ == bytes_.size(); }

 private:
  std::string bytes_;
  size_t taken_ = 0;
  int64_t written_ = 0;
  bool closed_ = false;
};

// The client's batches as the bytes of a Parquet file, one row group at a time: the form that ingest reads.
class BatchesAsParquet final : public ByteSource {
 public:
  BatchesAsParquet(const arrow::flight::ServerCallContext& context, arrow::flight::FlightMessageReader& reader)
      : context_(context), reader_(reader), pending_(std::make_shared<Pending>()) {}

  Status Begin() {
    auto schema = reader_.GetSchema();
    LH_ARROW_TRY("the table's schema", schema.status());
    if ((*schema)->num_fields() == 0) return Fail(ErrorKind::kInvalid, "the table has no columns");
    // What is stored is encoded anew; here it only waits on the spool.
    const auto properties = parquet::WriterProperties::Builder()
                                .compression(parquet::Compression::UNCOMPRESSED)
                                ->disable_dictionary()
                                ->disable_statistics()
                                ->max_row_group_length(kRowGroupRows)
                                ->build();
    const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    auto writer = parquet::arrow::FileWriter::Open(**schema, arrow::default_memory_pool(), pending_, properties,
                                                   arrow_properties);
    LH_ARROW_TRY("the table's schema", writer.status());
    writer_ = *std::move(writer);
    return {};
  }

  Result<size_t> Read(std::span<char> out) override {
    while (pending_->empty() && writer_) LH_TRY(Advance());
    return pending_->Take(out);
  }

 private:
  Status Advance() {
    if (!rest_) return Receive();
    const auto piece = rest_->Slice(0, std::clamp<int64_t>(kRowGroupBytes / row_bytes_, 1, kRowGroupRows));
    rest_ = piece->num_rows() < rest_->num_rows() ? rest_->Slice(piece->num_rows()) : nullptr;
    LH_ARROW_TRY("the table's rows", writer_->WriteRecordBatch(*piece));
    row_group_bytes_ += piece->num_rows() * row_bytes_;
    if (row_group_bytes_ >= kRowGroupBytes) {
      LH_ARROW_TRY("the table's rows", writer_->NewBufferedRowGroup());
      row_group_bytes_ = 0;
    }
    return {};
  }

  Status Receive() {
    auto chunk = reader_.Next();
    LH_ARROW_TRY("the table's rows", chunk.status());
    // A client that went away looks like one that has sent everything.
    if (context_.is_cancelled()) return Fail(ErrorKind::kCancelled, "the client went away while it sent the table");
    if (!chunk->data) return chunk->app_metadata ? Status() : Finish();
    LH_ARROW_TRY("the table's rows", chunk->data->ValidateFull());
    const int64_t rows = chunk->data->num_rows();
    if (rows == 0) return {};
    row_bytes_ = arrow::util::TotalBufferSize(*chunk->data) / rows + 1;
    rest_ = std::move(chunk->data);
    return {};
  }

  Status Finish() {
    const arrow::Status closed = writer_->Close();
    writer_.reset();
    LH_ARROW_TRY("the table's rows", closed);
    return {};
  }

  const arrow::flight::ServerCallContext& context_;
  arrow::flight::FlightMessageReader& reader_;
  const std::shared_ptr<Pending> pending_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;  // nullptr: all is written
  std::shared_ptr<arrow::RecordBatch> rest_;            // of the batch that came last; nullptr: none
  int64_t row_bytes_ = 1;                               // of it, on average
  int64_t row_group_bytes_ = 0;
};

using Definition = pb::CommandStatementIngest::TableDefinitionOptions;

struct IngestPlan {
  service::IngestRequest request;
  bool may_create = false, may_exist = false;
};

Result<bool> FlagOf(const std::string& name, const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Fail(ErrorKind::kInvalid, "the option {} is true or false", name);
}

Result<IngestPlan> PlanOf(const pb::CommandStatementIngest& command) {
  if (command.has_transaction_id() || command.temporary()) {
    return Fail(ErrorKind::kNotImplemented, "there are no {}; an ingest is one commit to a dataset",
                command.temporary() ? "temporary tables" : "transactions");
  }
  if (command.has_catalog() && !command.catalog().empty() && command.catalog() != kCatalogName) {
    return Fail(ErrorKind::kInvalid, "the catalog is {}; there is no other", kCatalogName);
  }
  if (command.has_schema() && !command.schema().empty() && command.schema() != kDefaultSchema) {
    return Fail(ErrorKind::kInvalid, "datasets stand in the schema {}; no other can be written", kDefaultSchema);
  }
  const Definition& definition = command.table_definition_options();
  IngestPlan plan;
  plan.request.name = command.table();
  plan.request.format = service::SourceFormat::kParquet;
  plan.may_create = definition.if_not_exist() == Definition::TABLE_NOT_EXIST_OPTION_CREATE;
  plan.may_exist = definition.if_exists() == Definition::TABLE_EXISTS_OPTION_APPEND ||
                   definition.if_exists() == Definition::TABLE_EXISTS_OPTION_REPLACE;
  if (!plan.may_create && !plan.may_exist) {
    return Fail(ErrorKind::kInvalid, "table_definition_options allow neither a new table nor one that is there");
  }
  if (definition.if_exists() == Definition::TABLE_EXISTS_OPTION_APPEND) {
    plan.request.mode = catalog::WriteMode::kAppend;
  } else if (!plan.may_exist) {
    plan.request.mode = catalog::WriteMode::kCreate;
  }
  for (const auto& [name, value] : command.options()) {
    if (name != "allow_duplicates") {
      return Fail(ErrorKind::kInvalid, "there is no option {}; there is allow_duplicates", name.substr(0, 100));
    }
    LH_ASSIGN(plan.request.allow_duplicates, FlagOf(name, value));
  }
  return plan;
}

Status CheckTable(State& state, const RequestContext& bounded, const IngestPlan& plan) {
  const auto manifest = state.services->catalog.Get(bounded, plan.request.name, std::nullopt);
  if (manifest) {
    if (plan.may_exist) return {};
    return Fail(catalog::DatasetExists(manifest->name));
  }
  if (manifest.error().kind != ErrorKind::kNotFound) return Fail(manifest.error());
  if (plan.may_create) return {};
  return Fail(ErrorKind::kNotFound, "there is no dataset {}, and the request may not make one", plan.request.name);
}

}  // namespace

Result<int64_t> Ingest(State& state, Call& call, const arrow::flight::ServerCallContext& context,
                       const pb::CommandStatementIngest& command, arrow::flight::FlightMessageReader& reader) {
  LH_TRY(auth::CheckScope(call.caller().principal, auth::Scope::kWrite));
  LH_ASSIGN(const IngestPlan plan, PlanOf(command));
  const RequestContext bounded = call.Context(state.options.ingest_timeout);
  LH_TRY(CheckTable(state, bounded, plan));
  BatchesAsParquet source(context, reader);
  LH_TRY(source.Begin());
  LH_ASSIGN(const auto result, state.services->ingest.Run(bounded, plan.request, source));
  call.bytes_in += result.source_bytes;
  return static_cast<int64_t>(result.rows_added);
}

}  // namespace lakehouse::flight
