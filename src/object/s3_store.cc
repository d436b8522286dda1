#include "object/s3_store.h"

#include <algorithm>
#include <atomic>

#include "base/uuid.h"
#include "net/retry.h"
#include "object/http_object.h"
#include "object/s3_client.h"

namespace lakehouse::object {
namespace {

constexpr uint32_t kMaxPage = 1000;
constexpr std::string_view kProbePrefix = ".lakehouse-probe/";

// Every <tag>…</tag> of a flat list, in order.
std::vector<std::string_view> Elements(std::string_view xml, std::string_view tag) {
  const std::string open = fmt::format("<{}>", tag), close = fmt::format("</{}>", tag);
  std::vector<std::string_view> found;
  for (size_t at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at)) {
    const size_t start = at + open.size();
    const size_t end = xml.find(close, start);
    if (end == std::string_view::npos) break;
    found.push_back(xml.substr(start, end - start));
    at = end + close.size();
  }
  return found;
}

class S3Store final : public ObjectStore {
 public:
  S3Store(S3StoreOptions options, net::HttpClient& client, std::unique_ptr<net::AwsCredentialChain> credentials,
          const Clock& clock)
      : credentials_(std::move(credentials)), s3_(std::move(options), client, *credentials_, clock) {}

  Result<PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                        const PutOptions& options) override;
  Result<std::unique_ptr<ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                            const GetOptions& options) override;
  Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) override;
  Result<ListPage> List(const RequestContext& context, const ListOptions& options) override;
  Status Delete(const RequestContext& context, std::string_view key) override;
  Status Check(const RequestContext& context) override;
  bool HonoursConditionalPut() const override { return honours_conditions_.load(); }
  Result<WallTime> Now(const RequestContext& context) override;

 private:
  std::string FullKey(std::string_view key) const { return s3_.options().prefix + std::string(key); }
  // One request's share of the caller's time.
  RequestContext Bounded(const RequestContext& context) const {
    RequestContext bounded = context;
    bounded.deadline = context.deadline.Sooner(Deadline::After(s3_.options().request_timeout));
    return bounded;
  }
  template <typename Work>
  auto Retried(const RequestContext& context, Work work) {
    return net::WithRetries(context, net::RetryPolicy{}, [&] { return work(Bounded(context)); });
  }
  static void AddConditions(const PutOptions& options, net::Headers& headers);
  Result<std::string> ReadPart(const RequestContext& context, ByteSource& body, const PutOptions& options,
                               uint64_t& total) const;
  Result<PutResult> PutWhole(const RequestContext& context, std::string_view key, const std::string& bytes,
                             const PutOptions& options, bool existed);
  Result<PutResult> PutParts(const RequestContext& context, std::string_view key, std::string first, ByteSource& body,
                             const PutOptions& options, uint64_t total, bool existed);
  Result<std::string> UploadParts(const RequestContext& context, const S3Query& upload, std::string_view key,
                                  std::string part, ByteSource& body, const PutOptions& options, uint64_t& total);
  // Gives up the parts of an upload; the bucket's own rules see to what this misses.
  void Abort(std::string_view key, const S3Query& upload);
  Result<ListPage> ListOnce(const RequestContext& context, const ListOptions& options);

  const std::unique_ptr<net::AwsCredentialChain> credentials_;
  S3Client s3_;
  std::atomic<bool> honours_conditions_{true};
};

void S3Store::AddConditions(const PutOptions& options, net::Headers& headers) {
  if (options.if_none_match) headers.emplace_back("If-None-Match", "*");
  if (options.if_match) headers.emplace_back("If-Match", fmt::format("\"{}\"", *options.if_match));
}

// Up to one part's bytes; shorter only at the end of the body.
Result<std::string> S3Store::ReadPart(const RequestContext& context, ByteSource& body, const PutOptions& options,
                                      uint64_t& total) const {
  std::string part;
  std::string piece(256 << 10, '\0');
  while (part.size() < s3_.options().part_bytes) {
    LH_TRY(context.Check("storing an object"));
    const size_t room = std::min<uint64_t>(piece.size(), s3_.options().part_bytes - part.size());
    LH_ASSIGN(const size_t taken, body.Read(std::span(piece).first(room)));
    if (taken == 0) break;
    total += taken;
    if (options.max_size && total > *options.max_size) {
      return Fail(ErrorKind::kTooLarge, "the body is larger than the limit of {} bytes", *options.max_size);
    }
    part.append(piece, 0, taken);
  }
  return part;
}

