// Any bytes as a CSV file: no crash, and the outcome does not depend on how the file is cut or on threads.
#include "ingest/import_fuzz_target.h"
#include "ingest/table_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lakehouse;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ingest::CheckCuts([&](const ingest::ImportOptions& options, ingest::ImportTarget& target) {
    return ingest::ImportCsv(RequestContext{}, bytes, options, target, [](size_t, size_t) {});
  });
  return 0;
}
