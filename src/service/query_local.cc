#include "service/query_local.h"

namespace lakehouse::service {

Result<std::unique_ptr<query::QueryStream>> LocalQuery::Run(const RequestContext& context,
                                                            const query::QueryRequest& request) {
  return engine_->Run(context, request);
}

Status LocalQuery::Ready(const RequestContext& context) {
  LH_TRY(source_.Current(context));
  return {};
}

}  // namespace lakehouse::service
