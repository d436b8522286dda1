#include <algorithm>
#include <cmath>
#include <limits>

#include "google/rpc/status.pb.h"
#include "lakehouse/v1/vectors.grpc.pb.h"
#include "rpc/convert.h"
#include "rpc/convert_vectors.h"
#include "rpc/reactors.h"
#include "rpc/services.h"

namespace lakehouse::rpc {
namespace {

using Context = grpc::CallbackServerContext;
using Unit = grpc::ServerUnaryReactor;
using Asked = RequestContext;
using std::chrono::hours;
using std::chrono::minutes;

// A piece of a scan stays below what clients take by default (4 MiB).
constexpr size_t kItemsPieceBytes = 1 << 20;

// Texts that nobody made a vector of would be found as zeros.
Status CheckFilled(const vector::NewItems& items, uint32_t dimension) {
  for (const auto& text : items.texts) {
    if (text.has_vector) continue;
    const auto vector = std::span(items.vectors).subspan(text.item * dimension, dimension);
    if (std::ranges::any_of(vector, [](float x) { return x != 0; })) continue;
    return Fail(ErrorKind::kNotImplemented,
                "items[{}] has a text and no vector, and here nobody makes vectors of texts: ask vectord itself",
                text.item);
  }
  return {};
}

class VectorsService final : public v1::Vectors::CallbackService {
 public:
  VectorsService(Host& host, service::Vectors& vectors, service::VectorLoads* loads)
      : host_(host),
        vectors_(vectors),
        loads_(loads),
        create_(host.AddMethod("Vectors/CreateIndex", auth::Scope::kWrite)),
        list_(host.AddMethod("Vectors/ListIndexes", auth::Scope::kRead)),
        get_(host.AddMethod("Vectors/GetIndex", auth::Scope::kRead)),
        drop_(host.AddMethod("Vectors/DropIndex", auth::Scope::kWrite)),
        rebuild_(host.AddMethod("Vectors/RebuildIndex", auth::Scope::kWrite, hours(1))),
        add_(host.AddMethod("Vectors/AddItems", auth::Scope::kWrite, hours(1))),
        add_stream_(host.AddMethod("Vectors/AddItemsStream", auth::Scope::kWrite, hours(24))),
        search_(host.AddMethod("Vectors/Search", auth::Scope::kRead, minutes(10), true)),
        search_stream_(host.AddMethod("Vectors/SearchStream", auth::Scope::kRead, hours(24), true)),
        get_item_(host.AddMethod("Vectors/GetItem", auth::Scope::kRead)),
        remove_(host.AddMethod("Vectors/RemoveItem", auth::Scope::kWrite)),
        scan_(host.AddMethod("Vectors/ScanItems", auth::Scope::kRead, hours(1))),
        load_(host.AddMethod("Vectors/LoadDataset", auth::Scope::kWrite, hours(1))),
        embed_(host.AddMethod("Vectors/EmbedTexts", auth::Scope::kRead, minutes(10))) {}

  Unit* CreateIndex(Context* context, const v1::CreateIndexRequest* request,
                    v1::CreateIndexResponse* response) override {
    return Unary(host_, create_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto options, FromProto(request->options()));
      LH_ASSIGN(const auto info, vectors_.Create(asked, request->name(), options));
      ToProto(info, *response->mutable_index());
      return {};
    });
  }

