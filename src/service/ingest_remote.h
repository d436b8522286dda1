// Files into datasets at an ingestd, or at a gateway's /v1, over HTTP. Callable from any thread.
#pragma once

#include "service/ingest.h"
#include "service/remote_call.h"

namespace lakehouse::service {

// The source streams up as it is read. Errors keep the role's kind, words and members (line and column of a malformed
// row); a source that fails breaks the upload off, and its own error is told. kAmbiguous: the connection broke, and the
// ingest may or may not have happened; repeating it is safe (contract.md, replayed).
class RemoteIngest final : public Ingest {
 public:
  explicit RemoteIngest(RemoteRole role) : role_(std::move(role)) {}

  Result<IngestResult> Run(const RequestContext& context, const IngestRequest& request, ByteSource& source) override;
  Status Ready(const RequestContext& context) override { return role_.Ready(context); }

 private:
  const RemoteRole role_;
};

}  // namespace lakehouse::service
