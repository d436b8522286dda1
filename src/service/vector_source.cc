#include "service/vector_source.h"

#include <algorithm>
#include <limits>

namespace lakehouse::service {
namespace {

query::VectorIndex IndexOf(const VectorIndexInfo& info) { return {info.name, info.options.dimension, info.length}; }

class Rows final : public query::VectorRows {
 public:
  explicit Rows(std::unique_ptr<VectorScan> scan) : scan_(std::move(scan)) {}
  Result<std::vector<query::VectorRow>> Next() override {
    LH_ASSIGN(auto items, scan_->Next());
    std::vector<query::VectorRow> rows;
    rows.reserve(items.size());
    for (auto& item : items) rows.push_back({std::move(item.id), std::move(item.metadata), std::move(item.vector)});
    return rows;
  }

 private:
  const std::unique_ptr<VectorScan> scan_;
};

Result<vector::SearchRequest> RequestOf(const query::VectorQuery& query, query::VectorColumns columns) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  vector::SearchRequest request;
  request.vector = query.vector;
  request.k = query.k;
  request.ef = query.ef;
  request.recall_target = query.recall_target;
  if (query.recall_target && !(*query.recall_target > 0 && *query.recall_target <= 1)) {
    return Fail(ErrorKind::kInvalid, "recall_target must be above 0 and at most 1");
  }
  if (query.max_distance)
    request.max_distance = static_cast<float>(std::clamp(*query.max_distance, -kLargest, kLargest));
  if (query.filter) {
    LH_ASSIGN(request.filter, vector::Filter::Parse(*query.filter));
  }
  request.text = query.text;
  request.exact = query.exact;
  request.include_vector = columns.vector;
  request.include_metadata = columns.metadata;
  return request;
}

}  // namespace

Result<std::vector<query::VectorIndex>> SqlVectors::List(const RequestContext& context) {
  LH_ASSIGN(const auto infos, vectors_.List(context));
  std::vector<query::VectorIndex> indexes;
  for (const auto& info : infos) indexes.push_back(IndexOf(info));
  return indexes;
}

Result<query::VectorIndex> SqlVectors::Find(const RequestContext& context, std::string_view name) {
  LH_ASSIGN(const auto info, vectors_.Info(context, name));
  return IndexOf(info);
}

Result<std::vector<query::VectorRow>> SqlVectors::Search(const RequestContext& context, std::string_view name,
                                                         const query::VectorQuery& query,
                                                         query::VectorColumns columns) {
  LH_ASSIGN(const auto request, RequestOf(query, columns));
  LH_ASSIGN(auto answer, vectors_.Search(context, name, request));
  std::vector<query::VectorRow> rows;
  rows.reserve(answer.hits.size());
  for (auto& hit : answer.hits) {
    rows.push_back({std::move(hit.id), std::move(hit.metadata), std::move(hit.vector), hit.distance, hit.score});
  }
  return rows;
}

Result<std::unique_ptr<query::VectorRows>> SqlVectors::Scan(const RequestContext& context, std::string_view name,
                                                            query::VectorColumns columns) {
  LH_ASSIGN(auto scan, vectors_.Scan(context, name, {.vector = columns.vector, .metadata = columns.metadata}));
  return std::make_unique<Rows>(std::move(scan));
}

}  // namespace lakehouse::service
