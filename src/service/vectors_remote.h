// Vector indexes of a vectord over HTTP. Thread-safe.
#pragma once

#include "service/remote_call.h"
#include "service/vectors.h"

namespace lakehouse::service {

class RemoteVectors final : public Vectors {
 public:
  explicit RemoteVectors(RemoteRole role) : role_(std::move(role)) {}

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
  Status Ready(const RequestContext& context) override { return role_.Ready(context); }

 private:
  const RemoteRole role_;
};

}  // namespace lakehouse::service
