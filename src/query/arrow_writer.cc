#include "query/arrow_writer.h"

#include <arrow/c/bridge.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/writer.h>

#include <atomic>

#include "base/arrow_sink.h"

namespace lakehouse::query {
namespace {

// Rows as a file in Arrow's IPC stream format or Parquet. REQUIRES: the stream outlives it.
class ArrowFile {
 public:
  ArrowFile(bool parquet, std::shared_ptr<ArrowSink> stream) : parquet_(parquet), stream_(std::move(stream)) {}
  // Parquet's writer would end the file with a footer even if rows are missing.
  ~ArrowFile() { stream_->GiveUp(); }
  ArrowFile(const ArrowFile&) = delete;
  ArrowFile& operator=(const ArrowFile&) = delete;

  Status Begin(std::shared_ptr<arrow::Schema> schema) {
    schema_ = std::move(schema);
    return parquet_ ? BeginParquet() : BeginStream();
  }
  Status Write(ArrowArray* array) {
    const auto batch = arrow::ImportRecordBatch(array, schema_);
    LH_TRY(Check(batch.status()));
    return Check(parquet_ ? parquet_writer_->WriteRecordBatch(**batch) : ipc_->WriteRecordBatch(**batch));
  }
  Status End() { return Check(parquet_ ? parquet_writer_->Close() : ipc_->Close()); }

 private:
  Status Check(const arrow::Status& status) {
    if (status.ok()) return {};
    if (stream_->error()) return Fail(*stream_->error());
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

  const bool parquet_;
  const std::shared_ptr<ArrowSink> stream_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> ipc_;
  std::unique_ptr<parquet::arrow::FileWriter> parquet_writer_;
};

class ArrowQuery final : public QueryStream {
 public:
  ArrowQuery(ResultFormat format, std::unique_ptr<BatchStream> batches)
      : parquet_(format == ResultFormat::kParquet), seq_(batches->seq()), batches_(std::move(batches)) {}

  Seq seq() const override { return seq_; }
  uint64_t bytes_written() const override { return bytes_; }
  uint64_t rows_written() const override { return rows_; }
  Status WriteTo(ByteSink& sink) override {
    if (!batches_) return Fail(ErrorKind::kInternal, "a result can be read once only");
    // Its end gives the session back, also after an error.
    const auto batches = std::move(batches_);
    return Write(*batches, sink);
  }

 private:
  Status Write(BatchStream& batches, ByteSink& sink) {
    ArrowSchema exported;
    LH_TRY(batches.ExportSchema(&exported));
    auto schema = arrow::ImportSchema(&exported);
    if (!schema.ok()) return Fail(ErrorKind::kInternal, "the result's schema: {}", schema.status().message());
    ArrowArray array;
    LH_ASSIGN(bool more, batches.Next(&array));
    ArrowFile file(parquet_, std::make_shared<ArrowSink>(sink, &bytes_));
    if (auto begun = file.Begin(*std::move(schema)); !begun) {
      if (more) array.release(&array);
      return begun;
    }
    while (more) {
      rows_ = batches.rows();
      LH_TRY(file.Write(&array));
      LH_ASSIGN(more, batches.Next(&array));
    }
    return file.End();
  }

  const bool parquet_;
  const Seq seq_;
  std::unique_ptr<BatchStream> batches_;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> rows_{0};
};

}  // namespace

std::unique_ptr<QueryStream> MakeArrowQuery(ResultFormat format, std::unique_ptr<BatchStream> batches) {
  return std::make_unique<ArrowQuery>(format, std::move(batches));
}

}  // namespace lakehouse::query
