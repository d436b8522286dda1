#include "http/direct.h"

namespace lakehouse::http {
namespace {

const std::string kNoParameter;

class Incoming final : public Request {
 public:
  Incoming(const DirectRequest& request, const Router::Match& match)
      : request_(request), match_(match), body_(request.body) {}

  std::string_view method() const override { return request_.method; }
  std::string_view target() const override { return request_.path; }
  std::string_view path() const override { return request_.path; }
  const std::string* header(std::string_view name) const override { return FindHeader(request_.headers, name); }
  const Headers& headers() const override { return request_.headers; }
  const std::string& capture(std::string_view name) const override {
    const auto found = match_.captures.find(name);
    return found == match_.captures.end() ? kNoParameter : found->second;
  }
  const std::string* query(std::string_view) const override { return nullptr; }
  Status OnlyQuery(std::initializer_list<std::string_view>) const override { return {}; }
  std::optional<uint64_t> content_length() const override { return request_.body.size(); }
  bool has_body() const override { return !request_.body.empty(); }
  ByteSource& body() override { return body_; }

 private:
  const DirectRequest& request_;
  const Router::Match& match_;
  StringSource body_;
};

class Outgoing final : public Response {
 public:
  explicit Outgoing(DirectAnswer& answer) : answer_(answer) {}

  void SetHeader(std::string_view name, std::string_view value) override { headers_.emplace_back(name, value); }
  Status Start(int status, std::optional<uint64_t>) override {
    started_ = true;
    answer_.Begin(status, headers_);
    return {};
  }
  Status Write(std::string_view bytes) override { return answer_.Take(bytes); }
  Status WriteFrom(ByteSource& source) override {
    std::string room(64 << 10, '\0');
    while (true) {
      LH_ASSIGN(const size_t size, source.Read(room));
      if (size == 0) return {};
      LH_TRY(answer_.Take(std::string_view(room).substr(0, size)));
    }
  }
  Status Finish() override { return {}; }
  Status Flush() override { return {}; }
  bool started() const override { return started_; }

 private:
  DirectAnswer& answer_;
  Headers headers_;
  bool started_ = false;
};

}  // namespace

Status Serve(const Router& router, const RequestContext& context, const DirectRequest& request, DirectAnswer& answer) {
  LH_ASSIGN(const auto match, router.Find(request.method, request.path));
  Incoming incoming(request, match);
  Outgoing outgoing(answer);
  RequestContext bounded = context;
  bounded.deadline = context.deadline.Sooner(Deadline::After(match.route->deadline));
  return match.route->handler(bounded, incoming, outgoing);
}

}  // namespace lakehouse::http
