#include "service/arrow_rows.h"

#include <arrow/buffer.h>
#include <arrow/c/bridge.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <deque>

namespace lakehouse::service {
namespace {

std::unexpected<Error> Broken(const arrow::Status& status) {
  return Fail(ErrorKind::kUpstream, "the answer is no Arrow stream: {}", status.message());
}

class Collector final : public arrow::ipc::Listener {
 public:
  arrow::Status OnSchemaDecoded(std::shared_ptr<arrow::Schema> decoded) override {
    schema = std::move(decoded);
    return arrow::Status::OK();
  }
  arrow::Status OnRecordBatchDecoded(std::shared_ptr<arrow::RecordBatch> batch) override {
    if (batch->num_rows() > 0) batches.push_back(std::move(batch));
    return arrow::Status::OK();
  }
  arrow::Status OnEOS() override {
    ended = true;
    return arrow::Status::OK();
  }

  std::shared_ptr<arrow::Schema> schema;
  std::deque<std::shared_ptr<arrow::RecordBatch>> batches;
  bool ended = false;
};

}  // namespace

struct ArrowShape::Impl {
  std::shared_ptr<arrow::Schema> schema;
};

ArrowShape::ArrowShape() = default;
ArrowShape::~ArrowShape() = default;
ArrowShape::ArrowShape(const ArrowShape&) = default;
ArrowShape& ArrowShape::operator=(const ArrowShape&) = default;

Status ArrowShape::Export(ArrowSchema* out) const {
  const arrow::Status exported = arrow::ExportSchema(*impl_->schema, out);
  if (!exported.ok()) return Broken(exported);
  return {};
}

bool ArrowShape::Equals(const ArrowShape& other) const { return impl_->schema->Equals(*other.impl_->schema); }

struct ArrowBatch::Impl {
  std::shared_ptr<arrow::RecordBatch> batch;
};

uint64_t ArrowBatch::rows() const { return static_cast<uint64_t>(impl_->batch->num_rows()); }

Status ArrowBatch::Export(ArrowArray* out) const {
  const arrow::Status exported = arrow::ExportRecordBatch(*impl_->batch, out);
  if (!exported.ok()) return Broken(exported);
  return {};
}

struct ArrowRows::Impl {
  const std::shared_ptr<Collector> collector = std::make_shared<Collector>();
  arrow::ipc::StreamDecoder decoder{collector};
};

ArrowRows::ArrowRows() : impl_(std::make_unique<Impl>()) {}
ArrowRows::~ArrowRows() = default;
ArrowRows::ArrowRows(ArrowRows&&) noexcept = default;
ArrowRows& ArrowRows::operator=(ArrowRows&&) noexcept = default;

Status ArrowRows::Take(std::string_view bytes) {
  const arrow::Status taken =
      impl_->decoder.Consume(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int64_t>(bytes.size()));
  if (!taken.ok()) return Broken(taken);
  return {};
}

Status ArrowRows::Pull(ByteSource& source) {
  const int64_t needed = std::max<int64_t>(impl_->decoder.next_required_size(), 1);
  auto buffer = arrow::AllocateBuffer(needed);
  if (!buffer.ok()) return Fail(ErrorKind::kExhausted, "no memory for a batch of {} bytes", needed);
  for (int64_t have = 0; have < needed;) {
    char* at = reinterpret_cast<char*>((*buffer)->mutable_data()) + have;
    LH_ASSIGN(const size_t taken, source.Read({at, static_cast<size_t>(needed - have)}));
    if (taken == 0) return Fail(ErrorKind::kUpstream, "the answer ended within an Arrow stream");
    have += static_cast<int64_t>(taken);
  }
  const arrow::Status taken = impl_->decoder.Consume(std::shared_ptr<arrow::Buffer>(*std::move(buffer)));
  if (!taken.ok()) return Broken(taken);
  return {};
}

bool ArrowRows::has_schema() const { return impl_->collector->schema != nullptr; }
bool ArrowRows::ended() const { return impl_->collector->ended; }

ArrowShape ArrowRows::schema() const {
  ArrowShape shape;
  shape.impl_ = std::make_shared<const ArrowShape::Impl>(ArrowShape::Impl{impl_->collector->schema});
  return shape;
}

std::optional<ArrowBatch> ArrowRows::Next(uint64_t most_rows) {
  auto& batches = impl_->collector->batches;
  if (batches.empty()) return std::nullopt;
  auto batch = std::move(batches.front());
  batches.pop_front();
  const auto most = static_cast<int64_t>(std::clamp<uint64_t>(most_rows, 1, INT64_MAX));
  if (batch->num_rows() > most) {
    batches.push_front(batch->Slice(most));
    batch = batch->Slice(0, most);
  }
  return ArrowBatch(std::make_shared<const ArrowBatch::Impl>(ArrowBatch::Impl{std::move(batch)}));
}

}  // namespace lakehouse::service
