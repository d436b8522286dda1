// Vector indexes in this process. Thread-safe.
#pragma once

#include "service/vectors.h"
#include "vector/index_set.h"

namespace lakehouse::service {

class LocalVectors final : public Vectors {
 public:
  // REQUIRES: indexes outlives this.
  explicit LocalVectors(vector::IndexSet& indexes) : indexes_(indexes) {}

  Result<VectorIndexInfo> Create(const RequestContext& context, std::string_view name,
                                 const vector::IndexOptions& options) override;
  Result<std::vector<VectorIndexInfo>> List(const RequestContext& context) override;
  Result<VectorIndexInfo> Info(const RequestContext& context, std::string_view name) override;
  Result<vector::IndexOptions> Options(const RequestContext& context, std::string_view name) override;
  Status Drop(const RequestContext& context, std::string_view name) override;
  Result<vector::Applied> Add(const RequestContext& context, std::string_view name,
                              const vector::Batch& batch) override;
  Result<vector::SearchAnswer> Search(const RequestContext& context, std::string_view name,
                                      const vector::SearchRequest& request) override;
  Result<vector::StoredItem> Get(const RequestContext& context, std::string_view name, std::string_view id) override;
  Status Remove(const RequestContext& context, std::string_view name, std::string_view id) override;
  Result<std::unique_ptr<VectorScan>> Scan(const RequestContext& context, std::string_view name,
                                           vector::ItemColumns columns) override;
  Status Ready(const RequestContext& context) override;

 private:
  vector::IndexSet& indexes_;
};

}  // namespace lakehouse::service
