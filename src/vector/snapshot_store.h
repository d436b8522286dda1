// Snapshots of one index in the object store: the segment in objects of at most 128 MiB, the items as Parquet beside
// it, and a manifest that is written last and makes them one. Each lies in a folder of its own, so two owners never
// write the same object. Thread-safety: one thread at a time. REQUIRES: the store outlives this.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/request_context.h"
#include "object/object_store.h"
#include "vector/segment_writer.h"

namespace lakehouse::vector {

struct SnapshotManifest {
  std::string name;  // <version, 20 digits>-<uuid>: the newest sorts last
  uint64_t version = 0;
  LogPosition log;
  struct Object {
    std::string name;
    uint64_t bytes = 0, checksum = 0;  // XXH3
  };
  std::vector<Object> segment, items;
};

class SnapshotStore {
 public:
  // `prefix` ends with a slash: vectors/<uid>/snapshot/.
  SnapshotStore(object::ObjectStore& store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}

  // nullopt: there is none.
  Result<std::optional<SnapshotManifest>> Newest(const RequestContext& context);
  // The segment as a file, whole and checked, or nothing.
  Status Fetch(const RequestContext& context, const SnapshotManifest& manifest, const std::filesystem::path& path);
  Result<std::string> ReadItems(const RequestContext& context, const SnapshotManifest& manifest, size_t object);
  // Durable when it returns.
  Result<SnapshotManifest> Store(const RequestContext& context, const std::string& name, const IndexCapture& capture,
                                 const std::filesystem::path& segment);
  // Objects of snapshots older than this one.
  Status DropOlder(const RequestContext& context, const SnapshotManifest& manifest);

 private:
  Result<SnapshotManifest::Object> Put(const RequestContext& context, const std::string& folder, std::string name,
                                       std::string_view bytes);
  Result<std::string> ReadObject(const RequestContext& context, const SnapshotManifest& manifest,
                                 const SnapshotManifest::Object& object);

  object::ObjectStore& store_;
  const std::string prefix_;
};

}  // namespace lakehouse::vector
