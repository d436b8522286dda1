#include "lakehouse/v1/storage.grpc.pb.h"
#include "rpc/convert.h"
#include "rpc/remote.h"
#include "rpc/remote_body.h"

namespace lakehouse::rpc {
namespace {

using object::ObjectInfo;

// The bytes of an object as they come. Whole or an error, never short.
class RemoteReader final : public object::ObjectReader {
 public:
  RemoteReader(Peer peer, const RequestContext& context) : peer_(std::move(peer)), stream_(peer_, context) {}

  Status Open(v1::Storage::Stub& stub, const v1::GetObjectRequest& request) {
    LH_TRY(stream_.Open(stub, &v1::Storage::Stub::GetObject, request));
    if (!stream_.message().has_object()) return Fail(ErrorKind::kUpstream, "storaged's answer begins without facts");
    info_ = FromProto(stream_.message().object());
    offset_ = request.offset();
    length_ = info_.size - std::min(offset_, info_.size);
    if (request.has_length()) length_ = std::min(length_, request.length());
    stream_.message().clear_object();
    return {};
  }

  const ObjectInfo& info() const override { return info_; }
  uint64_t offset() const override { return offset_; }
  uint64_t length() const override { return length_; }

  Result<size_t> Read(std::span<char> out) override {
    while (at_ == stream_.message().data().size()) {
      LH_ASSIGN(const bool more, stream_.Next());
      if (!more && read_ < length_) return Fail(ErrorKind::kUpstream, "the object ended early");
      if (!more) return 0;
      at_ = 0;
    }
    const size_t size = TakeBytes(stream_.message().data(), at_, out);
    read_ += size;
    return size;
  }

 private:
  const Peer peer_;
  PeerStream<v1::GetObjectResponse> stream_;
  ObjectInfo info_;
  uint64_t offset_ = 0, length_ = 0, read_ = 0;
  size_t at_ = 0;
};

class RemoteStore final : public object::ObjectStore {
 public:
  explicit RemoteStore(Peer peer) : peer_(std::move(peer)), stub_(v1::Storage::NewStub(peer_.channel())) {}

  Result<object::PutResult> Put(const RequestContext& context, std::string_view key, ByteSource& body,
                                const object::PutOptions& options) override {
    LH_TRY(context.Check(peer_.name()));
    v1::PutObjectRequest first;
    v1::PutObjectOptions& wanted = *first.mutable_options();
    wanted.set_key(std::string(key));
    if (options.size) wanted.set_size(*options.size);
    wanted.set_content_type(options.content_type);
    wanted.set_if_none_match(options.if_none_match);
    if (options.if_match) wanted.set_if_match(*options.if_match);
    PeerCall call(peer_, context);
    v1::PutObjectResponse response;
    const auto writer = stub_->PutObject(call.grpc(), &response);
    LH_TRY(SendBody(call, *writer, first, body));
    return object::PutResult{FromProto(response.object()), response.created()};
  }

  Result<std::unique_ptr<object::ObjectReader>> Get(const RequestContext& context, std::string_view key,
                                                    const object::GetOptions& options) override {
    v1::GetObjectRequest request;
    request.set_key(std::string(key));
    if (options.range) request.set_offset(options.range->offset);
    if (options.range && options.range->length) request.set_length(*options.range->length);
    if (options.if_match) request.set_if_match(*options.if_match);
    return net::WithRetries(context, net::RetryPolicy{}, [&]() -> Result<std::unique_ptr<object::ObjectReader>> {
      LH_TRY(context.Check(peer_.name()));
      auto reader = std::make_unique<RemoteReader>(peer_, context);
      LH_TRY(reader->Open(*stub_, request));
      return reader;
    });
  }

  Result<ObjectInfo> Head(const RequestContext& context, std::string_view key) override {
    v1::HeadObjectRequest request;
    request.set_key(std::string(key));
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Storage::Stub::HeadObject, request));
    return FromProto(response.object());
  }

  Result<object::ListPage> List(const RequestContext& context, const object::ListOptions& options) override {
    v1::ListObjectsRequest request;
    request.set_prefix(options.prefix);
    request.set_delimiter(options.delimiter);
    request.set_start_after(options.start_after);
    request.set_page_token(options.token);
    request.set_page_size(options.limit);
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Storage::Stub::ListObjects, request));
    object::ListPage page;
    for (const auto& object : response.objects()) page.objects.push_back(FromProto(object));
    page.prefixes.assign(response.prefixes().begin(), response.prefixes().end());
    if (!response.next_page_token().empty()) page.next_token = response.next_page_token();
    return page;
  }

  Status Delete(const RequestContext& context, std::string_view key) override {
    v1::DeleteObjectRequest request;
    request.set_key(std::string(key));
    LH_TRY(AskAgain(peer_, context, *stub_, &v1::Storage::Stub::DeleteObject, request));
    return {};
  }

  Status Check(const RequestContext& context) override { return peer_.Ready(context, "lakehouse.v1.Storage"); }

  // storaged refuses conditional puts itself where its backend ignores them.
  bool HonoursConditionalPut() const override { return true; }

  Result<WallTime> Now(const RequestContext& context) override {
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Storage::Stub::GetTime, v1::GetTimeRequest()));
    return TimeOf(response.now());
  }

 private:
  const Peer peer_;
  const std::unique_ptr<v1::Storage::Stub> stub_;
};

}  // namespace

Result<std::unique_ptr<object::ObjectStore>> OpenRemoteStore(const RemoteOptions& options) {
  LH_ASSIGN(Peer peer, Peer::Open(options));
  return std::make_unique<RemoteStore>(std::move(peer));
}

}  // namespace lakehouse::rpc
