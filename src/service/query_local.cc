#include "service/query_local.h"

namespace lakehouse::service {

Result<std::unique_ptr<query::QueryStream>> LocalQuery::Run(const RequestContext& context,
                                                            const query::QueryRequest& request) {
  return engine_->Run(context, request);
}

Result<std::unique_ptr<query::BatchStream>> LocalQuery::RunBatches(const RequestContext& context,
                                                                   const query::BatchRequest& request) {
  return engine_->RunBatches(context, request);
}

Result<query::StatementShape> LocalQuery::Describe(const RequestContext& context, const std::string& sql,
                                                   std::optional<Seq> at_seq) {
  return engine_->Describe(context, sql, at_seq);
}

Status LocalQuery::Ready(const RequestContext& context) {
  LH_TRY(source_.Current(context));
  return {};
}

}  // namespace lakehouse::service
