#include "base/mutex.h"
#include "lakehouse/v1/vectors.grpc.pb.h"
#include "rpc/convert_vectors.h"
#include "rpc/remote.h"
#include "rpc/remote_body.h"
#include "service/text_vectors.h"

namespace lakehouse::rpc {
namespace {

using service::VectorIndexInfo;

class RemoteScan final : public service::VectorScan {
 public:
  RemoteScan(Peer peer, const RequestContext& context) : peer_(std::move(peer)), stream_(peer_, context) {}

  Status Open(v1::Vectors::Stub& stub, const v1::ScanItemsRequest& request) LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    LH_TRY(stream_.Open(stub, &v1::Vectors::Stub::ScanItems, request));
    length_ = stream_.message().length();
    version_ = vector::IndexVersion(stream_.message().version());
    return {};
  }

  uint64_t length() const override { return length_; }
  vector::IndexVersion version() const override { return version_; }

  Result<std::vector<vector::StoredItem>> Next() override LH_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    std::vector<vector::StoredItem> items;
    while (items.empty()) {
      for (const auto& item : stream_.message().items()) items.push_back(FromProto(item));
      auto more = stream_.Next();
      if (!more) return Fail(std::move(more.error()).In(peer_.name()));
      if (*more) continue;
      stream_.message().clear_items();
      break;
    }
    return items;
  }

 private:
  const Peer peer_;
  uint64_t length_ = 0;
  vector::IndexVersion version_;
  Mutex mutex_;
  PeerStream<v1::ScanItemsResponse> stream_ LH_GUARDED_BY(mutex_);
};

// The role's own provider.
class RemoteProvider final : public embed::Provider {
 public:
  RemoteProvider(const Peer& peer, v1::Vectors::Stub& stub) : peer_(peer), stub_(stub) {}

  Result<embed::Vectors> Embed(const RequestContext& context, std::span<const std::string> texts,
                               uint32_t dimension) override {
    v1::EmbedTextsRequest request;
    request.set_dimension(dimension);
    for (const std::string& text : texts) request.add_texts(text);
    // The role itself asks its provider again where that helps.
    LH_ASSIGN(const auto response, Ask(peer_, context, stub_, &v1::Vectors::Stub::EmbedTexts, request));
    if (static_cast<size_t>(response.vectors_size()) != texts.size() * dimension)
      return Fail(ErrorKind::kUpstream, "{} made vectors of another length", peer_.name());
    embed::Vectors vectors;
    const float* floats = response.vectors().data();
    for (size_t i = 0; i < texts.size(); ++i)
      vectors.emplace_back(floats + i * dimension, floats + (i + 1) * dimension);
    return vectors;
  }
  uint32_t dimension() const override { return 0; }
  const std::string& name() const override { return peer_.name(); }

 private:
  const Peer& peer_;
  v1::Vectors::Stub& stub_;
};

class RemoteLoads final : public service::VectorLoads {
 public:
  explicit RemoteLoads(Peer peer) : peer_(std::move(peer)), stub_(v1::Vectors::NewStub(peer_.channel())) {}

  Result<service::VectorsLoaded> Load(const RequestContext& context, std::string_view index,
                                      const service::VectorSource& source, const Progress& progress) override {
    LH_TRY(context.Check(peer_.name()));
    v1::LoadDatasetRequest request;
    request.set_index(std::string(index));
    ToProto(source, request);
    PeerStream<v1::LoadDatasetResponse> stream(peer_, context);
    LH_TRY(stream.Open(*stub_, &v1::Vectors::Stub::LoadDataset, request));
    while (!stream.message().has_applied()) {
      LH_TRY(progress(stream.message().done(), stream.message().of()));
      LH_ASSIGN(const bool more, stream.Next());
      if (!more) return Fail(ErrorKind::kUpstream, "{} did not say how the load ended", peer_.name());
    }
    return FromProto(stream.message());
  }

 private:
  const Peer peer_;
  const std::unique_ptr<v1::Vectors::Stub> stub_;
};

class RemoteVectors final : public service::Vectors {
 public:
  explicit RemoteVectors(Peer peer) : peer_(std::move(peer)), stub_(v1::Vectors::NewStub(peer_.channel())) {}

  Result<VectorIndexInfo> Create(const RequestContext& context, std::string_view name,
                                 const vector::IndexOptions& options) override {
    v1::CreateIndexRequest request;
    request.set_name(std::string(name));
    ToProto(options, *request.mutable_options());
    LH_ASSIGN(const auto response, Ask(peer_, context, *stub_, &v1::Vectors::Stub::CreateIndex, request));
    return FromProto(response.index());
  }

  Result<std::vector<VectorIndexInfo>> List(const RequestContext& context) override {
    LH_ASSIGN(const auto response,
              AskAgain(peer_, context, *stub_, &v1::Vectors::Stub::ListIndexes, v1::ListIndexesRequest()));
    std::vector<VectorIndexInfo> infos;
    for (const auto& index : response.indexes()) {
      LH_ASSIGN(auto info, FromProto(index));
      infos.push_back(std::move(info));
    }
    return infos;
  }

