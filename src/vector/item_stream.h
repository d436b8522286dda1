// Items as an Arrow IPC stream, written and read piece by piece: id (string), vector (fixed-size list of float) and
// metadata (JSON text, NULL when there is none). One thread at a time.
#pragma once

#include <memory>
#include <vector>

#include "base/stream.h"
#include "vector/index.h"

namespace lakehouse::vector {

class ItemStreamWriter {
 public:
  // Writes the schema. REQUIRES: the sink outlives the writer.
  static Result<std::unique_ptr<ItemStreamWriter>> Open(uint32_t dimension, ItemColumns columns, ByteSink& sink);
  virtual ~ItemStreamWriter() = default;
  // One record batch. REQUIRES: every item has what the columns say, vectors of the dimension.
  virtual Status Write(const std::vector<StoredItem>& items) = 0;
  virtual Status Finish() = 0;
};

class ItemStreamReader {
 public:
  // Reads the schema. kInvalid when it is not one of ours. REQUIRES: the source outlives the reader.
  static Result<std::unique_ptr<ItemStreamReader>> Open(ByteSource& source);
  virtual ~ItemStreamReader() = default;
  // The next record batch; empty at the end. The source's own error when it fails.
  virtual Result<std::vector<StoredItem>> Next() = 0;
};

}  // namespace lakehouse::vector
