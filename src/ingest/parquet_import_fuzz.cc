// Any bytes as a Parquet file: no crash, and nothing is blamed on us.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "ingest/parquet_import.h"

namespace lakehouse::ingest {
namespace {

class NoTarget final : public ImportTarget {
 public:
  Status Begin(const ImportSchema&) override { return {}; }
  Status Add(const EncodedRowGroup&) override { return {}; }
  Status AddBatch(const arrow::RecordBatch&) override { return {}; }
};

void Check(const uint8_t* data, size_t size) {
  const int descriptor = ::memfd_create("file", 0);
  if (descriptor < 0 || ::write(descriptor, data, size) != static_cast<ssize_t>(size)) std::abort();
  NoTarget target;
  const Status status = ImportParquet(RequestContext{}, descriptor, ImportOptions{}, target);
  ::close(descriptor);
  if (!status && status.error().kind == ErrorKind::kInternal) std::abort();
}

}  // namespace
}  // namespace lakehouse::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lakehouse::ingest::Check(data, size);
  return 0;
}
