// An index as it stood at one version, written to a segment file while adds and searches go on.
//
// Capture is quick and must not run beside Apply; Write may: slots never change while they live, and a session keeps
// those of the capture from being used again. Links that came after the capture are left out.
#pragma once

#include <filesystem>

#include "vector/graph.h"
#include "vector/item_table.h"
#include "vector/segment.h"

namespace lakehouse::vector {

// REQUIRES: a session of the index's pool lives as long as this.
struct IndexCapture {
  IndexOptions options;
  uint64_t version = 0;
  LogPosition log;
  SlotSet live;   // items
  SlotSet nodes;  // slots with a node, dead ones too
  size_t slots = 0;
  uint64_t entry = 0;
  std::shared_ptr<Graph> graph;  // none: fewer items than need one
  const ItemTable* items = nullptr;
};

// Durable under `path` when it returns (written beside it, synced, renamed). kExhausted for a full disk.
Status WriteSegment(const IndexCapture& capture, const std::filesystem::path& path);

}  // namespace lakehouse::vector
