#include <utility>

#include "lakehouse/v1/query.grpc.pb.h"
#include "rpc/arrow_messages.h"
#include "rpc/convert.h"
#include "rpc/convert_query.h"
#include "rpc/reactors.h"
#include "rpc/services.h"
#include "service/query_wire.h"

namespace lakehouse::rpc {
namespace {

constexpr uint64_t kBatchBytes = 1 << 20;
constexpr size_t kResultPieceBytes = 256 << 10;

Result<query::BatchRequest> ToBatches(const v1::RunRequest& request) {
  LH_ASSIGN(auto parsed, FromProto(request));
  query::BatchRequest query;
  query.sql = std::move(parsed.sql);
  if (!parsed.parameters.empty()) query.parameter_rows.push_back(std::move(parsed.parameters));
  query.timeout = parsed.timeout;
  query.at_seq = parsed.at_seq;
  query.batch_bytes = kBatchBytes;
  return query;
}

Result<query::QueryRequest> ToFile(const v1::ExportRequest& request) {
  LH_ASSIGN(auto query, FromProto(request.query()));
  if (request.query().max_rows() != 0) return BadField("query.max_rows", "a file has all rows: max_rows must be 0");
  LH_ASSIGN(query.format, FromProto(request.format()));
  return query;
}

// The bytes of a file as messages, its head before them.
class PieceSink final : public ByteSink {
 public:
  PieceSink(MessageSink<v1::ExportResponse>& messages, v1::ExportResponse head)
      : messages_(messages), head_(std::move(head)) {}

  Status Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view some = bytes.substr(0, kResultPieceBytes - piece_.size());
      piece_.append(some);
      bytes.remove_prefix(some.size());
      if (piece_.size() == kResultPieceBytes) LH_TRY(Flush());
    }
    return {};
  }

  // Sends what is held back, and the head before the first bytes or the end.
  Status Flush() {
    if (!std::exchange(begun_, true)) LH_TRY(messages_.Write(std::move(head_)));
    if (piece_.empty()) return {};
    v1::ExportResponse response;
    response.set_data(std::exchange(piece_, {}));
    return messages_.Write(std::move(response));
  }

 private:
  MessageSink<v1::ExportResponse>& messages_;
  v1::ExportResponse head_;
  std::string piece_;
  bool begun_ = false;
};

class QueryService final : public v1::Query::CallbackService {
 public:
  QueryService(Host& host, service::Query& query)
      : host_(host),
        query_(query),
        run_(host.AddMethod("Query/Run", auth::Scope::kRead, std::chrono::hours(1))),
        export_(host.AddMethod("Query/Export", auth::Scope::kRead, std::chrono::hours(1))),
        describe_(host.AddMethod("Query/Describe", auth::Scope::kRead)) {}

  grpc::ServerWriteReactor<v1::RunResponse>* Run(grpc::CallbackServerContext* context,
                                                 const v1::RunRequest* request) override {
    return Sending<v1::RunResponse>(
        host_, run_, context, [this, request](const RequestContext& asked, MessageSink<v1::RunResponse>& messages) {
          return RunQuery(asked, *request, messages);
        });
  }

  grpc::ServerWriteReactor<v1::ExportResponse>* Export(grpc::CallbackServerContext* context,
                                                       const v1::ExportRequest* request) override {
    return Sending<v1::ExportResponse>(
        host_, export_, context,
        [this, request](const RequestContext& asked, MessageSink<v1::ExportResponse>& messages) {
          return WriteFile(asked, *request, messages);
        });
  }

  grpc::ServerUnaryReactor* Describe(grpc::CallbackServerContext* context, const v1::DescribeRequest* request,
                                     v1::DescribeResponse* response) override {
    return Unary(host_, describe_, context, [this, request, response](const RequestContext& asked) -> Status {
      const auto at_seq = request->has_at_seq() ? std::optional(Seq(request->at_seq())) : std::nullopt;
      LH_ASSIGN(const auto shape, query_.Describe(asked, request->sql(), at_seq));
      LH_ASSIGN(*response->mutable_arrow(), service::WriteShape(shape));
      response->set_seq(shape.seq.value);
      return {};
    });
  }

 private:
  Status WriteFile(const RequestContext& context, const v1::ExportRequest& request,
                   MessageSink<v1::ExportResponse>& messages) {
    LH_ASSIGN(const auto parsed, ToFile(request));
    LH_ASSIGN(const auto stream, query_.Run(context, parsed));
    v1::ExportResponse head;
    head.mutable_head()->set_seq(stream->seq().value);
    head.mutable_head()->set_content_type(std::string(query::ContentType(parsed.format)));
    PieceSink sink(messages, std::move(head));
    LH_TRY(stream->WriteTo(sink));
    LH_TRY(sink.Flush());
    v1::ExportResponse tail;
    tail.mutable_tail()->set_rows(stream->rows_written());
    tail.mutable_tail()->set_bytes(stream->bytes_written());
    return messages.Write(std::move(tail));
  }

  Status RunQuery(const RequestContext& context, const v1::RunRequest& request,
                  MessageSink<v1::RunResponse>& messages) {
    LH_ASSIGN(const auto parsed, ToBatches(request));
    LH_ASSIGN(const auto stream, query_.RunBatches(context, parsed));
    v1::RunResponse schema;
    schema.mutable_schema()->set_seq(stream->seq().value);
    LH_ASSIGN(const auto arrow, ArrowMessages::Open(*stream, *schema.mutable_schema()->mutable_arrow()));
    const uint64_t limit = request.max_rows() == 0 ? UINT64_MAX : request.max_rows();
    uint64_t sent = 0;
    bool begun = false;
    const auto send = [&](std::string bytes, uint64_t rows) -> Status {
      // The first rows are there before anything is sent, so that an error that shows up early comes alone.
      if (!std::exchange(begun, true)) LH_TRY(messages.Write(std::move(schema)));
      v1::RunResponse response;
      response.mutable_batch()->set_arrow(std::move(bytes));
      response.mutable_batch()->set_rows(rows);
      sent += rows;
      return messages.Write(std::move(response));
    };
    bool cut = false;
    while (!cut) {
      LH_ASSIGN(const bool more, arrow->SendNext(limit - sent, cut, send));
      if (!more) break;
    }
    if (!begun) LH_TRY(messages.Write(std::move(schema)));
    v1::RunResponse response;
    v1::RunResponse::Trailer& trailer = *response.mutable_trailer();
    trailer.set_arrow(std::string(kArrowEnd));
    trailer.set_rows(sent);
    trailer.set_seq(stream->seq().value);
    trailer.set_truncated(cut);
    return messages.Write(std::move(response));
  }

  Host& host_;
  service::Query& query_;
  const Method &run_, &export_, &describe_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeQueryService(Host& host, service::Query& query) {
  return std::make_unique<QueryService>(host, query);
}

}  // namespace lakehouse::rpc
