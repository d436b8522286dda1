#include "vector/item_stream.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>

#include "base/arrow_sink.h"
#include "vector/items_arrow_internal.h"

namespace lakehouse::vector {
namespace {

// Arrow keeps only the text of an error; the adapters keep the error itself.
std::unexpected<Error> OwnOr(const std::optional<Error>& own, const Error& arrows) { return Fail(own ? *own : arrows); }

class SourceStream final : public arrow::io::InputStream {
 public:
  explicit SourceStream(ByteSource& source) : source_(source) {}
  arrow::Result<int64_t> Read(int64_t bytes, void* out) override {
    int64_t read = 0;
    while (read < bytes) {
      const auto piece = source_.Read({static_cast<char*>(out) + read, static_cast<size_t>(bytes - read)});
      if (!piece) {
        error_ = piece.error();
        return arrow::Status::IOError(piece.error().detail);
      }
      if (*piece == 0) break;
      read += static_cast<int64_t>(*piece);
    }
    position_ += read;
    return read;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t bytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(bytes));
    ARROW_ASSIGN_OR_RAISE(const int64_t read, Read(bytes, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(read));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return position_; }
  bool closed() const override { return closed_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  ByteSource& source_;
  int64_t position_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

class Writer final : public ItemStreamWriter {
 public:
  Writer(uint32_t dimension, ItemColumns columns, ByteSink& sink)
      : columns_(columns),
        values_(std::make_shared<arrow::FloatBuilder>()),
        vectors_(arrow::default_memory_pool(), values_, static_cast<int32_t>(dimension)),
        sink_(std::make_shared<ArrowSink>(sink)) {
    arrow::FieldVector fields = {arrow::field("id", arrow::utf8(), false)};
    if (columns.vector) fields.push_back(arrow::field("vector", vectors_.type(), false));
    if (columns.metadata) fields.push_back(arrow::field("metadata", arrow::utf8()));
    schema_ = arrow::schema(std::move(fields));
  }

  Status Open() { return Checked(arrow::ipc::MakeStreamWriter(sink_, schema_), writer_); }

  Status Write(const std::vector<StoredItem>& items) override {
    for (const StoredItem& item : items) {
      LH_TRY(FromArrow(ids_.Append(item.id)));
      if (columns_.vector) {
        LH_TRY(FromArrow(vectors_.Append()));
        LH_TRY(FromArrow(values_->AppendValues(item.vector.data(), static_cast<int64_t>(item.vector.size()))));
      }
      if (!columns_.metadata) continue;
      LH_TRY(FromArrow(item.metadata ? metadata_.Append(*item.metadata) : metadata_.AppendNull()));
    }
    arrow::ArrayVector arrays(1);
    LH_TRY(FromArrow(ids_.Finish(&arrays[0])));
    if (columns_.vector) LH_TRY(FromArrow(vectors_.Finish(&arrays.emplace_back())));
    if (columns_.metadata) LH_TRY(FromArrow(metadata_.Finish(&arrays.emplace_back())));
    const int64_t rows = arrays.front()->length();
    return Checked(writer_->WriteRecordBatch(*arrow::RecordBatch::Make(schema_, rows, std::move(arrays))));
  }

  Status Finish() override { return Checked(writer_->Close()); }

 private:
  Status Checked(const arrow::Status& status) const {
    Status result = FromArrow(status);
    if (!result) return OwnOr(sink_->error(), result.error());
    return {};
  }
  template <typename T>
  Status Checked(arrow::Result<T> result, T& out) const {
    LH_TRY(Checked(result.status()));
    out = std::move(result).ValueUnsafe();
    return {};
  }

  const ItemColumns columns_;
  arrow::StringBuilder ids_, metadata_;
  std::shared_ptr<arrow::FloatBuilder> values_;
  arrow::FixedSizeListBuilder vectors_;
  const std::shared_ptr<ArrowSink> sink_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

class Reader final : public ItemStreamReader {
 public:
  explicit Reader(ByteSource& source) : source_(std::make_shared<SourceStream>(source)) {}

  Status Open() {
    auto reader = FromArrow(arrow::ipc::RecordBatchStreamReader::Open(source_));
    if (!reader) return OwnOr(source_->error(), reader.error());
    reader_ = *std::move(reader);
    const arrow::Schema& schema = *reader_->schema();
    const auto wanted = [&](const char* name, bool (*fits)(const arrow::DataType&), bool must) {
      const auto field = schema.GetFieldByName(name);
      return field ? fits(*field->type()) : !must;
    };
    const auto is_text = [](const arrow::DataType& type) { return type.id() == arrow::Type::STRING; };
    const auto is_vector = [](const arrow::DataType& type) {
      return type.id() == arrow::Type::FIXED_SIZE_LIST && type.field(0)->type()->id() == arrow::Type::FLOAT;
    };
    if (wanted("id", is_text, true) && wanted("vector", is_vector, false) && wanted("metadata", is_text, false)) {
      return {};
    }
    return Fail(ErrorKind::kInvalid, "the stream does not hold items of a vector index: {}", schema.ToString());
  }

  Result<std::vector<StoredItem>> Next() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    do {
      const Status read = FromArrow(reader_->ReadNext(&batch));
      if (!read) return OwnOr(source_->error(), read.error());
      if (!batch) return std::vector<StoredItem>();
    } while (batch->num_rows() == 0);
    LH_TRY(FromArrow(batch->ValidateFull()));
    return ItemsOf(*batch);
  }

 private:
  static std::vector<StoredItem> ItemsOf(const arrow::RecordBatch& batch) {
    std::vector<StoredItem> items(static_cast<size_t>(batch.num_rows()));
    const auto ids = std::static_pointer_cast<arrow::StringArray>(batch.GetColumnByName("id"));
    const auto vectors = std::static_pointer_cast<arrow::FixedSizeListArray>(batch.GetColumnByName("vector"));
    const auto metadata = std::static_pointer_cast<arrow::StringArray>(batch.GetColumnByName("metadata"));
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      StoredItem& item = items[static_cast<size_t>(row)];
      item.id = ids->GetString(row);
      if (vectors) {
        const auto& values = static_cast<const arrow::FloatArray&>(*vectors->values());
        const float* first = values.raw_values() + vectors->value_offset(row);
        item.vector.assign(first, first + vectors->value_length());
      }
      if (metadata && metadata->IsValid(row)) item.metadata = metadata->GetString(row);
    }
    return items;
  }

  const std::shared_ptr<SourceStream> source_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader_;
};

}  // namespace

Result<std::unique_ptr<ItemStreamWriter>> ItemStreamWriter::Open(uint32_t dimension, ItemColumns columns,
                                                                 ByteSink& sink) {
  auto writer = std::make_unique<Writer>(dimension, columns, sink);
  LH_TRY(writer->Open());
  return writer;
}

Result<std::unique_ptr<ItemStreamReader>> ItemStreamReader::Open(ByteSource& source) {
  auto reader = std::make_unique<Reader>(source);
  LH_TRY(reader->Open());
  return reader;
}

}  // namespace lakehouse::vector
