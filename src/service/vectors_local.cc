#include "service/vectors_local.h"

#include "vector/batch.h"
#include "vector/item_scan.h"

namespace lakehouse::service {
namespace {

VectorIndexInfo InfoOf(vector::DurableIndex& index) {
  return {index.definition().name, index.definition().options, index.index().length(), index.index().version().value,
          index.index().bytes()};
}

// What a batch will hold once it is in: codes (a byte a dimension, or what the quantization takes), links, records.
uint64_t NeededBytes(const vector::IndexOptions& options, const vector::Batch& batch) {
  constexpr uint64_t kPerItem = 64;
  const uint64_t code = options.quantization == vector::Quantization::kNone ? 4 : 2;
  uint64_t bytes = batch.ids.size() * (kPerItem + uint64_t{options.dimension} * code + uint64_t{options.m} * 10);
  for (size_t i = 0; i < batch.ids.size(); ++i) bytes += batch.ids[i].size() + batch.metadata[i].value_or("").size();
  return bytes;
}

class LocalScan final : public VectorScan {
 public:
  LocalScan(std::shared_ptr<vector::DurableIndex> index, std::unique_ptr<vector::ItemScan> scan)
      : index_(std::move(index)), scan_(std::move(scan)) {}
  uint64_t length() const override { return scan_->length(); }
  vector::IndexVersion version() const override { return scan_->version(); }
  Result<std::vector<vector::StoredItem>> Next() override {
    constexpr size_t kPiece = 1024;
    return scan_->Next(kPiece);
  }

 private:
  const std::shared_ptr<vector::DurableIndex> index_;
  const std::unique_ptr<vector::ItemScan> scan_;
};

}  // namespace

Result<VectorIndexInfo> LocalVectors::Create(const RequestContext& context, std::string_view name,
                                             const vector::IndexOptions& options) {
  LH_TRY(indexes_.Ready());
  LH_ASSIGN(const auto index, indexes_.Create(context, name, options));
  return InfoOf(*index);
}

Result<std::vector<VectorIndexInfo>> LocalVectors::List(const RequestContext&) {
  LH_TRY(indexes_.Ready());
  std::vector<VectorIndexInfo> infos;
  for (const auto& index : indexes_.All()) infos.push_back(InfoOf(*index));
  return infos;
}

Result<VectorIndexInfo> LocalVectors::Info(const RequestContext&, std::string_view name) {
  LH_ASSIGN(const auto index, indexes_.Find(name));
  return InfoOf(*index);
}

Result<vector::IndexOptions> LocalVectors::Options(const RequestContext&, std::string_view name) {
  LH_ASSIGN(const auto index, indexes_.Find(name));
  return index->definition().options;
}

Status LocalVectors::Drop(const RequestContext& context, std::string_view name) {
  LH_TRY(indexes_.Ready());
  return indexes_.Drop(context, name);
}

Result<VectorIndexInfo> LocalVectors::Rebuild(const RequestContext& context, std::string_view name,
                                              const vector::RebuildOptions& options) {
  LH_TRY(indexes_.Rebuild(context, name, options));
  return Info(context, name);
}

Result<vector::Applied> LocalVectors::Add(const RequestContext& context, std::string_view name,
                                          const vector::Batch& batch) {
  LH_ASSIGN(const auto index, indexes_.Find(name));
  LH_TRY(vector::CheckBatch(index->definition().options, batch));
  LH_TRY(indexes_.CheckMemory(NeededBytes(index->definition().options, batch)));
  return index->Commit(context, batch);
}

Result<vector::SearchAnswer> LocalVectors::Search(const RequestContext& context, std::string_view name,
                                                  const vector::SearchRequest& request) {
  LH_ASSIGN(const auto index, indexes_.Find(name));
  return index->index().Search(context, request);
}

Result<vector::StoredItem> LocalVectors::Get(const RequestContext&, std::string_view name, std::string_view id) {
  LH_ASSIGN(const auto index, indexes_.Find(name));
  auto item = index->index().Get(id);
  if (!item) return Fail(ErrorKind::kNotFound, "vector index \"{}\" has no item \"{}\"", name, id);
  return *std::move(item);
}

Status LocalVectors::Remove(const RequestContext& context, std::string_view name, std::string_view id) {
  LH_ASSIGN(const auto index, indexes_.Find(name));
  LH_TRY(vector::CheckId(id));
  if (!index->index().Get(id)) return {};
  vector::Batch batch;
  batch.removed.emplace_back(id);
  if (auto applied = index->Commit(context, batch); !applied) return Fail(std::move(applied).error());
  return {};
}

Result<std::unique_ptr<VectorScan>> LocalVectors::Scan(const RequestContext&, std::string_view name,
                                                       vector::ItemColumns columns) {
  LH_ASSIGN(auto index, indexes_.Find(name));
  LH_ASSIGN(auto scan, index->index().Scan(columns));
  return std::make_unique<LocalScan>(std::move(index), std::move(scan));
}

Status LocalVectors::Ready(const RequestContext&) { return indexes_.Ready(); }

}  // namespace lakehouse::service
