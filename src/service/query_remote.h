// SQL of a queryd, or of a gateway's /v1, in another process: over HTTP, or however a QueryRole asks it. Callable from
// any thread.
#pragma once

#include <memory>

#include "service/query.h"
#include "service/remote_call.h"

namespace lakehouse::service {

// How much longer than its caller's deadline a role is waited for: it answers a passed deadline itself, and better than
// we could, since it says which query ran too long.
inline constexpr std::chrono::milliseconds kQueryGrace{2000};

// How a queryd is asked. Callable from any thread.
class QueryRole {
 public:
  struct Answer {
    // The result in the request's format. Dropping it ends the query; one that breaks off is an error of Read, never a
    // short success.
    std::unique_ptr<ByteSource> body;
    Seq seq;
  };
  virtual ~QueryRole() = default;
  virtual const std::string& name() const = 0;
  virtual Result<Answer> Send(const RequestContext& context, const query::QueryRequest& request) const = 0;
  virtual Result<query::StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                                 std::optional<Seq> at_seq) const = 0;
  virtual Status Ready(const RequestContext& context) const = 0;
};

// Results stream: nothing is held but what is on its way. Dropping a stream closes its connection, and the role cancels
// the query. The caller's deadline travels as the query's time limit; the role's own word on it is waited for a moment
// longer. Errors keep the role's kind, words and members (the position of bad SQL); a role that cannot be reached, or
// breaks off before it answered, is kUnavailable; one that breaks off within the rows is kUpstream.
class RemoteQuery final : public Query {
 public:
  explicit RemoteQuery(RemoteRole role);
  explicit RemoteQuery(std::shared_ptr<const QueryRole> role) : role_(std::move(role)) {}

  // rows_written of a stream is known for Arrow, JSON and NDJSON once it has been written; 0 for the other formats,
  // whose bytes do not say.
  Result<std::unique_ptr<query::QueryStream>> Run(const RequestContext& context,
                                                  const query::QueryRequest& request) override;
  // One call of the role for each parameter row, all over the lake of the first.
  Result<std::unique_ptr<query::BatchStream>> RunBatches(const RequestContext& context,
                                                         const query::BatchRequest& request) override;
  Result<query::StatementShape> Describe(const RequestContext& context, const std::string& sql,
                                         std::optional<Seq> at_seq) override;
  Status Ready(const RequestContext& context) override { return role_->Ready(context); }

 private:
  const std::shared_ptr<const QueryRole> role_;
};

}  // namespace lakehouse::service
