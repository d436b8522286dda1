#include "service/query_remote.h"

#include <algorithm>
#include <charconv>

#include "service/arrow_rows.h"
#include "service/query_wire.h"

namespace lakehouse::service {
namespace {

using query::ResultFormat;

constexpr size_t kAnswerPieceBytes = 256 << 10;
constexpr uint64_t kMaxShapeBytes = uint64_t{64} << 20;

// The time limit that travels with the query: its own, or what is left of the caller's.
std::optional<std::chrono::milliseconds> TimeLimit(const RequestContext& context,
                                                   std::optional<std::chrono::milliseconds> own) {
  if (context.deadline.IsNever()) return own;
  const auto left = context.deadline.Remaining();
  return own ? std::min(*own, left) : left;
}

RequestContext WithGrace(RequestContext context) {
  if (!context.deadline.IsNever()) context.deadline = Deadline::After(context.deadline.Remaining() + kQueryGrace);
  return context;
}

Result<Seq> SeqOf(const net::HttpResponse& response, const std::string& role) {
  const std::string* text = net::FindHeader(response.headers(), "X-Lakehouse-Seq");
  Seq seq;
  if (text == nullptr || std::from_chars(text->data(), text->data() + text->size(), seq.value).ec != std::errc()) {
    return Fail(ErrorKind::kUpstream, "{}'s answer has no header X-Lakehouse-Seq", role);
  }
  return seq;
}

// Over HTTP.
class HttpQueryRole final : public QueryRole {
 public:
  explicit HttpQueryRole(RemoteRole role) : role_(std::move(role)) {}

  const std::string& name() const override { return role_.name(); }
  Result<Answer> Send(const RequestContext& context, const query::QueryRequest& request) const override {
    return Post(context, "/sql", query::ContentType(request.format), request);
  }
  Result<query::StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                         std::optional<Seq> at_seq) const override {
    query::QueryRequest request;
    request.sql = sql;
    request.at_seq = at_seq;
    LH_ASSIGN(const Answer answer, Post(context, "/sql/describe", kShapeMediaType, request));
    auto bytes = ReadAll(*answer.body, kMaxShapeBytes);
    if (!bytes) return Fail(std::move(bytes.error()).In(role_.name()));
    LH_ASSIGN(auto shape, ParseShape(*bytes));
    shape.seq = answer.seq;
    return shape;
  }
  Status Ready(const RequestContext& context) const override { return role_.Ready(context); }

 private:
  Result<Answer> Post(const RequestContext& context, std::string_view path, std::string_view accept,
                      const query::QueryRequest& request) const {
    const std::string body = WriteQuery(request);
    LH_ASSIGN(auto response, role_.Post(WithGrace(context), path, accept, body));
    LH_ASSIGN(const Seq seq, SeqOf(*response, role_.name()));
    return Answer{std::move(response), seq};
  }

  const RemoteRole role_;
};

Result<QueryRole::Answer> Ask(const QueryRole& role, const RequestContext& context,
                              const query::QueryRequest& request) {
  LH_TRY(context.Check("the query"));
  auto answer = role.Send(context, request);
  // A query changes nothing: asking again is always safe.
  if (!answer && answer.error().kind == ErrorKind::kAmbiguous) answer.error().kind = ErrorKind::kUnavailable;
  return answer;
}

// How many rows went by, as far as the bytes of a format say it.
class RowCount {
 public:
  explicit RowCount(ResultFormat format) : format_(format) {}

  Status Take(std::string_view bytes) {
    if (format_ == ResultFormat::kNdjson) rows_ += static_cast<uint64_t>(std::ranges::count(bytes, '\n'));
    if (format_ == ResultFormat::kArrowStream) {
      LH_TRY(arrow_.Take(bytes));
      while (const auto batch = arrow_.Next()) rows_ += batch->rows();
    }
    if (format_ == ResultFormat::kJson) {
      tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), kTailBytes)));
      if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
    }
    return {};
  }

  uint64_t rows() const {
    if (format_ != ResultFormat::kJson) return rows_;
    constexpr std::string_view kMark = "\"row_count\":";
    const size_t at = tail_.rfind(kMark);
    uint64_t rows = 0;
    if (at != std::string::npos) std::from_chars(tail_.data() + at + kMark.size(), tail_.data() + tail_.size(), rows);
    return rows;
  }

 private:
  // {…],"row_count":N,"seq":S}: two numbers of at most 20 digits and their names.
  static constexpr size_t kTailBytes = 80;
  const ResultFormat format_;
  uint64_t rows_ = 0;
  ArrowRows arrow_;
  std::string tail_;
};

class RemoteStream final : public query::QueryStream {
 public:
  RemoteStream(QueryRole::Answer answer, ResultFormat format, std::string role)
      : answer_(std::move(answer)), role_(std::move(role)), count_(format) {}

