#include "http/proxy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "http/framing.h"
#include "http/proxy_upstream.h"
#include "http/server_access.h"

namespace lakehouse::http {

namespace {

constexpr size_t kProxyCopy = 256 << 10;
constexpr std::chrono::seconds kContinuePatience{2};

constexpr std::string_view kHopByHop[] = {
    "Connection", "Keep-Alive",        "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE",
    "Trailer",    "Transfer-Encoding", "Upgrade",          "Content-Length"};
// What the gateway says for itself, or has judged already (Origin).
constexpr std::string_view kOwnRequest[] = {"Host",
                                            "Expect",
                                            "Origin",
                                            "X-Request-Id",
                                            "traceparent",
                                            "X-Forwarded-For",
                                            "X-Forwarded-Host",
                                            kPrefixHeader,
                                            "X-Forwarded-Proto",
                                            kRoleTokenHeader,
                                            auth::kVoucherHeader};
constexpr std::string_view kOwnResponse[] = {"Date", "Server", "X-Request-Id", "X-Content-Type-Options"};

bool IsOneOf(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [name](std::string_view other) { return EqualsNoCase(name, other); });
}

// Whether a field goes on to the other side. `connection`: all Connection values, which may name more of them.
bool GoesOn(std::string_view name, std::string_view connection, std::span<const std::string_view> own) {
  return !IsOneOf(name, kHopByHop) && !IsOneOf(name, own) && !ListHas(connection, name);
}

std::string ConnectionValues(const Headers& headers) {
  std::string all;
  for (const auto& [name, value] : headers) {
    if (EqualsNoCase(name, "Connection")) all.append(all.empty() ? "" : ",").append(value);
  }
  return all;
}

void AppendField(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string TargetOf(const UpstreamPool& pool, std::string_view target) {
  if (target.starts_with(pool.options().strip_prefix)) target.remove_prefix(pool.options().strip_prefix.size());
  std::string whole = pool.url().path;
  if (!target.starts_with('/')) whole.push_back('/');
  return whole.append(target);
}

std::string RequestHeadOf(const UpstreamPool& pool, const RequestContext& context, const Request& request) {
  std::string head;
  head.reserve(1024);
  head.append(request.method()).append(" ").append(TargetOf(pool, request.target())).append(" HTTP/1.1\r\n");
  AppendField(head, "Host", pool.url().authority);
  const std::string connection = ConnectionValues(request.headers());
  const auth::Voucher* voucher = pool.options().voucher.get();
  const bool is_known = voucher != nullptr && !request.caller().IsAnonymous();
  for (const auto& [name, value] : request.headers()) {
    // A key goes no further than it has to.
    if (is_known && EqualsNoCase(name, "Authorization")) continue;
    if (GoesOn(name, connection, kOwnRequest)) AppendField(head, name, value);
  }
  if (is_known) {
    AppendField(head, auth::kVoucherHeader, voucher->For(request.caller()));
  } else if (voucher != nullptr && pool.is_remote()) {
    AppendField(head, auth::kVoucherHeader, voucher->ForAnyone());
  }
  AppendField(head, "X-Request-Id", context.request_id);
  if (!context.traceparent.empty()) AppendField(head, "traceparent", context.traceparent);
  const std::string* before = request.header("X-Forwarded-For");
  AppendField(head, "X-Forwarded-For",
              before != nullptr ? *before + ", " + request.client_address() : request.client_address());
  if (const std::string* host = request.header("Host")) AppendField(head, "X-Forwarded-Host", *host);
  AppendField(head, "X-Forwarded-Proto", request.is_tls() ? "https" : "http");
  if (!pool.options().strip_prefix.empty()) AppendField(head, kPrefixHeader, pool.options().strip_prefix);
  if (request.content_length()) {
    AppendField(head, "Content-Length", std::to_string(*request.content_length()));
  } else if (request.has_body()) {
    AppendField(head, "Transfer-Encoding", "chunked");
  }
  if (request.has_body() && request.header("Expect") != nullptr) AppendField(head, "Expect", "100-continue");
  return head.append("\r\n");
}

// One request's way through the proxy.
class Passage {
 public:
  Passage(UpstreamPool& pool, const RequestContext& context, Request& request, Response& response)
      : pool_(pool), context_(context), request_(request), response_(response) {}

  Status Run() {
    LH_ASSIGN(connection_, pool_.Take(context_.deadline));
    const std::string head = RequestHeadOf(pool_, context_, request_);
    Result<ResponseHead> answer = Ask(head);
    if (!answer && MayRetry()) {
      LH_ASSIGN(connection_, pool_.Connect(context_.deadline));
      answer = Ask(head);
    }
    if (!answer) return Fail(Explain(std::move(answer.error())));
    Status passed = PassAnswer(*answer);
    if (!passed) return Fail(Explain(std::move(passed.error())));
    if (may_keep_) pool_.Keep(std::move(connection_));
    return {};
  }

 private:
  // A kept connection may have died unseen. Asking again is safe when nothing came back, nothing was streamed, and
  // doing it twice is the same as once.
  bool MayRetry() const {
    return connection_->reused && received_ == 0 && !request_.has_body() && request_.method() != "POST" &&
           request_.method() != "PATCH" && !context_.cancelled.stop_requested();
  }

  Error Explain(Error error) const {
    if (context_.cancelled.stop_requested())
      return Error{ErrorKind::kCancelled, "the client went away", std::nullopt, {}};
    if (error.kind == ErrorKind::kUpstream || error.kind == ErrorKind::kDeadline) {
      error.detail = fmt::format("{}: {}", pool_.url().authority, error.detail);
    }
    return error;
  }

  Result<ResponseHead> Ask(const std::string& head);
  Status SendBody();
  Status SendPiece(std::string_view bytes);
  Result<ResponseHead> ReceiveHead(Deadline deadline);
  Status PassAnswer(const ResponseHead& head);
  Status PassBody(const ResponseHead& head);
  Status PassLength(uint64_t length);
  Status PassChunks();
  Status PassToEnd();
  Status Fill();
  std::span<char> Buffer() const { return connection_->buffer; }
  std::string_view Unread() const { return std::string_view(connection_->buffer.data() + from_, to_ - from_); }

  UpstreamPool& pool_;
  const RequestContext& context_;
  Request& request_;
  Response& response_;
  std::unique_ptr<UpstreamConnection> connection_;
  size_t from_ = 0, to_ = 0;  // what the connection's buffer holds of the answer
  uint64_t received_ = 0;
  bool may_keep_ = false;
  bool sent_all_ = false;
};

Result<ResponseHead> Passage::Ask(const std::string& head) {
  const std::stop_callback gone(context_.cancelled, [this] { connection_->Abort(); });
  from_ = to_ = 0;
  sent_all_ = false;
  iovec piece{const_cast<char*>(head.data()), head.size()};
  LH_TRY(connection_->Send(std::span(&piece, 1), pool_.options().idle_timeout));
  if (!request_.has_body()) {
    sent_all_ = true;
    return ReceiveHead(context_.deadline);
  }
  if (request_.header("Expect") != nullptr) {
    // The upstream decides: its 100 lets the body through, its refusal comes before the body. One that does neither
    // gets the body after a moment (RFC 9110, 10.1.1).
    Result<ResponseHead> first = ReceiveHead(context_.deadline.Sooner(Deadline::After(kContinuePatience)));
    if (!first && (first.error().kind != ErrorKind::kDeadline || context_.deadline.HasPassed())) return first;
    if (first && first->status != 100) return first;
  }
  LH_TRY(SendBody());
  for (;;) {
    Result<ResponseHead> answer = ReceiveHead(context_.deadline);
    if (!answer || answer->status >= 200) return answer;
  }
}

Status Passage::SendPiece(std::string_view bytes) {
  std::array<char, 24> size;
  std::array<iovec, 3> pieces;
  size_t count = 0;
  const auto add = [&](std::string_view text) { pieces[count++] = {const_cast<char*>(text.data()), text.size()}; };
  if (request_.content_length()) {
    add(bytes);
  } else {
    const auto end = fmt::format_to_n(size.data(), size.size(), "{:x}\r\n", bytes.size());
    add(std::string_view(size.data(), end.size));
    if (!bytes.empty()) add(bytes);
    add("\r\n");
  }
  return connection_->Send(std::span(pieces).first(count), pool_.options().idle_timeout);
}

// Stops without an error when the upstream answers early or takes no more: its answer says why.
Status Passage::SendBody() {
  // The connection's own buffer is for the answer, of which nothing is here yet.
  std::vector<char> bytes(std::min<uint64_t>(request_.content_length().value_or(kProxyCopy), kProxyCopy));
  for (;;) {
    LH_ASSIGN(const size_t got, request_.body().Read(bytes));
    if (got == 0 && request_.content_length()) break;
    if (!SendPiece(std::string_view(bytes.data(), got))) return {};
    if (got == 0) break;
    if (connection_->HasInput()) return {};
  }
  sent_all_ = true;
  return {};
}

Status Passage::Fill() {
  const Deadline patience = Deadline::After(pool_.options().idle_timeout);
  if (from_ == to_) from_ = to_ = 0;
  // What the client may want by now should not wait for what comes later.
  if (!connection_->HasInput()) LH_TRY(response_.Flush());
  LH_ASSIGN(const size_t got, connection_->Receive(Buffer().subspan(to_), patience));
  if (got == 0) return Fail(ErrorKind::kUpstream, "the upstream broke off its answer");
  to_ += got;
  return {};
}

Result<ResponseHead> Passage::ReceiveHead(Deadline deadline) {
  size_t scanned = 0;
  for (;;) {
    const Framed<size_t> end = FindHeadEnd(Unread(), scanned);
    if (!end) return Fail(ErrorKind::kUpstream, "the upstream's answer is malformed: {}", end.error().detail);
    if (*end > 0) {
      Framed<ResponseHead> head = ParseResponseHead(Unread().substr(0, *end));
      if (!head) return Fail(ErrorKind::kUpstream, "the upstream's answer is malformed: {}", head.error().detail);
      from_ += *end;
      if (head->status == 101) return Fail(ErrorKind::kUpstream, "the upstream changed the protocol unasked");
      // Other interim answers than 100 concern nobody here.
      if (head->status >= 200 || head->status == 100) return *head;
      scanned = 0;
      continue;
    }
    if (to_ == Buffer().size() && from_ > 0) {
      std::memmove(Buffer().data(), Buffer().data() + from_, to_ - from_);
      to_ -= from_;
      from_ = 0;
    }
    if (to_ == Buffer().size()) return Fail(ErrorKind::kUpstream, "the upstream's answer has too large a head");
    LH_ASSIGN(const size_t got, connection_->Receive(Buffer().subspan(to_), deadline));
    if (got == 0) return Fail(ErrorKind::kUpstream, "the upstream closed the connection without an answer");
    to_ += got;
    received_ += got;
  }
}

Status Passage::PassAnswer(const ResponseHead& head) {
  const std::stop_callback gone(context_.cancelled, [this] { connection_->Abort(); });
  const std::string connection = ConnectionValues(head.headers);
  for (const auto& [name, value] : head.headers) {
    if (GoesOn(name, connection, kOwnResponse)) response_.SetHeader(name, value);
  }
  LH_TRY(response_.Start(head.status, head.content_length));
  const bool has_body = request_.method() != "HEAD" && head.status != 204 && head.status != 304;
  if (has_body) LH_TRY(PassBody(head));
  may_keep_ = head.keep_alive && sent_all_ && from_ == to_ && (!has_body || head.chunked || head.content_length);
  return response_.Finish();
}

Status Passage::PassBody(const ResponseHead& head) {
  if (head.chunked) return PassChunks();
  return head.content_length ? PassLength(*head.content_length) : PassToEnd();
}

Status Passage::PassLength(uint64_t length) {
  for (;;) {
    const std::string_view ready = Unread().substr(0, length);
    LH_TRY(response_.Write(ready));
    from_ += ready.size();
    length -= ready.size();
    if (length == 0) return {};
    LH_TRY(Fill());
  }
}

Status Passage::PassChunks() {
  ChunkDecoder chunks;
  for (;;) {
    while (from_ < to_ && !chunks.done()) {
      const Framed<size_t> used = chunks.Parse(Unread());
      if (!used) return Fail(ErrorKind::kUpstream, "the upstream's answer is malformed: {}", used.error().detail);
      from_ += *used;
      const std::string_view data = Unread().substr(0, chunks.data_left());
      if (data.empty()) continue;
      LH_TRY(response_.Write(data));
      chunks.Take(data.size());
      from_ += data.size();
    }
    if (chunks.done()) return {};
    LH_TRY(Fill());
  }
}

Status Passage::PassToEnd() {
  for (;;) {
    LH_TRY(response_.Write(Unread()));
    from_ = to_ = 0;
    const Deadline patience = Deadline::After(pool_.options().idle_timeout);
    LH_ASSIGN(to_, connection_->Receive(Buffer(), patience));
    if (to_ == 0) return {};
  }
}

bool IsHost(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_' || c == ':';
  });
}

