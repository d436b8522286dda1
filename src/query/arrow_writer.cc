// Arrow IPC stream and Parquet: chunks are gathered into batches in Arrow's layout and handed over through the C data
// interface, so no value is copied twice.
#include <arrow/c/bridge.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/writer.h>

#include <optional>

#include "query/arrow_batcher.h"
#include "query/result_writer_internal.h"

namespace lakehouse::query {
namespace {

constexpr uint64_t kBatchRows = 122'880;
constexpr uint64_t kBatchBytes = uint64_t{64} << 20;

// A ByteSink as Arrow's output stream; the sink's own error is kept for the caller.
class SinkStream final : public arrow::io::OutputStream {
 public:
  explicit SinkStream(ByteSink& sink) : sink_(sink) { set_mode(arrow::io::FileMode::WRITE); }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return written_; }
  arrow::Status Write(const void* data, int64_t size) override {
    auto written = sink_.Write({static_cast<const char*>(data), static_cast<size_t>(size)});
    if (!written) {
      error = std::move(written).error();
      return arrow::Status::IOError("the sink is broken");
    }
    written_ += size;
    return arrow::Status::OK();
  }

  std::optional<Error> error;

 private:
  ByteSink& sink_;
  int64_t written_ = 0;
  bool closed_ = false;
};

class ArrowResultWriter final : public ResultWriter {
 public:
  ArrowResultWriter(bool parquet, ResultShape shape, ByteSink& sink)
      : parquet_(parquet), shape_(std::move(shape)), stream_(std::make_shared<SinkStream>(sink)) {}

  Status Begin() override {
    LH_ASSIGN(batcher_, ArrowBatcher::Make(shape_.names, shape_.types, shape_.properties));
    ArrowSchema c_schema;
    LH_TRY(batcher_->ExportSchema(&c_schema));
    auto schema = arrow::ImportSchema(&c_schema);
    LH_TRY(Check(schema.status()));
    schema_ = *schema;
    return parquet_ ? BeginParquet() : BeginStream();
  }

  Status Write(duckdb::unique_ptr<duckdb::DataChunk> chunk) override {
    LH_TRY(batcher_->Append(*chunk, kBatchRows));
    return batcher_->rows() < kBatchRows && batcher_->bytes() < kBatchBytes ? Status() : FlushBatch();
  }

  Status End(uint64_t) override {
    if (batcher_->rows() > 0) LH_TRY(FlushBatch());
    return Check(parquet_ ? parquet_writer_->Close() : ipc_->Close());
  }

 private:
  Status Check(const arrow::Status& status) {
    if (status.ok()) return {};
    if (stream_->error) return Fail(*std::exchange(stream_->error, std::nullopt));
    return Fail(status.IsNotImplemented() || status.IsInvalid() ? ErrorKind::kInvalid : ErrorKind::kInternal,
                "this result cannot be written as Arrow or Parquet: {}", status.message());
  }

  Status BeginStream() {
    auto writer = arrow::ipc::MakeStreamWriter(stream_, schema_);
    LH_TRY(Check(writer.status()));
    ipc_ = *writer;
    return {};
  }

  Status BeginParquet() {
    const auto properties = parquet::WriterProperties::Builder().compression(parquet::Compression::SNAPPY)->build();
    const auto arrow_properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
    auto writer =
        parquet::arrow::FileWriter::Open(*schema_, arrow::default_memory_pool(), stream_, properties, arrow_properties);
    LH_TRY(Check(writer.status()));
    parquet_writer_ = *std::move(writer);
    return {};
  }

  Status FlushBatch() {
    ArrowArray array;
    LH_TRY(batcher_->Take(&array));
    auto batch = arrow::ImportRecordBatch(&array, schema_);
    LH_TRY(Check(batch.status()));
    if (parquet_) return Check(parquet_writer_->WriteRecordBatch(**batch));
    return Check(ipc_->WriteRecordBatch(**batch));
  }

  const bool parquet_;
  ResultShape shape_;
  const std::shared_ptr<SinkStream> stream_;
  std::unique_ptr<ArrowBatcher> batcher_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> ipc_;
  std::unique_ptr<parquet::arrow::FileWriter> parquet_writer_;
};

}  // namespace

std::unique_ptr<ResultWriter> MakeArrowWriter(ResultFormat format, ResultShape shape, ByteSink& sink) {
  return std::make_unique<ArrowResultWriter>(format == ResultFormat::kParquet, std::move(shape), sink);
}

}  // namespace lakehouse::query
