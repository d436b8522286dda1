// The use cases of vector indexes, the same whether they run in this process or behind HTTP.
// Callable from any thread; blocking; every method keeps to the context's deadline.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/request_context.h"
#include "vector/batch.h"
#include "vector/index.h"

namespace lakehouse::service {

struct VectorIndexInfo {
  std::string name;
  vector::IndexOptions options;
  uint64_t length = 0, version = 0, bytes = 0;
};

// Every item of an index as of one version, in pieces. Several threads may take pieces of one scan.
class VectorScan {
 public:
  virtual ~VectorScan() = default;
  virtual uint64_t length() const = 0;
  virtual vector::IndexVersion version() const = 0;
  // Some items; none: the end.
  virtual Result<std::vector<vector::StoredItem>> Next() = 0;
};

class Vectors {
 public:
  virtual ~Vectors() = default;
  // kConflict when the name is taken.
  virtual Result<VectorIndexInfo> Create(const RequestContext& context, std::string_view name,
                                         const vector::IndexOptions& options) = 0;
  virtual Result<std::vector<VectorIndexInfo>> List(const RequestContext& context) = 0;
  virtual Result<VectorIndexInfo> Info(const RequestContext& context, std::string_view name) = 0;
  // What the index was made with; cheaper than Info.
  virtual Result<vector::IndexOptions> Options(const RequestContext& context, std::string_view name) = 0;
  virtual Status Drop(const RequestContext& context, std::string_view name) = 0;
  // Makes the graph anew while the old one serves; returns when the new one does. kConflict while another rebuild runs.
  virtual Result<VectorIndexInfo> Rebuild(const RequestContext& context, std::string_view name,
                                          const vector::RebuildOptions& options) = 0;
  // Checked whole, then durable, then visible. kInvalid naming the item.
  virtual Result<vector::Applied> Add(const RequestContext& context, std::string_view name,
                                      const vector::Batch& batch) = 0;
  virtual Result<vector::SearchAnswer> Search(const RequestContext& context, std::string_view name,
                                              const vector::SearchRequest& request) = 0;
  virtual Result<vector::StoredItem> Get(const RequestContext& context, std::string_view name, std::string_view id) = 0;
  virtual Status Remove(const RequestContext& context, std::string_view name, std::string_view id) = 0;
  // REQUIRES: this outlives the scan.
  virtual Result<std::unique_ptr<VectorScan>> Scan(const RequestContext& context, std::string_view name,
                                                   vector::ItemColumns columns) = 0;
  virtual Status Ready(const RequestContext& context) = 0;

  // Vectors in place of texts, by the embedding provider that is set; to be called before Add and Search with what a
  // client said. Where vectors live elsewhere, it is done there.
  virtual Status Fill(const RequestContext&, const vector::IndexOptions&, vector::NewItems&) { return {}; }
  virtual Status Fill(const RequestContext&, const vector::IndexOptions&, vector::SearchesRequest&) { return {}; }
};

}  // namespace lakehouse::service
