// Any bytes as what a descriptor or an action's body holds: no crash; what parses has a name, and what it is boxed as
// again is the same command. Questions about the server itself are answered as well.
#include <arrow/record_batch.h>

#include <cstdlib>

#include "flight/command.h"
#include "flight/metadata.h"

namespace lakehouse::flight {
namespace {

void CheckAnswer(const Result<std::shared_ptr<arrow::RecordBatch>>& batch) {
  if (!batch || !(*batch)->ValidateFull().ok()) std::abort();
}

void Check(std::string_view bytes) {
  (void)Unpack<pb::ActionCreatePreparedStatementRequest>(bytes);
  (void)Unpack<pb::ActionClosePreparedStatementRequest>(bytes);
  (void)Unpack<pb::ActionCancelQueryRequest>(bytes);
  const auto command = ParseCommand(bytes);
  if (!command) {
    if (command.error().detail.empty()) std::abort();
    return;
  }
  if (NameOf(*command).empty()) std::abort();
  (void)MetadataSchema(*command);
  if (const auto* info = std::get_if<pb::CommandGetSqlInfo>(&*command)) CheckAnswer(SqlInfo(*info));
  if (const auto* types = std::get_if<pb::CommandGetXdbcTypeInfo>(&*command)) CheckAnswer(XdbcTypes(*types));
}

}  // namespace
}  // namespace lakehouse::flight

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lakehouse::flight::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
