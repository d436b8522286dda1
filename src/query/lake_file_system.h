// Objects of the store as DuckDB files: lake://<key>#<size>, read through the block cache. No writes, no listing, no
// glob. Only the scans of this folder make such paths (lake_scan.h), and they say the object's size: no HEAD for data
// objects. Callable from any thread. REQUIRES: the cache outlives this.
#pragma once

#include <string>
#include <string_view>

#include "object/block_cache.h"
#include "query/duckdb_internal.h"

namespace lakehouse::query {

inline constexpr std::string_view kLakeScheme = "lake://";

// `remote`: reads cost a round trip, so DuckDB should ask for long ranges.
duckdb::unique_ptr<duckdb::FileSystem> MakeLakeFileSystem(object::BlockCache& cache, bool remote);

// The file to open for an object of a dataset.
duckdb::OpenFileInfo LakeFile(std::string_view dataset, std::string_view key, uint64_t size);
// The object's key again.
std::string_view KeyOf(const duckdb::OpenFileInfo& file);

}  // namespace lakehouse::query
