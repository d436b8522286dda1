// Row groups into Parquet objects of the store: spooled, named by their content, stored once whole. Not for sharing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "ingest/table_import.h"
#include "object/object_store.h"
#include "service/spool.h"

namespace lakehouse::service {

class ObjectWriter final : public ingest::ImportTarget {
 public:
  // `context` is a role's own. REQUIRES: all outlive this.
  ObjectWriter(const RequestContext& context, object::ObjectStore& store, Spool& spool, std::string dataset,
               std::string commit_id, uint64_t object_bytes);

  Status Begin(const ingest::ImportSchema& schema) override;
  Status Add(const ingest::EncodedRowGroup& group) override;
  Status AddBatch(const arrow::RecordBatch& rows) override;
  // Stores what is left. A file without rows has no objects.
  Status Finish();
  // Removes what was stored: for a commit that did not happen. Best effort; garbage collection finds the rest.
  void Discard();

  const ingest::ImportSchema& schema() const { return schema_; }
  const std::string& fingerprint() const { return fingerprint_; }
  const std::vector<catalog::Column>& columns() const { return columns_; }
  const std::vector<catalog::DataObject>& objects() const { return objects_; }
  uint64_t rows() const { return rows_; }

 private:
  // Spools and hashes what the Parquet file writes.
  class HashingSink final : public ByteSink {
   public:
    explicit HashingSink(ByteSink& sink) : sink_(sink) {}
    Status Write(std::string_view bytes) override {
      hash_.Update(bytes);
      return sink_.Write(bytes);
    }
    std::string Finish() { return ToHex(hash_.Finish()); }

   private:
    ByteSink& sink_;
    Sha256 hash_;
  };
  struct Open {
    std::unique_ptr<Spool::File> spooled;
    std::unique_ptr<HashingSink> sink;
    std::unique_ptr<ingest::ParquetOutput> file;
  };
  // The object that is being written, begun where there is none.
  template <typename File>
  Result<File*> Current();
  Status StoreIfFull();
  Status Store();

  const RequestContext& context_;
  object::ObjectStore& store_;
  Spool& spool_;
  const std::string dataset_, commit_id_;
  const uint64_t object_bytes_;
  ingest::ImportSchema schema_;
  std::vector<catalog::Column> columns_;
  std::string fingerprint_;
  Open open_;
  std::vector<catalog::DataObject> objects_;
  uint64_t rows_ = 0;
};

}  // namespace lakehouse::service
