#include "lakehouse/v1/query.grpc.pb.h"
#include "rpc/convert_query.h"
#include "rpc/remote.h"
#include "rpc/remote_body.h"
#include "service/query_remote.h"
#include "service/query_wire.h"

namespace lakehouse::rpc {
namespace {

// The bytes of a result as they come. Whole or an error, never short.
class ResultBody final : public ByteSource {
 public:
  ResultBody(Peer peer, const RequestContext& context)
      : peer_(std::move(peer)), stream_(peer_, context, service::kQueryGrace) {}

  Result<Seq> Open(v1::Query::Stub& stub, const v1::ExportRequest& request) {
    LH_TRY(stream_.Open(stub, &v1::Query::Stub::Export, request));
    if (!stream_.message().has_head()) return Fail(ErrorKind::kUpstream, "queryd's answer begins without a head");
    return Seq(stream_.message().head().seq());
  }

  Result<size_t> Read(std::span<char> out) override {
    while (at_ == stream_.message().data().size()) {
      LH_ASSIGN(const bool more, stream_.Next());
      if (!more && !whole_) return Fail(ErrorKind::kUpstream, "the result ended early");
      if (!more) return 0;
      whole_ = stream_.message().has_tail();
      at_ = 0;
    }
    return TakeBytes(stream_.message().data(), at_, out);
  }

 private:
  const Peer peer_;
  PeerStream<v1::ExportResponse> stream_;
  size_t at_ = 0;
  bool whole_ = false;
};

class GrpcQueryRole final : public service::QueryRole {
 public:
  explicit GrpcQueryRole(Peer peer) : peer_(std::move(peer)), stub_(v1::Query::NewStub(peer_.channel())) {}

  const std::string& name() const override { return peer_.name(); }

  Result<Answer> Send(const RequestContext& context, const query::QueryRequest& request) const override {
    v1::ExportRequest wanted;
    ToProto(request, *wanted.mutable_query());
    wanted.set_format(ToProto(request.format));
    auto body = std::make_unique<ResultBody>(peer_, context);
    LH_ASSIGN(const Seq seq, body->Open(*stub_, wanted));
    return Answer{std::move(body), seq};
  }

  Result<query::StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                         std::optional<Seq> at_seq) const override {
    v1::DescribeRequest wanted;
    wanted.set_sql(sql);
    if (at_seq) wanted.set_at_seq(at_seq->value);
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Query::Stub::Describe, wanted));
    LH_ASSIGN(auto shape, service::ParseShape(response.arrow()));
    shape.seq = Seq(response.seq());
    return shape;
  }

  Status Ready(const RequestContext& context) const override { return peer_.Ready(context, "lakehouse.v1.Query"); }

 private:
  const Peer peer_;
  const std::unique_ptr<v1::Query::Stub> stub_;
};

}  // namespace

Result<std::unique_ptr<service::Query>> OpenRemoteQuery(const RemoteOptions& options) {
  LH_ASSIGN(Peer peer, Peer::Open(options));
  return std::make_unique<service::RemoteQuery>(std::make_shared<const GrpcQueryRole>(std::move(peer)));
}

}  // namespace lakehouse::rpc
