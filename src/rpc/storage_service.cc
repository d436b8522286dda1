#include <algorithm>
#include <vector>

#include "lakehouse/v1/storage.grpc.pb.h"
#include "rpc/convert.h"
#include "rpc/reactors.h"
#include "rpc/services.h"
#include "rpc/upload.h"

namespace lakehouse::rpc {
namespace {

constexpr size_t kObjectPieceBytes = 256 << 10;
constexpr uint32_t kMaxObjectsPage = 10000;
constexpr std::chrono::minutes kBodyDeadline{60};

using Context = grpc::CallbackServerContext;
using Unit = grpc::ServerUnaryReactor;
using Asked = RequestContext;

Result<object::PutOptions> OptionsOf(const v1::PutObjectOptions& options) {
  object::PutOptions out;
  if (options.has_size()) out.size = options.size();
  if (!options.content_type().empty()) out.content_type = options.content_type();
  out.if_none_match = options.if_none_match();
  if (options.has_if_match()) out.if_match = options.if_match();
  if (out.if_none_match && out.if_match)
    return BadField("options.if_match", "if_match and if_none_match contradict each other");
  return out;
}

class StorageService final : public v1::Storage::CallbackService {
 public:
  StorageService(Host& host, service::Storage& storage)
      : host_(host),
        storage_(storage),
        put_(host.AddMethod("Storage/PutObject", auth::Scope::kWrite, kBodyDeadline)),
        get_(host.AddMethod("Storage/GetObject", auth::Scope::kRead, kBodyDeadline)),
        head_(host.AddMethod("Storage/HeadObject", auth::Scope::kRead)),
        list_(host.AddMethod("Storage/ListObjects", auth::Scope::kRead)),
        delete_(host.AddMethod("Storage/DeleteObject", auth::Scope::kWrite)),
        time_(host.AddMethod("Storage/GetTime", auth::Scope::kRead)) {}

  grpc::ServerReadReactor<v1::PutObjectRequest>* PutObject(Context* context, v1::PutObjectResponse* response) override {
    return Receiving<v1::PutObjectRequest>(
        host_, put_, context,
        [this, response](const Asked& asked, MessageSource<v1::PutObjectRequest>& messages) -> Status {
          UploadSource source(messages);
          LH_ASSIGN(const auto* first, source.Open());
          LH_ASSIGN(const auto options, OptionsOf(first->options()));
          const std::string key = first->options().key();
          LH_ASSIGN(const auto result, storage_.Put(asked, key, source, options));
          ToProto(result.info, *response->mutable_object());
          response->set_created(result.created);
          return {};
        });
  }

  grpc::ServerWriteReactor<v1::GetObjectResponse>* GetObject(Context* context,
                                                             const v1::GetObjectRequest* request) override {
    return Sending<v1::GetObjectResponse>(
        host_, get_, context, [this, request](const Asked& asked, MessageSink<v1::GetObjectResponse>& messages) {
          return SendObject(asked, *request, messages);
        });
  }

  Unit* HeadObject(Context* context, const v1::HeadObjectRequest* request, v1::HeadObjectResponse* response) override {
    return Unary(host_, head_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto info, storage_.Head(asked, request->key()));
      ToProto(info, *response->mutable_object());
      return {};
    });
  }

  Unit* ListObjects(Context* context, const v1::ListObjectsRequest* request,
                    v1::ListObjectsResponse* response) override {
    return Unary(host_, list_, context, [this, request, response](const Asked& asked) -> Status {
      object::ListOptions options;
      options.prefix = request->prefix();
      options.delimiter = request->delimiter();
      options.start_after = request->start_after();
      options.token = request->page_token();
      options.limit = request->page_size() == 0 ? kMaxObjectsPage : std::min(request->page_size(), kMaxObjectsPage);
      LH_ASSIGN(const auto page, storage_.List(asked, options));
      for (const auto& info : page.objects) ToProto(info, *response->add_objects());
      for (const auto& prefix : page.prefixes) response->add_prefixes(prefix);
      response->set_next_page_token(page.next_token.value_or(""));
      return {};
    });
  }

  Unit* DeleteObject(Context* context, const v1::DeleteObjectRequest* request, v1::DeleteObjectResponse*) override {
    return Unary(host_, delete_, context,
                 [this, request](const Asked& asked) { return storage_.Delete(asked, request->key()); });
  }

  Unit* GetTime(Context* context, const v1::GetTimeRequest*, v1::GetTimeResponse* response) override {
    return Unary(host_, time_, context, [response](const Asked&) -> Status {
      SetTime(SystemClock().Now(), response->mutable_now());
      return {};
    });
  }

 private:
  Status SendObject(const Asked& asked, const v1::GetObjectRequest& request,
                    MessageSink<v1::GetObjectResponse>& messages) {
    object::GetOptions options;
    if (request.has_length() && request.length() == 0)
      return BadField("length", "length must be 1 or more; leave it out for all bytes");
    if (request.has_length()) {
      options.range = object::ByteRange{request.offset(), request.length()};
    } else if (request.offset() > 0) {
      options.range = object::ByteRange{request.offset(), std::nullopt};
    }
    if (request.has_if_match()) options.if_match = request.if_match();
    LH_ASSIGN(const auto reader, storage_.Get(asked, request.key(), options));
    v1::GetObjectResponse facts;
    ToProto(reader->info(), *facts.mutable_object());
    LH_TRY(messages.Write(std::move(facts)));
    while (true) {
      LH_TRY(asked.Check("sending the object"));
      v1::GetObjectResponse piece;
      std::string& bytes = *piece.mutable_data();
      bytes.resize(kObjectPieceBytes);
      LH_ASSIGN(const size_t size, reader->Read(bytes));
      if (size == 0) return {};
      bytes.resize(size);
      LH_TRY(messages.Write(std::move(piece)));
    }
  }

  Host& host_;
  service::Storage& storage_;
  const Method &put_, &get_, &head_, &list_, &delete_, &time_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeStorageService(Host& host, service::Storage& storage) {
  return std::make_unique<StorageService>(host, storage);
}

}  // namespace lakehouse::rpc