  Unit* ListIndexes(Context* context, const v1::ListIndexesRequest*, v1::ListIndexesResponse* response) override {
    return Unary(host_, list_, context, [this, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto infos, vectors_.List(asked));
      for (const auto& info : infos) ToProto(info, *response->add_indexes());
      return {};
    });
  }

  Unit* GetIndex(Context* context, const v1::GetIndexRequest* request, v1::GetIndexResponse* response) override {
    return Unary(host_, get_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto info, vectors_.Info(asked, request->name()));
      ToProto(info, *response->mutable_index());
      return {};
    });
  }

  Unit* DropIndex(Context* context, const v1::DropIndexRequest* request, v1::DropIndexResponse*) override {
    return Unary(host_, drop_, context,
                 [this, request](const Asked& asked) { return vectors_.Drop(asked, request->name()); });
  }

  Unit* RebuildIndex(Context* context, const v1::RebuildIndexRequest* request,
                     v1::RebuildIndexResponse* response) override {
    return Unary(host_, rebuild_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto options, FromProto(*request));
      LH_ASSIGN(const auto info, vectors_.Rebuild(asked, request->name(), options));
      ToProto(info, *response->mutable_index());
      return {};
    });
  }

  Unit* AddItems(Context* context, const v1::AddItemsRequest* request, v1::AddItemsResponse* response) override {
    return Unary(host_, add_, context, [this, request, response](const Asked& asked) {
      return Add(asked, request->index(), *request, *response);
    });
  }

  grpc::ServerBidiReactor<v1::AddItemsRequest, v1::AddItemsResponse>* AddItemsStream(Context* context) override {
    return Exchanging<v1::AddItemsRequest, v1::AddItemsResponse>(
        host_, add_stream_, context,
        [this, index = std::string()](const Asked& asked, v1::AddItemsRequest& request,
                                      v1::AddItemsResponse& response) mutable {
          if (!request.index().empty()) index = request.index();
          return Add(asked, index, request, response);
        });
  }

  Unit* Search(Context* context, const v1::SearchRequest* request, v1::SearchResponse* response) override {
    return Unary(host_, search_, context, [this, request, response](const Asked& asked) {
      return RunSearches(asked, request->index(), *request, *response);
    });
  }

  grpc::ServerBidiReactor<v1::SearchStreamRequest, v1::SearchStreamResponse>* SearchStream(Context* context) override {
    return Exchanging<v1::SearchStreamRequest, v1::SearchStreamResponse>(
        host_, search_stream_, context,
        [this, index = std::string()](const Asked& asked, v1::SearchStreamRequest& request,
                                      v1::SearchStreamResponse& response) mutable -> Status {
          if (!request.search().index().empty()) index = request.search().index();
          response.set_tag(request.tag());
          const Status done = RunSearches(asked, index, request.search(), *response.mutable_found());
          if (done) return {};
          LH_TRY(asked.Check("the stream of searches"));
          *response.mutable_error() = ToProto(done.error(), asked.request_id);
          return {};
        });
  }

  Unit* GetItem(Context* context, const v1::GetItemRequest* request, v1::GetItemResponse* response) override {
    return Unary(host_, get_item_, context, [this, request, response](const Asked& asked) -> Status {
      LH_ASSIGN(const auto item, vectors_.Get(asked, request->index(), request->id()));
      ToProto(item, *response->mutable_item());
      return {};
    });
  }

  Unit* RemoveItem(Context* context, const v1::RemoveItemRequest* request, v1::RemoveItemResponse*) override {
    return Unary(host_, remove_, context, [this, request](const Asked& asked) {
      return vectors_.Remove(asked, request->index(), request->id());
    });
  }

  grpc::ServerWriteReactor<v1::ScanItemsResponse>* ScanItems(Context* context,
                                                             const v1::ScanItemsRequest* request) override {
    return Sending<v1::ScanItemsResponse>(
        host_, scan_, context, [this, request](const Asked& asked, MessageSink<v1::ScanItemsResponse>& messages) {
          return SendItems(asked, *request, messages);
        });
  }

  grpc::ServerWriteReactor<v1::LoadDatasetResponse>* LoadDataset(Context* context,
                                                                 const v1::LoadDatasetRequest* request) override {
    return Sending<v1::LoadDatasetResponse>(
        host_, load_, context, [this, request](const Asked& asked, MessageSink<v1::LoadDatasetResponse>& messages) {
          return Load(asked, *request, messages);
        });
  }

  Unit* EmbedTexts(Context* context, const v1::EmbedTextsRequest* request, v1::EmbedTextsResponse* response) override {
    return Unary(host_, embed_, context, [this, request, response](const Asked& asked) -> Status {
      vector::IndexOptions options;
      options.dimension = request->dimension();
      LH_TRY(vector::CheckOptions(options));
      LH_ASSIGN(auto items, TextsOf(*request));
      LH_TRY(vectors_.Fill(asked, options, items));
      if (!items.vectors.empty() && std::isnan(items.vectors.front()))
        return Fail(ErrorKind::kNotImplemented, "here nobody makes vectors of texts: ask vectord itself");
      response->mutable_vectors()->Add(items.vectors.begin(), items.vectors.end());
      return {};
    });
  }

 private:
  // Items that have nothing but texts; a vector that nobody makes stays no number.
  static Result<vector::NewItems> TextsOf(const v1::EmbedTextsRequest& request) {
    const auto count = static_cast<size_t>(request.texts_size());
    if (count > vector::kMaxBatchItems)
      return BadField("texts", "{} texts are more than {} in one request", count, vector::kMaxBatchItems);
    vector::NewItems items;
    items.vectors.resize(count * request.dimension(), std::numeric_limits<float>::quiet_NaN());
    for (const std::string& text : request.texts()) {
      LH_TRY(vector::CheckText(text));
      items.texts.push_back({items.texts.size(), text, false});
    }
    return items;
  }

  Status Load(const Asked& asked, const v1::LoadDatasetRequest& request,
              MessageSink<v1::LoadDatasetResponse>& messages) {
    if (loads_ == nullptr)
      return Fail(ErrorKind::kNotImplemented, "datasets are not loaded into indexes here: ask vectord itself");
    LH_ASSIGN(const auto source, FromProto(request));
    const auto progress = [&messages](uint64_t done, uint64_t of) {
      v1::LoadDatasetResponse response;
      response.set_done(done);
      response.set_of(of);
      return messages.Write(std::move(response));
    };
    LH_ASSIGN(const auto loaded, loads_->Load(asked, request.index(), source, progress));
    v1::LoadDatasetResponse response;
    ToProto(loaded, response);
    return messages.Write(std::move(response));
  }

  Status Add(const Asked& asked, const std::string& index, const v1::AddItemsRequest& request,
             v1::AddItemsResponse& response) {
    LH_ASSIGN(const auto options, vectors_.Options(asked, index));
    LH_ASSIGN(auto items, FromProto(options, request.items()));
    LH_TRY(vectors_.Fill(asked, options, items));
    LH_TRY(CheckFilled(items, options.dimension));
    LH_ASSIGN(const auto applied, vectors_.Add(asked, index, items));
    ToProto(applied, response);
    return {};
  }

  Status RunSearches(const Asked& asked, const std::string& index, const v1::SearchRequest& request,
                     v1::SearchResponse& response) {
    LH_ASSIGN(const auto options, vectors_.Options(asked, index));
    LH_ASSIGN(auto searches, FromProto(request, options.dimension));
    LH_TRY(vectors_.Fill(asked, options, searches));
    for (const auto& search : searches.requests) {
      LH_ASSIGN(const auto answer, vectors_.Search(asked, index, search));
      ToProto(answer, search, *response.add_answers());
    }
    return {};
  }

  Status SendItems(const Asked& asked, const v1::ScanItemsRequest& request,
                   MessageSink<v1::ScanItemsResponse>& messages) {
    const vector::ItemColumns columns{!request.without_vectors(), !request.without_metadata()};
    LH_ASSIGN(const auto scan, vectors_.Scan(asked, request.index(), columns));
    v1::ScanItemsResponse piece;
    piece.set_length(scan->length());
    piece.set_version(scan->version().value);
    size_t bytes = kItemsPieceBytes;  // the first piece says how many there are, and waits for none
    while (true) {
      LH_TRY(asked.Check("sending the items"));
      LH_ASSIGN(const auto items, scan->Next());
      for (const auto& item : items) {
        if (bytes >= kItemsPieceBytes) {
          LH_TRY(messages.Write(std::exchange(piece, {})));
          bytes = 0;
        }
        v1::Item& to = *piece.add_items();
        ToProto(item, to);
        bytes += to.ByteSizeLong();
      }
      if (items.empty()) return messages.Write(std::move(piece));
    }
  }

  Host& host_;
  service::Vectors& vectors_;
  service::VectorLoads* const loads_;
  const Method &create_, &list_, &get_, &drop_, &rebuild_, &add_, &add_stream_, &search_, &search_stream_, &get_item_,
      &remove_, &scan_, &load_, &embed_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeVectorsService(Host& host, service::Vectors& vectors, service::VectorLoads* loads) {
  return std::make_unique<VectorsService>(host, vectors, loads);
}

}  // namespace lakehouse::rpc
