// Vector indexes for SQL, over service::Vectors. Thread-safe. REQUIRES: `vectors` outlives the source and its scans.
#pragma once

#include "query/vector_source.h"
#include "service/vectors.h"

namespace lakehouse::service {

class SqlVectors final : public query::VectorSource {
 public:
  explicit SqlVectors(Vectors& vectors) : vectors_(vectors) {}

  Result<std::vector<query::VectorIndex>> List(const RequestContext& context) override;
  Result<query::VectorIndex> Find(const RequestContext& context, std::string_view name) override;
  Result<std::vector<query::VectorRow>> Search(const RequestContext& context, std::string_view name,
                                               const query::VectorQuery& query, query::VectorColumns columns) override;
  Result<std::unique_ptr<query::VectorRows>> Scan(const RequestContext& context, std::string_view name,
                                                  query::VectorColumns columns) override;

 private:
  Vectors& vectors_;
};

}  // namespace lakehouse::service