Result<PutResult> S3Store::Put(const RequestContext& context, std::string_view key, ByteSource& body,
                               const PutOptions& options) {
  if ((options.if_none_match || options.if_match) && !honours_conditions_.load()) {
    return Fail(ErrorKind::kUnavailable, "the object store ignores conditional PUT, so this write would not be safe");
  }
  uint64_t total = 0;
  LH_ASSIGN(std::string first, ReadPart(context, body, options, total));
  bool existed = false;
  if (!options.if_none_match) {
    const auto head = Head(context, key);
    if (!head && head.error().kind != ErrorKind::kNotFound) return Fail(head.error());
    existed = head.has_value();
    if (options.if_match && !existed)
      return Fail(ErrorKind::kPreconditionFailed, "no object has the key, so its ETag is not the one in If-Match");
  }
  if (first.size() == s3_.options().part_bytes)
    return PutParts(context, key, std::move(first), body, options, total, existed);
  if (options.size && *options.size != total) {
    return Fail(ErrorKind::kInvalid, "the body has {} bytes where {} were announced", total, *options.size);
  }
  return PutWhole(context, key, first, options, existed);
}

Result<PutResult> S3Store::PutWhole(const RequestContext& context, std::string_view key, const std::string& bytes,
                                    const PutOptions& options, bool existed) {
  const auto once = [&](const RequestContext& bounded) -> Result<PutResult> {
    StringSource source(bytes);
    S3Call call{"PUT", FullKey(key), {}, {{"Content-Type", options.content_type}}, &source, bytes.size()};
    AddConditions(options, call.headers);
    LH_ASSIGN(const auto response, s3_.Send(bounded, call));
    LH_TRY(ReadAll(*response, 1 << 20));
    PutResult result;
    result.created = !existed;
    result.info = {std::string(key), bytes.size(), Unquoted(HeaderText(response->headers(), "ETag")), s3_.ServerNow(),
                   options.content_type};
    return result;
  };
  if (!options.if_none_match && !options.if_match) return Retried(context, once);
  auto result = once(Bounded(context));
  // A 5xx after the body went out says nothing about whether the write happened; nor does our own share of time running
  // out.
  if (!result && (result.error().kind == ErrorKind::kDeadline ||
                  (result.error().kind == ErrorKind::kUnavailable && !result.error().members.empty()))) {
    result.error().kind = ErrorKind::kAmbiguous;
  }
  return result;
}

Result<std::string> S3Store::UploadParts(const RequestContext& context, const S3Query& upload, std::string_view key,
                                         std::string part, ByteSource& body, const PutOptions& options,
                                         uint64_t& total) {
  std::string list = "<CompleteMultipartUpload>";
  for (int number = 1; !part.empty(); ++number) {
    LH_ASSIGN(const std::string etag, Retried(context, [&](const RequestContext& bounded) -> Result<std::string> {
                StringSource source(part);
                S3Call call{"PUT", FullKey(key), upload, {}, &source, part.size()};
                call.query.emplace_back("partNumber", std::to_string(number));
                LH_ASSIGN(const auto response, s3_.Send(bounded, call));
                LH_TRY(ReadAll(*response, 1 << 20));
                return HeaderText(response->headers(), "ETag");
              }));
    list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, etag);
    LH_ASSIGN(part, ReadPart(context, body, options, total));
  }
  if (options.size && *options.size != total) {
    return Fail(ErrorKind::kInvalid, "the body has {} bytes where {} were announced", total, *options.size);
  }
  return list + "</CompleteMultipartUpload>";
}

void S3Store::Abort(std::string_view key, const S3Query& upload) {
  RequestContext aborting;
  aborting.deadline = Deadline::After(s3_.options().request_timeout);
  static_cast<void>(s3_.SendForText(aborting, S3Call{"DELETE", FullKey(key), upload, {}, nullptr, 0}));
}

