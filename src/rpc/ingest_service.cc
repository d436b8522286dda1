#include "lakehouse/v1/ingest.grpc.pb.h"
#include "rpc/convert.h"
#include "rpc/reactors.h"
#include "rpc/services.h"
#include "rpc/upload.h"

namespace lakehouse::rpc {
namespace {

class IngestService final : public v1::Ingest::CallbackService {
 public:
  IngestService(Host& host, service::Ingest& ingest)
      : host_(host),
        ingest_(ingest),
        upload_(host.AddMethod("Ingest/Upload", auth::Scope::kWrite, std::chrono::hours(1))) {}

  grpc::ServerReadReactor<v1::UploadRequest>* Upload(grpc::CallbackServerContext* context,
                                                     v1::UploadResponse* response) override {
    return Receiving<v1::UploadRequest>(
        host_, upload_, context,
        [this, response](const RequestContext& asked, MessageSource<v1::UploadRequest>& messages) -> Status {
          UploadSource source(messages);
          LH_ASSIGN(const auto* first, source.Open());
          LH_ASSIGN(const auto request, FromProto(first->options()));
          LH_ASSIGN(const auto result, ingest_.Run(asked, request, source));
          ToProto(result, *response);
          return {};
        });
  }

 private:
  Host& host_;
  service::Ingest& ingest_;
  const Method& upload_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeIngestService(Host& host, service::Ingest& ingest) {
  return std::make_unique<IngestService>(host, ingest);
}

}  // namespace lakehouse::rpc
