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

Status ForEachObject(ObjectStore& store, const RequestContext& context, ListOptions options,
                     const std::function<Result<Listing>(const ObjectInfo&)>& visit) {
  while (true) {
    LH_TRY(context.Check("listing objects"));
    LH_ASSIGN(const auto page, store.List(context, options));
    for (const ObjectInfo& info : page.objects) {
      LH_ASSIGN(const Listing next, visit(info));
      if (next == Listing::kEnough) return {};
    }
    if (!page.next_token) return {};
    options.token = *page.next_token;
  }
}

}  // namespace lakehouse::object
