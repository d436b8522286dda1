#include "flight/query_stream.h"

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>

#include "flight/status.h"

namespace lakehouse::flight {
namespace {

class QueryReader final : public arrow::RecordBatchReader {
 public:
  // REQUIRES: the query is among the active ones.
  QueryReader(Call& call, ActiveQueries& active, std::string ticket, std::shared_ptr<ActiveQuery> query)
      : call_(call), active_(active), ticket_(std::move(ticket)), query_(std::move(query)) {}
  // However the call ended: nobody reads the rest.
  ~QueryReader() override {
    query_->Detach();
    query_->End(Error{ErrorKind::kCancelled, "the client went away and the query was stopped", std::nullopt, {}});
    active_.Remove(ticket_);
  }

  Status Begin(const ActiveQuery::Run& run) {
    ArrowSchema exported;
    LH_TRY(query_->Begin(run, &exported));
    auto schema = arrow::ImportSchema(&exported);
    LH_ARROW_TRY("the result's schema", schema.status());
    schema_ = *std::move(schema);
    return {};
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    ArrowArray array;
    array.release = nullptr;
    const auto more = query_->Next(&array);
    if (!more) return call_.Refuse(more.error());
    if (!*more) {
      *out = nullptr;
      return arrow::Status::OK();
    }
    return arrow::ImportRecordBatch(&array, schema_).Value(out);
  }

 private:
  Call& call_;
  ActiveQueries& active_;
  const std::string ticket_;
  const std::shared_ptr<ActiveQuery> query_;
  std::shared_ptr<arrow::Schema> schema_;
};

// Counts what goes out for the audit.
class CountedStream final : public arrow::flight::FlightDataStream {
 public:
  CountedStream(Call& call, const std::shared_ptr<arrow::RecordBatchReader>& reader) : call_(call), stream_(reader) {}

  std::shared_ptr<arrow::Schema> schema() override { return stream_.schema(); }
  arrow::Result<arrow::flight::FlightPayload> GetSchemaPayload() override { return stream_.GetSchemaPayload(); }
  arrow::Result<arrow::flight::FlightPayload> Next() override {
    auto payload = stream_.Next();
    if (payload.ok() && payload->ipc_message.metadata) {
      call_.bytes_out +=
          static_cast<uint64_t>(payload->ipc_message.metadata->size() + payload->ipc_message.body_length);
    }
    return payload;
  }
  arrow::Status Close() override { return stream_.Close(); }

 private:
  Call& call_;
  arrow::flight::RecordBatchStream stream_;
};

}  // namespace

Result<std::unique_ptr<arrow::flight::FlightDataStream>> SendRows(Call& call,
                                                                  const arrow::flight::ServerCallContext& context,
                                                                  ActiveQueries& active, const std::string& ticket,
                                                                  const ActiveQuery::Run& run,
                                                                  ActiveQuery::Limits limits) {
  auto query = std::make_shared<ActiveQuery>(call.stop, limits, call.caller().session,
                                             [&context] { return context.is_cancelled(); });
  LH_TRY(active.Add(ticket, query));
  auto reader = std::make_shared<QueryReader>(call, active, ticket, std::move(query));
  LH_TRY(reader->Begin(run));
  return std::make_unique<CountedStream>(call, reader);
}

std::unique_ptr<arrow::flight::FlightDataStream> SendTable(Call& call, std::shared_ptr<arrow::RecordBatch> batch) {
  auto schema = batch->schema();
  auto reader = arrow::RecordBatchReader::Make({std::move(batch)}, std::move(schema));
  return std::make_unique<CountedStream>(call, reader.ValueOrDie());
}

}  // namespace lakehouse::flight