// Cuts "host:port" or "[v6]:port"; false when it is neither.
bool SplitAuthority(std::string_view authority, UpstreamUrl& url) {
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  url.port = url.tls ? 443 : 80;
  if (port.empty()) return true;
  const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
  return port.front() == ':' && error == std::errc() && end == port.data() + port.size() && url.port != 0;
}

}  // namespace

Result<UpstreamUrl> ParseUpstreamUrl(std::string_view field, std::string_view text) {
  const auto bad = [&](std::string_view why) { return Fail(ErrorKind::kInvalid, "{}: {} in '{}'", field, why, text); };
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return bad("no scheme");
  UpstreamUrl url;
  url.tls = EqualsNoCase(text.substr(0, scheme), "https");
  if (!url.tls && !EqualsNoCase(text.substr(0, scheme), "http")) {
    return bad(fmt::format("the scheme '{}' is neither http nor https", text.substr(0, scheme)));
  }
  const std::string_view rest = text.substr(scheme + 3);
  const size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    // Not shown: what stands in front of the @ may be a password.
    return Fail(ErrorKind::kInvalid, "{}: user information is not allowed in the URL", field);
  }
  if (authority.empty() || authority.front() == ':') return bad("no host");
  if (!SplitAuthority(authority, url)) return bad("the port is not a number from 1 to 65535");
  if (!IsHost(url.host)) return bad("the host is not a name or an address");
  const std::string_view path = rest.substr(slash);
  if (!std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; })) {
    return bad("a query, a fragment or a blank");
  }
  url.authority = authority;
  url.path = path;
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

Handler MakeProxy(UpstreamUrl upstream, ProxyOptions options) {
  auto pool = std::make_shared<UpstreamPool>(std::move(upstream), std::move(options));
  return [pool](const RequestContext& context, Request& request, Response& response) {
    return Passage(*pool, context, request, response).Run();
  };
}

}  // namespace lakehouse::http