Result<PutResult> S3Store::PutParts(const RequestContext& context, std::string_view key, std::string first,
                                    ByteSource& body, const PutOptions& options, uint64_t total, bool existed) {
  LH_ASSIGN(
      const std::string begun, Retried(context, [&](const RequestContext& bounded) {
        return s3_.SendForText(
            bounded,
            S3Call{"POST", FullKey(key), {{"uploads", ""}}, {{"Content-Type", options.content_type}}, nullptr, 0});
      }));
  const auto upload_id = net::XmlText(begun, "UploadId");
  if (!upload_id) return Fail(ErrorKind::kUpstream, "the object store began an upload without an id");
  const S3Query upload = {{"uploadId", *upload_id}};
  const auto parts = UploadParts(context, upload, key, std::move(first), body, options, total);
  if (!parts) {
    Abort(key, upload);
    return Fail(parts.error());
  }
  StringSource source(*parts);
  S3Call call{"POST", FullKey(key), upload, {{"Content-Type", "application/xml"}}, &source, parts->size()};
  AddConditions(options, call.headers);
  auto completed = s3_.SendForText(context, call);
  if (!completed) {
    // Whether the parts were put together is open after anything but a clear refusal.
    const ErrorKind kind = completed.error().kind;
    if (kind == ErrorKind::kPreconditionFailed) Abort(key, upload);
    if (kind == ErrorKind::kUnavailable || kind == ErrorKind::kDeadline) completed.error().kind = ErrorKind::kAmbiguous;
    return Fail(completed.error());
  }
  const std::string& done = *completed;
  // S3 may answer 200 and tell of a failure in the body.
  if (done.find("<Error>") != std::string::npos)
    return Fail(ErrorKind::kAmbiguous, "the object store could not put the parts together");
  PutResult result;
  result.created = !existed;
  result.info = {std::string(key), total, Unquoted(net::XmlText(done, "ETag").value_or("")), s3_.ServerNow(),
                 options.content_type};
  return result;
}

Result<std::unique_ptr<ObjectReader>> S3Store::Get(const RequestContext& context, std::string_view key,
                                                   const GetOptions& options) {
  return net::WithRetries(context, net::RetryPolicy{}, [&]() -> Result<std::unique_ptr<ObjectReader>> {
    S3Call call{"GET", FullKey(key), {}, {}, nullptr, 0};
    if (options.if_match) call.headers.emplace_back("If-Match", fmt::format("\"{}\"", *options.if_match));
    if (options.range) {
      std::string range = fmt::format("bytes={}-", options.range->offset);
      if (options.range->length) range += std::to_string(options.range->offset + *options.range->length - 1);
      call.headers.emplace_back("Range", range);
    }
    LH_ASSIGN(auto response, s3_.Send(context, call));
    ObjectInfo info = InfoOfHeaders(key, response->headers());
    const uint64_t length = info.size;
    if (!options.range || response->status() != 206) {
      if (options.range && options.range->offset >= info.size)
        return Fail(ErrorKind::kRangeNotSatisfiable, "the range lies outside the object's {} bytes", info.size);
      return std::make_unique<HttpObjectReader>(std::move(response), std::move(info), 0, length);
    }
    const std::string range = HeaderText(response->headers(), "Content-Range");
    info.size = NumberOf(std::string_view(range).substr(range.find('/') + 1));
    return std::make_unique<HttpObjectReader>(std::move(response), std::move(info), options.range->offset, length);
  });
}

Result<ObjectInfo> S3Store::Head(const RequestContext& context, std::string_view key) {
  return Retried(context, [&](const RequestContext& bounded) -> Result<ObjectInfo> {
    LH_ASSIGN(const auto response, s3_.Send(bounded, S3Call{"HEAD", FullKey(key), {}, {}, nullptr, 0}));
    return InfoOfHeaders(key, response->headers());
  });
}

