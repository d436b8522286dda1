// SQL in this process: the engine behind the service's interface. Callable from any thread.
#pragma once

#include <memory>

#include "query/engine.h"
#include "service/query.h"

namespace lakehouse::service {

class LocalQuery final : public Query {
 public:
  // REQUIRES: source outlives this.
  LocalQuery(std::unique_ptr<query::Engine> engine, catalog::LakeSource& source)
      : engine_(std::move(engine)), source_(source) {}

  Result<std::unique_ptr<query::QueryStream>> Run(const RequestContext& context,
                                                  const query::QueryRequest& request) override;
  Result<std::unique_ptr<query::BatchStream>> RunBatches(const RequestContext& context,
                                                         const query::BatchRequest& request) override;
  Result<query::StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                         std::optional<Seq> at_seq) override;
  // Ready once the lake can be seen.
  Status Ready(const RequestContext& context) override;
  query::EngineStats stats() const { return engine_->stats(); }

 private:
  const std::unique_ptr<query::Engine> engine_;
  catalog::LakeSource& source_;
};

}  // namespace lakehouse::service
