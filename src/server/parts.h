// The parts that roles are made of. Each owns what it runs, adds its routes, says whether it is ready; its destructor
// ends what runs. Parts are made on the main thread before the server serves, and outlive it. REQUIRES: the process
// outlives every part.
#pragma once

#include <memory>

#include "catalog/lake_view.h"
#include "http/server.h"
#include "object/object_store.h"
#include "server/catalog_host.h"
#include "server/process.h"
#include "service/catalog.h"
#include "service/ingest.h"
#include "service/query.h"
#include "service/storage_local.h"
#include "service/vector_load.h"
#include "service/vectors.h"

namespace lakehouse::server {

// Where objects are: the backend of the settings.
Result<std::unique_ptr<object::ObjectStore>> OpenBackend(const Process& process);
Result<std::unique_ptr<object::ObjectStore>> OpenS3Backend(const Process& process);
// What clients may do to objects at once, and how large they may be.
service::StorageLimits StorageLimitsOf(const config::Settings& settings);
// True when no other process can write the backend's log: the local store's lock, or memory.
bool OwnsLog(const Process& process);

class Part {
 public:
  virtual ~Part() = default;
  virtual void AddRoutes(http::Router& router) = 0;
  virtual Status Ready(const RequestContext& context) = 0;
};

class StoragePart final : public Part {
 public:
  // Fails when the backend can never work as it is set up (a bucket that is missing, credentials that are refused).
  static Result<std::unique_ptr<StoragePart>> Open(const Process& process);
  ~StoragePart() override;
  void AddRoutes(http::Router& router) override;
  Status Ready(const RequestContext& context) override;
  service::Storage& service() { return *service_; }
  object::ObjectStore& store() { return *store_; }

 private:
  StoragePart() = default;
  std::unique_ptr<object::ObjectStore> store_;
  std::unique_ptr<service::Storage> service_;
};

class CatalogPart final : public Part {
 public:
  // `owns_log`: nobody else commits to the log behind `store`.
  CatalogPart(const Process& process, object::ObjectStore& store, bool owns_log);
  ~CatalogPart() override;
  void AddRoutes(http::Router& router) override;
  Status Ready(const RequestContext& context) override;
  service::Catalog& service();
  // Views for a query part in this process; kUnavailable until the catalog has been read.
  catalog::LakeSource& lake();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class IngestPart final : public Part {
 public:
  static Result<std::unique_ptr<IngestPart>> Open(const Process& process, object::ObjectStore& store,
                                                  service::Catalog& catalog);
  ~IngestPart() override;
  void AddRoutes(http::Router& router) override;
  service::Ingest& service();
  Status Ready(const RequestContext& context) override;

 private:
  struct Impl;
  explicit IngestPart(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class QueryPart final : public Part {
 public:
  // `remote_store`: reads cross a network.
  static Result<std::unique_ptr<QueryPart>> Open(const Process& process, object::ObjectStore& store, bool remote_store,
                                                 catalog::LakeSource& lake, service::Vectors& vectors);
  ~QueryPart() override;
  void AddRoutes(http::Router& router) override;
  service::Query& service();
  Status Ready(const RequestContext& context) override;

 private:
  struct Impl;
  explicit QueryPart(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class VectorPart final : public Part {
 public:
  // `catalog`: of the datasets that items are loaded from.
  static Result<std::unique_ptr<VectorPart>> Open(const Process& process, object::ObjectStore& store,
                                                  service::Catalog& catalog);
  ~VectorPart() override;
  void AddRoutes(http::Router& router) override;
  service::Vectors& service();
  service::VectorLoads& loads();
  Status Ready(const RequestContext& context) override;

 private:
  struct Impl;
  explicit VectorPart(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The lake for a query part whose catalogd is another process: follows the log through the store.
class ReplicaLake {
 public:
  ReplicaLake(const Process& process, object::ObjectStore& store, service::Catalog& catalog);
  ~ReplicaLake();
  catalog::LakeSource& lake();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::server
