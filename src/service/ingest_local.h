// service::Ingest in this process: spool, import, store, register. Callable from any thread.
// REQUIRES: everything handed in outlives this.
#pragma once

#include <filesystem>

#include "base/log.h"
#include "base/mutex.h"
#include "object/object_store.h"
#include "observe/metrics.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/spool.h"

namespace lakehouse::service {

struct LocalIngestOptions {
  std::filesystem::path spool_folder;
  uint64_t spool_bytes = uint64_t{64} << 30;
  uint32_t max_concurrent = 2;
  unsigned threads = 2;
  // A new object is begun once one has grown past this.
  uint64_t object_bytes = uint64_t{128} << 20;
};

class LocalIngest final : public Ingest {
 public:
  LocalIngest(LocalIngestOptions options, object::ObjectStore& store, Catalog& catalog, observe::Metrics& metrics);

  Result<IngestResult> Run(const RequestContext& context, const IngestRequest& request, ByteSource& source) override;
  Status Ready(const RequestContext& context) override;

 private:
  struct Upload;
  Result<Upload> Receive(const RequestContext& context, const IngestRequest& request, ByteSource& source);
  Result<IngestResult> Import(const RequestContext& context, const IngestRequest& request, const Upload& upload,
                              const std::optional<catalog::Manifest>& existing);
  // A place among the ingests that may run at once; held while it lives.
  class Turn {
   public:
    explicit Turn(LocalIngest* ingest) : ingest_(ingest) {}
    Turn(Turn&& other) noexcept : ingest_(other.ingest_) { other.ingest_ = nullptr; }
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    LocalIngest* ingest_;
  };
  Result<Turn> AwaitTurn(const RequestContext& context);
  Result<catalog::RegisterResult> Register(const RequestContext& context, const catalog::RegisterRequest& commit);

  const LocalIngestOptions options_;
  object::ObjectStore& store_;
  Catalog& catalog_;
  Spool spool_;
  observe::Counter& rows_;
  observe::Counter& source_bytes_;
  Mutex mutex_;
  CondVar ended_;
  uint32_t running_ LH_GUARDED_BY(mutex_) = 0;
};

}  // namespace lakehouse::service
