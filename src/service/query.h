// SQL in, rows out. Callable from any thread; blocking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/request_context.h"
#include "base/stream.h"
#include "query/engine.h"

namespace lakehouse::service {

class Query {
 public:
  virtual ~Query() = default;
  // Plans and starts the query. Once this succeeds, the result's bytes come from QueryStream::WriteTo; see
  // query/engine.h.
  virtual Result<std::unique_ptr<query::QueryStream>> Run(const RequestContext& context,
                                                          const query::QueryRequest& request) = 0;
  // The same as Arrow batches, for ways in that carry those.
  virtual Result<std::unique_ptr<query::BatchStream>> RunBatches(const RequestContext& context,
                                                                 const query::BatchRequest& request) = 0;
  // What the statement takes and gives, without running it.
  virtual Result<query::StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                                 std::optional<Seq> at_seq) = 0;
  virtual Status Ready(const RequestContext& context) = 0;
};

}  // namespace lakehouse::service