  Seq seq() const override { return answer_.seq; }
  uint64_t bytes_written() const override { return bytes_; }
  uint64_t rows_written() const override { return count_.rows(); }
  Status WriteTo(ByteSink& sink) override {
    std::vector<char> piece(kAnswerPieceBytes);
    while (true) {
      auto taken = answer_.body->Read(piece);
      if (!taken) return Fail(std::move(taken.error()).In(role_));
      if (*taken == 0) return {};
      const std::string_view bytes(piece.data(), *taken);
      LH_TRY(count_.Take(bytes));
      bytes_ += bytes.size();
      LH_TRY(sink.Write(bytes));
    }
  }

 private:
  const QueryRole::Answer answer_;
  const std::string role_;
  RowCount count_;
  uint64_t bytes_ = 0;
};

class RemoteBatches final : public query::BatchStream {
 public:
  RemoteBatches(std::shared_ptr<const QueryRole> role, RequestContext context, query::BatchRequest request)
      : role_(std::move(role)), context_(std::move(context)), request_(std::move(request)) {
    if (request_.timeout) context_.deadline = context_.deadline.Sooner(Deadline::After(*request_.timeout));
  }

  Status Start() { return OpenNext(); }

  Seq seq() const override { return *request_.at_seq; }
  uint64_t rows() const override { return rows_; }
  Status ExportSchema(ArrowSchema* out) override {
    if (finished_) return Fail(ErrorKind::kInternal, "the schema of a result is read before its end");
    return schema_.Export(out);
  }

  Result<bool> Next(ArrowArray* out) override {
    if (finished_) return false;
    auto taken = Take(out);
    if (!taken || !*taken) {
      finished_ = true;
      body_.reset();
    }
    return taken;
  }

 private:
  Result<bool> Take(ArrowArray* out) {
    while (true) {
      if (auto batch = decoder_.Next(request_.batch_rows)) {
        rows_ += batch->rows();
        LH_TRY(batch->Export(out));
        return true;
      }
      if (!decoder_.ended()) {
        LH_TRY(Pull());
      } else if (next_row_ < request_.parameter_rows.size()) {
        LH_TRY(OpenNext());
      } else {
        return false;
      }
    }
  }

  // Sends the statement with the next row of parameters, and reads as far as its schema.
  Status OpenNext() {
    query::QueryRequest one;
    one.sql = request_.sql;
    if (!request_.parameter_rows.empty()) one.parameters = request_.parameter_rows[next_row_++];
    one.at_seq = request_.at_seq;
    one.timeout = TimeLimit(context_, request_.timeout);
    one.format = ResultFormat::kArrowStream;
    LH_ASSIGN(auto answer, Ask(*role_, context_, one));
    body_ = std::move(answer.body);
    request_.at_seq = answer.seq;
    decoder_ = ArrowRows();
    while (!decoder_.has_schema()) LH_TRY(Pull());
    if (next_row_ <= 1) {
      schema_ = decoder_.schema();
    } else if (!schema_.Equals(decoder_.schema())) {
      return Fail(ErrorKind::kInvalid,
                  "parameter row {} gives columns of other types than the first row; bind values of the same types in "
                  "every row",
                  next_row_);
    }
    return {};
  }

  Status Pull() {
    auto pulled = decoder_.Pull(*body_);
    if (!pulled) return Fail(std::move(pulled.error()).In(role_->name()));
    return {};
  }

  const std::shared_ptr<const QueryRole> role_;
  RequestContext context_;
  query::BatchRequest request_;  // at_seq: of the first answer, once there is one
  std::unique_ptr<ByteSource> body_;
  ArrowRows decoder_;
  ArrowShape schema_;
  size_t next_row_ = 0;
  uint64_t rows_ = 0;
  bool finished_ = false;
};

}  // namespace

RemoteQuery::RemoteQuery(RemoteRole role) : role_(std::make_shared<HttpQueryRole>(std::move(role))) {}

Result<std::unique_ptr<query::QueryStream>> RemoteQuery::Run(const RequestContext& context,
                                                             const query::QueryRequest& request) {
  query::QueryRequest limited = request;
  limited.timeout = TimeLimit(context, request.timeout);
  LH_ASSIGN(auto answer, Ask(*role_, context, limited));
  return std::make_unique<RemoteStream>(std::move(answer), request.format, role_->name());
}

Result<std::unique_ptr<query::BatchStream>> RemoteQuery::RunBatches(const RequestContext& context,
                                                                    const query::BatchRequest& request) {
  auto stream = std::make_unique<RemoteBatches>(role_, context, request);
  LH_TRY(stream->Start());
  return stream;
}

Result<query::StatementShape> RemoteQuery::Describe(const RequestContext& context, const std::string& sql,
                                                    std::optional<Seq> at_seq) {
  LH_TRY(context.Check("the query"));
  auto shape = role_->Describe(context, sql, at_seq);
  if (!shape && shape.error().kind == ErrorKind::kAmbiguous) shape.error().kind = ErrorKind::kUnavailable;
  return shape;
}

}  // namespace lakehouse::service
