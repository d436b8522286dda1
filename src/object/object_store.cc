#include "object/object_store.h"

namespace lakehouse::object {

Result<std::string> GetWhole(ObjectStore& store, const RequestContext& context, std::string_view key,
                             uint64_t limit_bytes) {
  LH_ASSIGN(const auto reader, store.Get(context, key, {}));
  return ReadAll(*reader, limit_bytes);
}

Result<PutResult> PutWhole(ObjectStore& store, const RequestContext& context, std::string_view key,
                           std::string_view bytes, PutOptions options) {
  options.size = bytes.size();
  StringSource source(bytes);
  return store.Put(context, key, source, options);
}

}  // namespace lakehouse::object
