// Reads of immutable objects through one shared, bounded cache of aligned blocks.
//
// One byte budget for the memory tier, one for the optional disk tier. Concurrent reads of a block that is not there
// make one request of the store (single flight); a sequential reader is read ahead of. Blocks are named by
// (key, etag, index), so an object that is replaced is never served stale once its new etag is known.
// Thread-safe. REQUIRES: the store outlives the cache.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "object/object_store.h"

namespace lakehouse::object {

struct BlockCacheOptions {
  uint64_t memory_bytes = uint64_t{256} << 20;
  uint64_t block_bytes = uint64_t{1} << 20;
  uint32_t read_ahead_blocks = 4;
  // Where blocks are kept on disk too; none: memory only.
  std::optional<std::filesystem::path> disk_folder;
  uint64_t disk_bytes = 0;
};

struct BlockCacheStats {
  uint64_t hits = 0, misses = 0, bytes_in_memory = 0, bytes_on_disk = 0, evictions = 0, store_reads = 0;
};

class BlockCache {
 public:
  BlockCache(ObjectStore& store, BlockCacheOptions options);
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  // Fills `out` from `offset`; fewer bytes only at the end of the object.
  // REQUIRES: info.key and info.etag name the object as it is (from Head, List or a manifest).
  Result<size_t> ReadAt(const RequestContext& context, const ObjectInfo& info, uint64_t offset, std::span<char> out);
  // Head, remembered: data objects never change under their key. `Forget` drops what is known of a key.
  Result<ObjectInfo> Info(const RequestContext& context, std::string_view key);
  void Forget(std::string_view key);
  BlockCacheStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lakehouse::object