  Result<VectorIndexInfo> Info(const RequestContext& context, std::string_view name) override {
    v1::GetIndexRequest request;
    request.set_name(std::string(name));
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Vectors::Stub::GetIndex, request));
    return FromProto(response.index());
  }

  Result<vector::IndexOptions> Options(const RequestContext& context, std::string_view name) override {
    LH_ASSIGN(auto info, Info(context, name));
    return std::move(info.options);
  }

  Status Drop(const RequestContext& context, std::string_view name) override {
    v1::DropIndexRequest request;
    request.set_name(std::string(name));
    LH_TRY(Ask(peer_, context, *stub_, &v1::Vectors::Stub::DropIndex, request));
    return {};
  }

  Result<VectorIndexInfo> Rebuild(const RequestContext& context, std::string_view name,
                                  const vector::RebuildOptions& options) override {
    v1::RebuildIndexRequest request;
    request.set_name(std::string(name));
    ToProto(options, request);
    LH_ASSIGN(const auto response, Ask(peer_, context, *stub_, &v1::Vectors::Stub::RebuildIndex, request));
    return FromProto(response.index());
  }

  Result<vector::Applied> Add(const RequestContext& context, std::string_view name,
                              const vector::Batch& batch) override {
    v1::AddItemsRequest request;
    request.set_index(std::string(name));
    ToProto(batch, *request.mutable_items());
    LH_ASSIGN(const auto response, Ask(peer_, context, *stub_, &v1::Vectors::Stub::AddItems, request));
    return FromProto(response);
  }

  Result<vector::SearchAnswer> Search(const RequestContext& context, std::string_view name,
                                      const vector::SearchRequest& request) override {
    v1::SearchRequest wanted;
    wanted.set_index(std::string(name));
    ToProto(request, wanted);
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Vectors::Stub::Search, wanted));
    if (response.answers_size() != 1) {
      return Fail(ErrorKind::kUpstream, "{} answered {} searches in place of one", peer_.name(),
                  response.answers_size());
    }
    return FromProto(response.answers(0));
  }

  Result<vector::StoredItem> Get(const RequestContext& context, std::string_view name, std::string_view id) override {
    v1::GetItemRequest request;
    request.set_index(std::string(name));
    request.set_id(std::string(id));
    LH_ASSIGN(const auto response, AskAgain(peer_, context, *stub_, &v1::Vectors::Stub::GetItem, request));
    return FromProto(response.item());
  }

  Status Remove(const RequestContext& context, std::string_view name, std::string_view id) override {
    v1::RemoveItemRequest request;
    request.set_index(std::string(name));
    request.set_id(std::string(id));
    LH_TRY(Ask(peer_, context, *stub_, &v1::Vectors::Stub::RemoveItem, request));
    return {};
  }

  Result<std::unique_ptr<service::VectorScan>> Scan(const RequestContext& context, std::string_view name,
                                                    vector::ItemColumns columns) override {
    LH_TRY(context.Check(peer_.name()));
    v1::ScanItemsRequest request;
    request.set_index(std::string(name));
    request.set_without_vectors(!columns.vector);
    request.set_without_metadata(!columns.metadata);
    auto scan = std::make_unique<RemoteScan>(peer_, context);
    LH_TRY(scan->Open(*stub_, request));
    return scan;
  }

  Status Ready(const RequestContext& context) override { return peer_.Ready(context, "lakehouse.v1.Vectors"); }

  Status Fill(const RequestContext& context, const vector::IndexOptions& options, vector::NewItems& items) override {
    return texts_.Fill(context, options, items);
  }
  // A role that makes no vectors of texts searches by their words alone, as it would do itself.
  Status Fill(const RequestContext& context, const vector::IndexOptions& options,
              vector::SearchesRequest& searches) override {
    Status filled = texts_.Fill(context, options, searches);
    if (filled || searches.fuse.empty() || filled.error().kind != ErrorKind::kInvalid) return filled;
    searches.fuse.clear();
    return texts_.Fill(context, options, searches);
  }

 private:
  const Peer peer_;
  const std::unique_ptr<v1::Vectors::Stub> stub_;
  RemoteProvider provider_{peer_, *stub_};
  const service::TextVectors texts_{&provider_};
};

}  // namespace

Result<std::unique_ptr<service::Vectors>> OpenRemoteVectors(const RemoteOptions& options) {
  LH_ASSIGN(Peer peer, Peer::Open(options));
  return std::make_unique<RemoteVectors>(std::move(peer));
}

Result<std::unique_ptr<service::VectorLoads>> OpenRemoteVectorLoads(const RemoteOptions& options) {
  LH_ASSIGN(Peer peer, Peer::Open(options));
  return std::make_unique<RemoteLoads>(std::move(peer));
}

}  // namespace lakehouse::rpc
