// Vector indexes in this process. Thread-safe.
#pragma once

#include "service/text_vectors.h"
#include "service/vectors.h"
#include "vector/index_set.h"

namespace lakehouse::service {

class LocalVectors final : public Vectors {
 public:
  // REQUIRES: indexes outlives this.
  // `provider`: makes vectors of texts, and outlives this; none: nobody does.
  explicit LocalVectors(vector::IndexSet& indexes, embed::Provider* provider = nullptr)
      : indexes_(indexes), texts_(provider) {}

  Result<VectorIndexInfo> Create(const RequestContext& context, std::string_view name,
                                 const vector::IndexOptions& options) override;
  Result<std::vector<VectorIndexInfo>> List(const RequestContext& context) override;
  Result<VectorIndexInfo> Info(const RequestContext& context, std::string_view name) override;
  Result<vector::IndexOptions> Options(const RequestContext& context, std::string_view name) override;
  Status Drop(const RequestContext& context, std::string_view name) override;
  Result<VectorIndexInfo> Rebuild(const RequestContext& context, std::string_view name,
                                  const vector::RebuildOptions& options) override;
  Result<vector::Applied> Add(const RequestContext& context, std::string_view name,
                              const vector::Batch& batch) override;
  Result<vector::SearchAnswer> Search(const RequestContext& context, std::string_view name,
                                      const vector::SearchRequest& request) override;
  Result<vector::StoredItem> Get(const RequestContext& context, std::string_view name, std::string_view id) override;
  Status Remove(const RequestContext& context, std::string_view name, std::string_view id) override;
  Result<std::unique_ptr<VectorScan>> Scan(const RequestContext& context, std::string_view name,
                                           vector::ItemColumns columns) override;
  Status Ready(const RequestContext& context) override;
  Status Fill(const RequestContext& context, const vector::IndexOptions& options, vector::NewItems& items) override {
    return texts_.Fill(context, options, items);
  }
  Status Fill(const RequestContext& context, const vector::IndexOptions& options,
              vector::SearchesRequest& searches) override {
    return texts_.Fill(context, options, searches);
  }

 private:
  vector::IndexSet& indexes_;
  const TextVectors texts_;
};

}  // namespace lakehouse::service
