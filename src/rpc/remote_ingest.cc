#include "lakehouse/v1/ingest.grpc.pb.h"
#include "rpc/convert.h"
#include "rpc/remote.h"
#include "rpc/remote_body.h"

namespace lakehouse::rpc {
namespace {

class RemoteIngest final : public service::Ingest {
 public:
  explicit RemoteIngest(Peer peer) : peer_(std::move(peer)), stub_(v1::Ingest::NewStub(peer_.channel())) {}

  Result<service::IngestResult> Run(const RequestContext& context, const service::IngestRequest& request,
                                    ByteSource& source) override {
    LH_TRY(context.Check(peer_.name()));
    v1::UploadRequest first;
    ToProto(request, *first.mutable_options());
    PeerCall call(peer_, context);
    v1::UploadResponse response;
    const auto writer = stub_->Upload(call.grpc(), &response);
    LH_TRY(SendBody(call, *writer, first, source));
    return FromProto(response);
  }

  Status Ready(const RequestContext& context) override { return peer_.Ready(context, "lakehouse.v1.Ingest"); }

 private:
  const Peer peer_;
  const std::unique_ptr<v1::Ingest::Stub> stub_;
};

}  // namespace

Result<std::unique_ptr<service::Ingest>> OpenRemoteIngest(const RemoteOptions& options) {
  LH_ASSIGN(Peer peer, Peer::Open(options));
  return std::make_unique<RemoteIngest>(std::move(peer));
}

}  // namespace lakehouse::rpc