Result<ListPage> S3Store::ListOnce(const RequestContext& context, const ListOptions& options) {
  S3Call call;
  call.query = {{"list-type", "2"},
                {"prefix", FullKey(options.prefix)},
                {"max-keys", std::to_string(options.limit)},
                {"encoding-type", "url"}};
  if (!options.delimiter.empty()) call.query.emplace_back("delimiter", options.delimiter);
  const std::string after = std::max(options.token, options.start_after);
  if (!after.empty()) call.query.emplace_back("start-after", FullKey(after));
  LH_ASSIGN(const std::string xml,
            Retried(context, [&](const RequestContext& bounded) { return s3_.SendForText(bounded, call); }));
  // Some servers pass over the request to encode keys, and say so by not repeating it.
  const bool encoded = net::XmlText(xml, "EncodingType").value_or("") == "url";
  const auto local_key = [&](std::string text) -> Result<std::string> {
    std::string key = std::move(text);
    if (encoded) {
      std::ranges::replace(key, '+', ' ');
      LH_ASSIGN(key, net::PercentDecode(key));
    }
    return key.substr(std::min(key.size(), s3_.options().prefix.size()));
  };
  ListPage page;
  for (const std::string_view item : Elements(xml, "Contents")) {
    ObjectInfo info;
    LH_ASSIGN(info.key, local_key(net::XmlText(item, "Key").value_or("")));
    info.size = NumberOf(net::XmlText(item, "Size").value_or(""));
    info.etag = Unquoted(net::XmlText(item, "ETag").value_or(""));
    if (const auto time = ParseRfc3339(net::XmlText(item, "LastModified").value_or(""))) info.last_modified = *time;
    page.objects.push_back(std::move(info));
  }
  for (const std::string_view group : Elements(xml, "CommonPrefixes")) {
    LH_ASSIGN(std::string prefix, local_key(net::XmlText(group, "Prefix").value_or("")));
    page.prefixes.push_back(std::move(prefix));
  }
  if (net::XmlText(xml, "IsTruncated").value_or("") == "true") {
    const std::string last_object = page.objects.empty() ? "" : page.objects.back().key;
    // A group counts as passed with all that is in it.
    const std::string last_group = page.prefixes.empty() ? "" : page.prefixes.back() + "\xF4\x8F\xBF\xBF";
    page.next_token = std::max(last_object, last_group);
  }
  return page;
}

Result<ListPage> S3Store::List(const RequestContext& context, const ListOptions& options) {
  ListPage all;
  ListOptions next = options;
  while (true) {
    const auto have = static_cast<uint32_t>(all.objects.size() + all.prefixes.size());
    next.limit = std::min(kMaxPage, options.limit - have);
    LH_ASSIGN(ListPage page, ListOnce(context, next));
    std::ranges::move(page.objects, std::back_inserter(all.objects));
    std::ranges::move(page.prefixes, std::back_inserter(all.prefixes));
    all.next_token = page.next_token;
    if (!all.next_token || all.objects.size() + all.prefixes.size() >= options.limit) return all;
    next.token = *all.next_token;
  }
}

Status S3Store::Delete(const RequestContext& context, std::string_view key) {
  return Retried(context, [&](const RequestContext& bounded) -> Status {
    const auto answer = s3_.SendForText(bounded, S3Call{"DELETE", FullKey(key), {}, {}, nullptr, 0});
    if (!answer && answer.error().kind != ErrorKind::kNotFound) return Fail(answer.error());
    return {};
  });
}

Status S3Store::Check(const RequestContext& context) {
  ListOptions options;
  options.limit = 1;
  LH_TRY(List(context, options));
  // A server that ignores the condition takes the second write too.
  const std::string key = fmt::format("{}{}", kProbePrefix, RandomUuid());
  PutOptions put;
  put.if_none_match = true;
  honours_conditions_ = true;
  LH_TRY(object::PutWhole(*this, context, key, "1", put));
  const auto second = object::PutWhole(*this, context, key, "2", put);
  honours_conditions_ = !second && second.error().kind == ErrorKind::kPreconditionFailed;
  return Delete(context, key);
}

Result<WallTime> S3Store::Now(const RequestContext&) { return s3_.ServerNow(); }

}  // namespace

std::unique_ptr<ObjectStore> MakeS3Store(S3StoreOptions options, net::HttpClient& client,
                                         std::unique_ptr<net::AwsCredentialChain> credentials, const Clock& clock) {
  return std::make_unique<S3Store>(std::move(options), client, std::move(credentials), clock);
}

}  // namespace lakehouse::object
