#include <charconv>

#include "http/api_schemas.h"
#include "http/routes.h"
#include "service/query_wire.h"

namespace lakehouse::http {
namespace {

using query::ResultFormat;

constexpr uint64_t kMaxRequestBytes = uint64_t{16} << 20;
// Answers up to this size go out whole, with a Content-Length and one system call.
constexpr size_t kWholeAnswerBytes = 64 << 10;

// Holds back the first bytes of an answer: an error that shows up early can still become a problem document, and a
// small answer needs no chunks.
class AnswerSink final : public ByteSink {
 public:
  AnswerSink(Response& response, ResultFormat format) : response_(response), format_(format) {}

  Status Write(std::string_view bytes) override {
    if (response_.started()) return response_.Write(bytes);
    held_.append(bytes);
    if (held_.size() <= kWholeAnswerBytes) return {};
    response_.SetHeader("Content-Type", query::ContentType(format_));
    LH_TRY(response_.Start(200, std::nullopt));
    LH_TRY(response_.Write(held_));
    held_ = {};
    return {};
  }

  Status Finish() {
    if (response_.started()) return response_.Finish();
    return response_.Send(200, query::ContentType(format_), held_);
  }

 private:
  Response& response_;
  const ResultFormat format_;
  std::string held_;
};

std::optional<ResultFormat> FormatOf(std::string_view media_type) {
  if (media_type == "application/json" || media_type == "application/*" || media_type == "*/*")
    return ResultFormat::kJson;
  if (media_type == "application/x-ndjson" || media_type == "application/ndjson" || media_type == "application/jsonl")
    return ResultFormat::kNdjson;
  if (media_type == "text/csv" || media_type == "text/*") return ResultFormat::kCsv;
  if (media_type == "application/vnd.apache.arrow.stream") return ResultFormat::kArrowStream;
  if (media_type == "application/vnd.apache.parquet") return ResultFormat::kParquet;
  return std::nullopt;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The weight after ";q=", 1 when there is none (RFC 9110, 12.4.2).
double Weight(std::string_view parameters) {
  const size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1;
  double weight = 1;
  std::from_chars(parameters.data() + at + 2, parameters.data() + parameters.size(), weight);
  return weight;
}

// The best of what the client takes and we have; JSON when it asks for nothing that we have.
ResultFormat Negotiate(const Request& request) {
  const std::string* accept = request.header("Accept");
  if (accept == nullptr) return ResultFormat::kJson;
  ResultFormat best = ResultFormat::kJson;
  double best_weight = 0;
  std::string_view rest = *accept;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view entry = Trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const size_t semicolon = entry.find(';');
    const auto format = FormatOf(Trimmed(entry.substr(0, semicolon)));
    const double weight = semicolon == std::string_view::npos ? 1 : Weight(entry.substr(semicolon));
    if (format && weight > best_weight) {
      best = *format;
      best_weight = weight;
    }
  }
  return best;
}

Status RunQuery(service::Query& service, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxRequestBytes));
  LH_ASSIGN(query::QueryRequest parsed, service::ParseQuery(body));
  parsed.format = Negotiate(request);
  LH_ASSIGN(const auto stream, service.Run(context, parsed));
  response.SetHeader("X-Lakehouse-Seq", std::to_string(stream->seq().value));
  AnswerSink sink(response, parsed.format);
  LH_TRY(stream->WriteTo(sink));
  return sink.Finish();
}

Status DescribeQuery(service::Query& service, const RequestContext& context, Request& request, Response& response) {
  LH_ASSIGN(const std::string body, ReadAll(request.body(), kMaxRequestBytes));
  LH_ASSIGN(const query::QueryRequest parsed, service::ParseQuery(body));
  LH_ASSIGN(const auto shape, service.Describe(context, parsed.sql, parsed.at_seq));
  LH_ASSIGN(const std::string bytes, service::WriteShape(shape));
  response.SetHeader("X-Lakehouse-Seq", std::to_string(shape.seq.value));
  return response.Send(200, service::kShapeMediaType, bytes);
}

// The service may be nullptr as long as the route is not called.
void AddQueryRoutesTo(Router& router, service::Query* query, QueryRouteOptions options) {
  router.Add({.method = "POST",
              .pattern = "/sql",
              .handler = [query](const RequestContext& context, Request& request,
                                 Response& response) { return RunQuery(*query, context, request, response); },
              .summary = "Run one SQL statement that reads",
              .deadline = options.deadline,
              .doc = {.body = "application/json Query",
                      .answers = "200 application/json Rows, 200 application/x-ndjson bytes, 200 text/csv bytes, "
                                 "200 application/vnd.apache.arrow.stream bytes, "
                                 "200 application/vnd.apache.parquet bytes",
                      .schemas = kQuerySchemas},
              .scope = auth::Scope::kRead});
  router.Add({.method = "POST",
              .pattern = "/sql/describe",
              .handler = [query](const RequestContext& context, Request& request,
                                 Response& response) { return DescribeQuery(*query, context, request, response); },
              .summary = "What a statement takes and gives, without running it",
              .deadline = options.deadline,
              .doc = {.body = "application/json Query",
                      .answers = "200 application/vnd.apache.arrow.stream bytes",
                      .schemas = kQuerySchemas},
              .scope = auth::Scope::kRead});
}

}  // namespace

void AddQueryRoutes(Router& router, service::Query& query, QueryRouteOptions options) {
  AddQueryRoutesTo(router, &query, options);
}
void DescribeQueryRoutes(Router& router) { AddQueryRoutesTo(router, nullptr, {}); }

}  // namespace lakehouse::http
