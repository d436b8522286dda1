// A dataset's rows into a vector index, read and added where the index lives. Thread-safe.
#pragma once

#include <filesystem>
#include <functional>

#include "ingest/vector_rows.h"
#include "object/object_store.h"
#include "service/catalog.h"
#include "service/vectors.h"

namespace lakehouse::service {

// What of which dataset; docs/using.md, "From a dataset".
struct VectorSource {
  std::string dataset;
  std::optional<DatasetVersion> version;  // none: the current one
  ingest::VectorColumns columns;
};
// {"dataset","version","id","vector" or "text","metadata":[…]}; kInvalid naming the field.
Result<VectorSource> ParseVectorSource(std::string_view json);

struct VectorsLoaded {
  vector::Applied applied;  // of all rows
  DatasetVersion version;
};

// Loads, the same whether they run in this process or in a vectord behind gRPC. Thread-safe; blocking.
class VectorLoads {
 public:
  virtual ~VectorLoads() = default;
  // Every row is checked before the first is added; kInvalid naming dataset, row and column. Then they are added in
  // batches, each durable; a failure says how many are in, and the same load again replaces them.
  // `progress`: called now and then with the rows that are in and all of them; its failure ends the load.
  using Progress = std::function<Status(uint64_t done, uint64_t of)>;
  virtual Result<VectorsLoaded> Load(const RequestContext& context, std::string_view index, const VectorSource& source,
                                     const Progress& progress) = 0;
};

class VectorLoader final : public VectorLoads {
 public:
  // `folder`: for objects while they are read, one at a time a load. REQUIRES: everything outlives the loader.
  VectorLoader(Vectors& vectors, Catalog& catalog, object::ObjectStore& store, std::filesystem::path folder)
      : vectors_(vectors), catalog_(catalog), store_(store), folder_(std::move(folder)) {}

  Result<VectorsLoaded> Load(const RequestContext& context, std::string_view index, const VectorSource& source,
                             const Progress& progress) override;

 private:
  using Visit = std::function<Status(uint64_t number, ingest::VectorRow& row)>;
  Status ForEachRow(const RequestContext& context, const catalog::Manifest& manifest,
                    const ingest::VectorColumns& columns, const Visit& visit);
  Status CheckRows(const RequestContext& context, const vector::IndexOptions& options,
                   const catalog::Manifest& manifest, const ingest::VectorColumns& columns);

  Vectors& vectors_;
  Catalog& catalog_;
  object::ObjectStore& store_;
  const std::filesystem::path folder_;
};

}  // namespace lakehouse::service
