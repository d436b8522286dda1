#include "rpc/arrow_messages.h"

#include <arrow/buffer.h>
#include <arrow/c/bridge.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/message.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

namespace lakehouse::rpc {
namespace {

Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return {};
  return Fail(status.IsOutOfMemory() ? ErrorKind::kExhausted : ErrorKind::kInternal, "writing Arrow: {}",
              status.message());
}

// Appends to a string that others take.
class StringStream final : public arrow::io::OutputStream {
 public:
  StringStream() { set_mode(arrow::io::FileMode::WRITE); }
  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }
  arrow::Result<int64_t> Tell() const override { return static_cast<int64_t>(bytes_.size()); }
  arrow::Status Write(const void* data, int64_t size) override {
    bytes_.append(static_cast<const char*>(data), static_cast<size_t>(size));
    return arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;
  void Reserve(size_t bytes) { bytes_.reserve(bytes); }
  std::string Take() { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

// Dictionaries and batches go to the string; the schema, which a writer begins with, has been sent by then.
class PayloadWriter final : public arrow::ipc::internal::IpcPayloadWriter {
 public:
  explicit PayloadWriter(StringStream& out) : out_(out) {}
  arrow::Status WritePayload(const arrow::ipc::IpcPayload& payload) override {
    if (payload.type == arrow::ipc::MessageType::SCHEMA) return arrow::Status::OK();
    int32_t metadata_length = 0;
    return arrow::ipc::WriteIpcPayload(payload, arrow::ipc::IpcWriteOptions::Defaults(), &out_, &metadata_length);
  }
  arrow::Status Close() override { return arrow::Status::OK(); }

 private:
  StringStream& out_;
};

class Messages final : public ArrowMessages {
 public:
  explicit Messages(query::BatchStream& stream) : stream_(stream) {}

  Status Start(std::string& schema_bytes) {
    ArrowSchema exported;
    LH_TRY(stream_.ExportSchema(&exported));
    auto schema = arrow::ImportSchema(&exported);
    LH_TRY(FromArrow(schema.status()));
    schema_ = *schema;
    auto opened = arrow::ipc::internal::OpenRecordBatchWriter(std::make_unique<PayloadWriter>(out_), schema_,
                                                              arrow::ipc::IpcWriteOptions::Defaults());
    LH_TRY(FromArrow(opened.status()));
    writer_ = std::move(*opened);
    const auto bytes = arrow::ipc::SerializeSchema(*schema_);
    LH_TRY(FromArrow(bytes.status()));
    schema_bytes = (*bytes)->ToString();
    return {};
  }

  Result<bool> SendNext(uint64_t max_rows, bool& cut, const Send& send) override {
    ArrowArray exported;
    LH_ASSIGN(const bool more, stream_.Next(&exported));
    if (!more) return false;
    auto imported = arrow::ImportRecordBatch(&exported, schema_);
    LH_TRY(FromArrow(imported.status()));
    std::shared_ptr<arrow::RecordBatch> batch = std::move(*imported);
    const auto rows = static_cast<uint64_t>(batch->num_rows());
    cut = rows > max_rows;
    if (cut) batch = batch->Slice(0, static_cast<int64_t>(max_rows));
    LH_TRY(SendBatch(*batch, send));
    return true;
  }

 private:
  // In halves, as long as it is too large.
  Status SendBatch(const arrow::RecordBatch& batch, const Send& send) {
    if (batch.num_rows() == 0) return {};
    int64_t size = 0;
    LH_TRY(FromArrow(arrow::ipc::GetRecordBatchSize(batch, &size)));
    if (static_cast<size_t>(size) > kMaxArrowBytes && batch.num_rows() > 1) {
      const int64_t half = batch.num_rows() / 2;
      LH_TRY(SendBatch(*batch.Slice(0, half), send));
      return SendBatch(*batch.Slice(half), send);
    }
    out_.Reserve(static_cast<size_t>(size));
    LH_TRY(FromArrow(writer_->WriteRecordBatch(batch)));
    return SendPieces(out_.Take(), static_cast<uint64_t>(batch.num_rows()), send);
  }

  // One row may be larger than a message; its bytes are not.
  static Status SendPieces(std::string bytes, uint64_t rows, const Send& send) {
    size_t at = 0;
    for (; bytes.size() - at > kMaxArrowBytes; at += kMaxArrowBytes) LH_TRY(send(bytes.substr(at, kMaxArrowBytes), 0));
    if (at > 0) bytes.erase(0, at);
    return send(std::move(bytes), rows);
  }

  query::BatchStream& stream_;
  StringStream out_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

}  // namespace

Result<std::unique_ptr<ArrowMessages>> ArrowMessages::Open(query::BatchStream& stream, std::string& schema) {
  auto messages = std::make_unique<Messages>(stream);
  LH_TRY(messages->Start(schema));
  return messages;
}

}  // namespace lakehouse::rpc
