// Any bytes as a file of JSON lines: no crash, and the outcome does not depend on how the file is cut or on threads.
#include <cstdlib>

#include "ingest/ndjson_import.h"

namespace lakehouse::ingest {
namespace {

// Keeps what the outcome is made of.
class CountingTarget final : public ImportTarget {
 public:
  Status Begin(const ImportSchema& schema) override {
    types.clear();
    rows = 0;
    for (const FileColumn& column : schema.columns) types.push_back(column.type);
    return {};
  }
  Status Add(const EncodedRowGroup& group) override {
    rows += group.rows;
    return {};
  }
  std::vector<ColumnType> types;
  int64_t rows = 0;
};

void Check(std::string_view bytes) {
  ImportOptions options;
  options.threads = 1;
  options.block_bytes = 64;
  CountingTarget cut, whole;
  const Status in_blocks = ImportNdjson(RequestContext{}, bytes, options, cut, [](size_t, size_t) {});
  options.block_bytes = size_t{1} << 20;
  const Status at_once = ImportNdjson(RequestContext{}, bytes, options, whole, [](size_t, size_t) {});
  if (in_blocks.has_value() != at_once.has_value()) std::abort();
  if (!in_blocks) return;
  if (cut.rows != whole.rows || cut.types != whole.types) std::abort();
}

}  // namespace
}  // namespace lakehouse::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lakehouse::ingest::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
